package probe

import (
	"cmp"
	"math/big"
	"strings"
)

// Comparable tells whether values of two columns can be equal in a sense that
// people mean; those of a type without a class only with their like.
func Comparable(a, b Column) bool {
	if a.Class == Other || b.Class == Other {
		return strings.EqualFold(a.Type, b.Type)
	}
	return family(a.Class) == family(b.Class)
}

func family(c TypeClass) string {
	switch c {
	case Integer, Decimal, Float:
		return "number"
	case Date, Naive, Zoned:
		return "time"
	}
	return string(c)
}

// Covered answers Coverage.
type Covered struct {
	Joined
	// DuplicateParentKeys counts the distinct parent keys that occur more
	// than once; MaxFanOut is the most rows one parent key has.
	DuplicateParentKeys int64
	MaxFanOut           int64
	// ParentKeys counts the distinct parent keys without a NULL, ParentsMatched those
	// of them that a row of the child has. See Coverage.Parents.
	ParentKeys, ParentsMatched int64
	Segments                   []SegmentJoined // worst match ratio first, at most 1,000
	Cohorts                    []CohortJoined  // see Coverage.Per, by start; none is empty
	OrphanHashes               []uint64        // see Coverage.KeySample
	Fingerprint                string          // hashes compare only under one
}

// Joined counts a child's rows. Eligible = Matched + Orphans; Total = Eligible
// + NullKeys, unless NULL keys are orphans by request.
type Joined struct {
	Total, NullKeys, Eligible, Matched, Orphans, OrphanKeys int64
}

// SegmentJoined is one segment's share of a join.
type SegmentJoined struct {
	Segment string
	Joined
}

// CohortJoined is how the rows of one stretch of time find their parents.
type CohortJoined struct {
	Start, End        Instant
	Eligible, Matched int64
}

// WorseFirst orders segments by match ratio, as exact fractions; those with nothing
// eligible come last, and of equals the larger first.
func WorseFirst(a, b SegmentJoined) int {
	left := new(big.Int).Mul(big.NewInt(a.Matched), big.NewInt(b.Eligible))
	right := new(big.Int).Mul(big.NewInt(b.Matched), big.NewInt(a.Eligible))
	empty := func(s SegmentJoined) int {
		if s.Eligible == 0 {
			return 1
		}
		return 0
	}
	return cmp.Or(cmp.Compare(empty(a), empty(b)), left.Cmp(right), cmp.Compare(b.Total, a.Total), strings.Compare(a.Segment, b.Segment))
}

// KeySet answers Keys.
type KeySet struct {
	Columns []Column // of the key
	Groups  []KeyRows
}

// KeyRows is the rows of one key, in one segment and stretch of time where the
// question says so.
type KeyRows struct {
	Null       bool   // some part of the key is NULL
	Key        uint64 // 60 bits of a hash that is the same on every engine
	Segment    string
	Start, End Instant
	Rows       int64
}
