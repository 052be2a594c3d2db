package checks

import (
	"cmp"

	"github.com/pipewatch-dev/pipewatch/conf"
	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/probe"
)

// tier is what the version is of.
func (p versionParams) tier() probe.Tier {
	if p.Of == "content" {
		return probe.ContentTier
	}
	return probe.Tier(p.Of)
}

// tierName is the word for it, which is also the value of the key.
func (p versionParams) tierName() string { return cmp.Or(p.Of, "content") }

// settleTier refuses the keys that a tier has no use for.
func (p versionParams) settleTier(s Site) conf.Problems {
	var problems conf.Problems
	refuse := func(why string, keys ...string) {
		for _, key := range keys {
			if v := s.Spec.Params.Get(key); v.Exists() {
				problems.Add(v.KeyProblem("%s", why).WithCode("PW141").WithHint("remove %s, or use of: content", key))
			}
		}
	}
	switch p.tier() {
	case probe.SchemaTier:
		refuse("a schema has no partitions", "partition", "closed_after")
		refuse("a schema is no hash of rows", "algo", "equals")
	case probe.ProfileTier:
		refuse("a profile is one for the whole table", "partition", "closed_after")
		refuse("a profile is no hash of rows", "algo", "equals")
	case probe.NativeTier:
		refuse("a change token is one for the whole table", "columns", "exclude", "partition", "closed_after", "algo", "equals")
		if s.Spec.Where != "" {
			problems.Add(s.Spec.Params.KeyProblem("a change token is one for the whole table, whatever where says").WithCode("PW141").WithHint("remove where, or use of: content"))
		}
		if s.Node.Type == dag.Query {
			problems.Add(s.Spec.Params.Get("of").Problem("a query has no change token").WithCode("PW141").WithHint("use of: content, or watch the table"))
		}
	}
	return problems
}
