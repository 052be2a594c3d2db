package incident

import (
	"fmt"
	"slices"
	"time"

	"github.com/pipewatch-dev/pipewatch/checks"
	"github.com/pipewatch-dev/pipewatch/dag"
)

// Gap is something that nobody watches although it looks as if.
type Gap struct {
	Kind  GapKind     `json:"kind"`
	Node  dag.NodeID  `json:"node"`
	Check dag.CheckID `json:"check,omitempty"` // empty where it is about the whole node
	Why   string      `json:"why"`             // in a sentence, with what to do
	// Consumers is how many nodes below need the node.
	Consumers int `json:"consumers"`
}

// GapKind is a sort of gap.
type GapKind string

// The gaps, from worst to mildest.
const (
	Unwatched      GapKind = "unwatched"       // consumers, and no check
	NeverEvaluated GapKind = "never_evaluated" // a check without any verdict
	AlwaysError    GapKind = "always_error"    // has had no answer for long, or ever
	AlwaysNoData   GapKind = "always_nodata"   // has never had anything to judge
	CannotFire     GapKind = "cannot_fire"     // nothing it could see opens an incident
	MutedLong      GapKind = "muted_long"      // an incident that is silent for long
)

const (
	longError = 24 * time.Hour
	longMute  = 7 * 24 * time.Hour
)

// Coverage lists what nobody watches, the worst sort first, in each the nodes
// that most others need first.
func Coverage(s *checks.Suite, b Book, now time.Time) []Gap {
	var gaps []Gap
	for _, n := range s.Graph.Order() {
		if n.Type == dag.External {
			continue
		}
		below := len(s.Graph.Downstream(n.ID))
		if len(s.Of(n.ID)) == 0 && (below > 0 || n.Gate) {
			gaps = append(gaps, Gap{Kind: Unwatched, Node: n.ID, Consumers: below, Why: "others need it and it has no check: give it one, such as freshness or row_count"})
		}
		for _, c := range s.Of(n.ID) {
			if kind, why := gapOf(c, b.States.Of(c.ID()), now); kind != "" {
				gaps = append(gaps, Gap{Kind: kind, Node: n.ID, Check: c.ID(), Consumers: below, Why: why})
			}
		}
	}
	for _, i := range b.Incidents {
		if i.Status == Open && i.Muted.Set() && now.Sub(i.Muted.At) >= longMute {
			gaps = append(gaps, Gap{
				Kind: MutedLong, Node: i.Root, Consumers: len(i.Blocks),
				Why: fmt.Sprintf("%s is muted since %s by %s: mend it, or drop the check", i.ID, stamp(i.Muted.At), i.Muted.By),
			})
		}
	}
	order := []GapKind{Unwatched, NeverEvaluated, AlwaysError, AlwaysNoData, CannotFire, MutedLong}
	slices.SortStableFunc(gaps, func(x, y Gap) int {
		if x.Kind != y.Kind {
			return slices.Index(order, x.Kind) - slices.Index(order, y.Kind)
		}
		return y.Consumers - x.Consumers
	})
	return gaps
}

// gapOf is the gap of one check; empty for none.
func gapOf(c *checks.Check, s State, now time.Time) (GapKind, string) {
	switch {
	case s.Outcome == "":
		return NeverEvaluated, "it has no verdict yet: its schedule may not have come, or its runs never end"
	case s.Troubles > 0 && (s.Phase == Unknown || now.Sub(s.Troubled) >= longError):
		return AlwaysError, "it has had no answer since " + stamp(s.Troubled) + ": " + s.Message
	case s.Outcome == checks.NoData && s.Phase == Unknown:
		return AlwaysNoData, "there has never been anything to judge: " + s.Message
	case c.Spec.Shadow:
		return CannotFire, "mode: shadow never alerts; remove it once the check is quiet enough"
	case !limited(c):
		return CannotFire, "it observes and judges nothing: give it a limit"
	}
	return "", ""
}

// limits are the keys of each kind that make it judge. Kinds that are not listed
// judge without any.
var limits = map[string][]string{
	"row_count": {"min", "max", "compare", "frozen_after", "equals", "non_decreasing", "delta"},
	"joins":     {"min_match", "max_orphans", "max_null_keys", "max_duplicate_parent_keys", "min_parents", "known_orphans", "curve"},
	"version":   {"on_change", "lag", "no_op", "equals", "closed_after"},
	"sql":       {"expect"},
}

// limited tells whether a check has a limit that could be broken.
func limited(c *checks.Check) bool {
	keys, listed := limits[c.Spec.Kind]
	return !listed || slices.ContainsFunc(keys, func(key string) bool {
		v := c.Spec.Block.Get(key)
		return v.Exists() && v.Text() != "report"
	})
}
