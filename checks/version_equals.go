package checks

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/pipewatch-dev/pipewatch/conf"
	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/probe"
)

// settleEquals finds the node that must have the same content. It is asked for the
// same columns and partitions, by the digest that all engines make alike.
func (p *versionParams) settleEquals(s Site) (dag.NodeID, conf.Problems) {
	algo, named := s.Spec.Params.Get("algo"), s.Spec.Params.Get("equals")
	switch {
	case !named.Exists() || p.tier() != probe.ContentTier:
		return "", nil // of other tiers that has been refused
	case p.Algo == "native":
		return "", conf.Problems{algo.Problem("hashes of the engine's own do not compare with those of another node").WithCode("PW141").WithHint("remove algo, or write algo: canonical")}
	}
	n, problems := otherNode(s, named, "PW140")
	switch {
	case n == nil:
		return "", problems
	case n.ID == s.Node.ID:
		return "", conf.Problems{named.Problem("a node always equals itself").WithCode("PW140")}
	}
	other := p.Own
	other.Name, other.Of, other.Where = named.Text(), RelationOf(n), ""
	p.Other = &other
	return n.ID, problems
}

// judgeEquals compares the content with that of the other node.
func (p versionParams) judgeEquals(as []probe.Answer) (judgement, error) {
	mine, err := probe.Value[probe.Digests](as[0])
	if err != nil {
		return judgement{}, err
	}
	theirs, err := probe.Value[probe.Digests](as[len(as)-1])
	switch name := p.Other.Name; {
	case err != nil:
		return judgement{}, err
	case mine.Value == theirs.Value:
		return judgement{outcome: Pass}, nil
	case columnNames(mine) != columnNames(theirs):
		return judgement{}, fmt.Errorf("the columns are %s here and %s in %s: list those to compare, in one order, with columns", columnNames(mine), columnNames(theirs), name)
	case unlike(mine, theirs) != "":
		return judgement{}, fmt.Errorf("%s in %s: make both of one kind in a view, or exclude it", unlike(mine, theirs), name)
	case mine.Rows != theirs.Rows:
		return judgement{outcome: Fail, reason: Unequal, message: fmt.Sprintf("%s here, %s in %s", counted(mine.Rows, "row"), thousands(theirs.Rows), name)}, nil
	default:
		return judgement{outcome: Fail, reason: Unequal, message: fmt.Sprintf("the content differs from that of %s, both have %s", name, counted(mine.Rows, "row"))}, nil
	}
}

// columnNames lists the columns of an answer for people.
func columnNames(d probe.Digests) string {
	var names []string
	for _, c := range d.Columns {
		names = append(names, strings.ToLower(c.Name))
	}
	return cmp.Or(strings.Join(names, ", "), "none")
}

// unlike names a column whose values are written in another way on the other side,
// such as a decimal of another scale, so that equal values would seem to differ.
func unlike(mine, theirs probe.Digests) string {
	for i, c := range mine.Columns {
		if o := theirs.Columns[i]; writtenAs(c) != writtenAs(o) {
			return fmt.Sprintf("column %s is %s here and %s", c.Name, c.Type, o.Type)
		}
	}
	return ""
}

func writtenAs(c probe.Column) string {
	switch c.Class {
	case probe.Zoned:
		return string(probe.Naive)
	case probe.Other:
		return string(probe.Text)
	case probe.Decimal:
		_, scale, _ := strings.Cut(c.Type, ",")
		return string(c.Class) + strings.TrimSpace(scale)
	}
	return string(c.Class)
}
