package checks

import (
	"slices"
	"time"

	"github.com/pipewatch-dev/pipewatch/conf"
	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/probe"
)

// version is the kind that gives a node a version, a hash of its content or of its
// columns, and judges when it changes.
var version = define("version", "content or columns change only when they may", behaviour[versionParams]{
	settle: settleVersion, ask: askVersion, judge: judgeVersion, memoryTells: true,
})

type versionParams struct {
	Of          string          `yaml:"of" jsonschema:"enum=content,enum=schema,enum=native,enum=profile" jsonschema_description:"what the version is of: content (all rows; default), profile (per column how many values, least, greatest, sum), native (the engine's change token of the table), schema (columns and types)"`
	Columns     conf.StringList `yaml:"columns" jsonschema_description:"the columns that count; default \"*\", all"`
	Exclude     conf.StringList `yaml:"exclude" jsonschema_description:"columns that do not count, such as a load time"`
	Allow       []string        `yaml:"allow" jsonschema:"enum=added_columns,enum=widened_types" jsonschema_description:"changes of a schema that are fine"`
	Partition   *partition      `yaml:"partition" jsonschema_description:"also give each stretch of time a version, so that changes of the past are seen as such"`
	BuiltFrom   []string        `yaml:"built_from" jsonschema_description:"the nodes that this one is made of"`
	OnChange    onChange        `yaml:"on_change" jsonschema_description:"report (default) passes; fail fails; {require: upstream_changed} or {require: run} fails what is not explained by a new version of a node in built_from, or by a successful run of a job upstream"`
	ClosedAfter *conf.Duration  `yaml:"closed_after" jsonschema_description:"age, from its end, at which a partition should not change any more; default 0s"`
	Algo        string          `yaml:"algo" jsonschema:"enum=native,enum=canonical" jsonschema_description:"how content is hashed: native (the engine's own hash; default) or canonical (alike on all engines; slower)"`
	Equals      string          `yaml:"equals" jsonschema_description:"a node, maybe in another engine, whose content must be the same; implies algo: canonical"`
	Lag         *conf.Duration  `yaml:"lag" jsonschema_description:"longest time for which a node in built_from may have a version that this one was not built from, or two of them different versions of one node"`
	NoOp        string          `yaml:"no_op" jsonschema:"enum=report,enum=warn,enum=fail" jsonschema_description:"what it means that the job which writes the node succeeded and changed nothing; default report"`

	Own     contentOf  `yaml:"-"`
	Inputs  []input    `yaml:"-"` // of BuiltFrom
	Above   []input    `yaml:"-"` // what Inputs share, where Lag is judged
	Jobs    []jobInput `yaml:"-"` // upstream, where a run is required
	Writers []jobInput `yaml:"-"` // of the node itself, where their runs are looked at
	Other   *contentOf `yaml:"-"` // of Equals

	// What is the same in every run; neither is part of the meaning of the check.
	past    *recollection[versionMemory]
	meaning map[string]string // the definition of Own
}

// partition splits the rows by time.
type partition struct {
	By       string         `yaml:"by" jsonschema:"required" jsonschema_description:"time column"`
	ColumnTZ string         `yaml:"column_tz" jsonschema_description:"IANA zone of the column where it has none; default UTC"`
	Per      probe.Per      `yaml:"per" jsonschema:"enum=hour,enum=day,enum=week,enum=month" jsonschema_description:"length of a partition; default day, local to the DAG's zone"`
	Last     *conf.Duration `yaml:"last" jsonschema_description:"only partitions that start within this long; default: all, of which the newest 500 are remembered"`
}

// The policies of on_change.
const (
	reportChange    = "report"
	failChange      = "fail"
	upstreamChanged = "upstream_changed"
	runSucceeded    = "run"
)

// onChange is one of the policies.
type onChange string

type requirement struct {
	Require string `yaml:"require" jsonschema:"required,enum=upstream_changed,enum=run" jsonschema_description:"what explains a change"`
}

// DecodeConf reads report, fail or {require: …}.
func (c *onChange) DecodeConf(v conf.Value) conf.Problems {
	if v.Kind() == conf.Map {
		var r requirement
		problems := v.Decode(&r)
		*c = onChange(r.Require)
		return problems
	}
	*c = onChange(v.Text())
	if *c != reportChange && *c != failChange {
		p := conf.NotOneOf(v, reportChange, failChange)
		if *c == upstreamChanged || *c == runSucceeded {
			p = p.WithHint("write {require: %s}", *c)
		}
		return conf.Problems{p}
	}
	return nil
}

// ConfSchema lists the forms.
func (onChange) ConfSchema() []any {
	return []any{conf.Literal{Of: reportChange}, conf.Literal{Of: failChange}, requirement{}}
}

// contentOf is whose version is asked for, and how.
type contentOf struct {
	Name      string // as written in built_from; empty for the node itself
	Of        probe.Relation
	Where     string
	Columns   probe.Names
	Exclude   probe.Names
	Tier      probe.Tier
	Canonical bool
	Partition *partition
	Zone      string
}

