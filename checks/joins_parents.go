package checks

import (
	"fmt"

	"github.com/pipewatch-dev/pipewatch/probe"
)

// parentShare looks the other way: it holds the share of the parent's keys that some
// row has against min_parents. Rows that are too few are matchShare's to report.
func (p joinsParams) parentShare(c probe.Covered) judgement {
	switch {
	case p.MinParents == nil || !p.enough(c.Eligible):
		return judgement{outcome: Pass}
	case c.ParentKeys == 0:
		return judgement{outcome: NoData, message: fmt.Sprintf("nothing to judge: %s has no keys", p.To)}
	case p.MinParents.AtLeast(c.ParentsMatched, c.ParentKeys):
		return judgement{outcome: Pass}
	}
	return judgement{outcome: Fail, reason: UncoveredParents, message: fmt.Sprintf("%s of %s in %s have rows, limit %s: %s without any",
		share(c.ParentsMatched, c.ParentKeys), counted(c.ParentKeys, "key"), p.To, p.MinParents, thousands(c.ParentKeys-c.ParentsMatched))}
}