// question asks for the version at a moment, unless the table has a token still.
func (c contentOf) question(at Moment, unless string) probe.Digest {
	q := probe.Digest{Of: c.Of, Where: c.Where, Columns: c.Columns, Exclude: c.Exclude, Tier: c.Tier, Canonical: c.Canonical, Unless: unless}
	if p := c.Partition; p != nil {
		q.By, q.Per, q.Zone = probe.TimeColumn{Name: p.By, Zone: p.ColumnTZ}, p.Per, c.Zone
		if p.Last != nil {
			q.From = probe.At(at.Now.Add(-p.Last.Std()))
		}
	}
	return q
}

// content is what p asks for about its own node.
func (p versionParams) content(n *dag.Node, where string) contentOf {
	c := contentOf{Of: RelationOf(n), Where: where, Exclude: probe.List(p.Exclude...), Tier: p.tier(),
		Canonical: p.Algo == "canonical" || p.Equals != "", Zone: zoneName(n.Zone)}
	if !slices.Equal(p.Columns, conf.StringList{"*"}) {
		c.Columns = probe.List(p.Columns...)
	}
	if p.Partition != nil {
		c.Partition = new(*p.Partition)
		if c.Partition.Per == "" {
			c.Partition.Per = probe.Day
		}
	}
	return c
}

func settleVersion(s Site, p *versionParams) ([]dag.NodeID, conf.Problems) {
	params := s.Spec.Params
	problems := needRows(s)
	problems.Merge(p.settleTier(s))
	if v := params.Get("closed_after"); v.Exists() && p.Partition == nil && p.tier() == probe.ContentTier {
		problems.Add(v.KeyProblem("closed_after is about partitions, and there are none").WithCode("PW141").WithHint("add partition: {by: <time column>}"))
	}
	if v := params.Get("allow"); v.Exists() && p.Of != "schema" {
		problems.Add(v.KeyProblem("allow is about changes of a schema").WithCode("PW141").WithHint("use of: schema"))
	}
	problems.Merge(badZone(params.Get("partition").Get("column_tz")))
	if p.ClosedAfter == nil {
		p.ClosedAfter = new(conf.Duration)
	}
	p.Own = p.content(s.Node, s.Spec.Where)
	p.meaning, p.past = p.Own.definition(), new(recollection[versionMemory])
	upstream, ps := p.settleInputs(s)
	problems.Merge(ps)
	if id, ps := p.settleEquals(s); len(ps) > 0 || id != "" {
		problems.Merge(ps)
		upstream = append(upstream, id)
	}
	problems.Merge(p.settleRequirement(s))
	return upstream, problems
}

// settleRequirement finds what may explain a change.
func (p *versionParams) settleRequirement(s Site) conf.Problems {
	at := s.Spec.Params.Get("on_change")
	switch p.OnChange {
	case "":
		p.OnChange = reportChange
	case upstreamChanged:
		if len(p.BuiltFrom) == 0 {
			return conf.Problems{at.Problem("no change could ever be explained: built_from is missing").WithCode("PW142").
				WithHint("name the nodes this one is made of with built_from: [a, b]")}
		}
	case runSucceeded:
		if p.Jobs = jobsAbove(s); len(p.Jobs) == 0 {
			return conf.Problems{at.Problem("no change could ever be explained: no job is upstream of this node").WithCode("PW143").
				WithHint("add the job that writes it to depends_on")}
		}
		p.Writers = writers(s.graph(), s.Node)
	}
	judged := p.NoOp == "warn" || p.NoOp == "fail"
	if judged {
		if p.Writers = writers(s.graph(), s.Node); len(p.Writers) == 0 {
			return conf.Problems{s.Spec.Params.Get("no_op").Problem("no run could ever be seen to change nothing: no job writes this node").WithCode("PW143").
				WithHint("add the job that writes it to depends_on")}
		}
	}
	if p.OnChange != upstreamChanged && p.Lag == nil && !judged {
		p.Inputs = nil // they are upstream of the check, and nothing is asked of them
	}
	return nil
}

func askVersion(_ Site, p versionParams, m Memory, at Moment) []probe.Question {
	past, _ := p.recall(m)
	qs := []probe.Question{p.Own.question(at, p.unless(past, at))}
	for _, in := range slices.Concat(p.Inputs, p.Above) {
		qs = append(qs, in.question(at, past.Tracked[in.ID].unless(at)))
	}
	for _, job := range p.allJobs() {
		qs = append(qs, job.Question)
	}
	if p.Other != nil {
		qs = append(qs, p.Other.question(at, ""))
	}
	return qs
}

type versionObserved struct {
	Version     string            `json:"version"`
	Tier        string            `json:"tier"`
	Sound       bool              `json:"sound"`              // the same version is the same of what the tier is about
	Hint        string            `json:"hint,omitempty"`     // why not
	ByToken     bool              `json:"by_token,omitempty"` // the change token was the same, so no row was read
	Rows        *int64            `json:"rows"`               // null where no row is read
	Columns     []columnObserved  `json:"columns"`
	Changed     bool              `json:"changed"`
	Previous    *string           `json:"previous"`             // null at first sight
	Partitions  map[string]string `json:"partitions,omitempty"` // versions by start
	Restated    []time.Time       `json:"restated,omitempty"`   // starts of closed partitions that changed
	ExplainedBy []string          `json:"explained_by,omitempty"`
	// Behind says since when a node in built_from has a version that this one was not
	// built from; Torn names the node of which two of them held different versions.
	Behind map[string]time.Time `json:"behind,omitempty"`
	Torn   string               `json:"torn,omitempty"`
}

type columnObserved struct {
	Name     string `json:"name"`
	Type     string `json:"type"`
	Nullable bool   `json:"nullable"`
}

type versionExpected struct {
	OnChange           onChange `json:"on_change"`
	Allow              []string `json:"allow,omitempty"`
	ClosedAfterSeconds *int64   `json:"closed_after_seconds,omitempty"`
	LagSeconds         *int64   `json:"lag_seconds,omitempty"`
	NoOp               string   `json:"no_op,omitempty"`
}

func judgeVersion(s Site, p versionParams, as []probe.Answer, m Memory, at Moment) (Verdict, Memory) {
	v, next := judgeChange(s, p, as, m, at)
	if p.Other == nil || v.Outcome == Error {
		return v, next
	}
	j, err := p.judgeEquals(as)
	switch {
	case err != nil:
		return couldNot(err), nil
	case j.outcome.Worse(v.Outcome):
		v.Outcome, v.Reason, v.Message = j.outcome, j.reason, j.message
	}
	return v, next
}

// judgeChange judges the node's version against its past.
func judgeChange(s Site, p versionParams, as []probe.Answer, m Memory, at Moment) (Verdict, Memory) {
	past, known := p.recall(m)
	seen, jobs, err := p.sight(past, as, at)
	if err != nil {
		return couldNot(err), nil
	}
	why := ""
	if known {
		why = past.unlike(seen)
	}
	seen.lineage = p.follow(past.lineage, seen, jobs, at.Now.Unix())
	observed, expected := seen.observed(p), p.expected()
	if !known || why != "" {
		return baseline(seen, why).verdict(observed, expected), remember(versionFormat, seen.versionMemory)
	}
	observed.Previous = &past.Version
	var j judgement
	var next Memory
	if past.Version == seen.Version {
		j, next = judgeSame(s, p, past, seen, jobs, at), past.again(seen, p)
	} else {
		c := compareVersions(s, p, past, seen, at)
		var accepted bool
		j, accepted = c.judge(jobs)
		observed.Changed, observed.Restated, observed.ExplainedBy = true, c.restatedStarts(), c.explainedBy
		if accepted {
			seen.remember(past)
			next = remember(versionFormat, seen.versionMemory)
		} else {
			j.goodUntil = time.Unix(past.At, 0)
			next = past.held(seen, p)
		}
	}
	v := worst(j, p.judgeLag(seen.lineage, at), p.judgeTorn(seen.lineage, at)).verdict(observed, expected)
	v.Event = observed.event(at)
	return v, next
}

// event is that the version is another one, if it is.
func (o versionObserved) event(at Moment) Event {
	switch {
	case !o.Changed:
		return Event{}
	case len(o.Restated) > 0:
		return Event{at.Now, "has closed days that were rewritten"}
	case o.Tier == "schema":
		return Event{at.Now, "has another schema"}
	}
	return Event{at.Now, "has other content"}
}

// judgeSame is the judgement on a version that did not change.
func judgeSame(s Site, p versionParams, past versionMemory, seen sighting, jobs jobRuns, at Moment) judgement {
	if p.NoOp != "" || p.OnChange == runSucceeded {
		if j, idle := p.judgeIdle(s, past, seen, jobs); idle {
			return j
		}
	}
	return judgement{outcome: Pass, message: "unchanged since " + clock(time.Unix(past.Since, 0), s.Node.Zone), goodUntil: at.Now}
}

func (p versionParams) expected() versionExpected {
	e := versionExpected{OnChange: p.OnChange, Allow: p.Allow, LagSeconds: seconds(p.Lag), NoOp: p.NoOp}
	if p.Own.Partition != nil {
		e.ClosedAfterSeconds = seconds(p.ClosedAfter)
	}
	return e
}

// baseline is the judgement on a version that none before compares with; why says
// what made it so, where there was one.
func baseline(seen sighting, why string) judgement {
	j := judgement{outcome: Pass, message: "first sight of version " + seen.Version}
	if why != "" {
		j.message += ": " + why
	}
	return j
}
