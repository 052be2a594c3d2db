package checks

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/pipewatch-dev/pipewatch/probe"
)

// frozenMemory holds a digest of the labels of each frozen cohort as it was when
// it froze, oldest first: the start in minutes since 1970 (4 bytes), then the digest.
// The digests are an engine's of one version: after an upgrade cohorts freeze anew.
type frozenMemory struct {
	Fingerprint string `json:"fingerprint"`
	Cohorts     []byte `json:"cohorts"`
}

type frozenCohort [4 + 8]byte

// mostFrozen is how many cohorts, the newest, fit in a Memory: nine years of days.
const mostFrozen = 3500

func freeze(c probe.Cohort) frozenCohort {
	var f frozenCohort
	binary.BigEndian.PutUint32(f[:4], uint32(c.Start.Time().Unix()/60))
	sum := sha256.Sum256([]byte(c.Digest))
	copy(f[4:], sum[:])
	return f
}

func (f frozenCohort) start() uint32 { return binary.BigEndian.Uint32(f[:4]) }

// frozen holds the labels of all frozen cohorts against what they were. A changed
// cohort stays a finding until its labels are again what they were. One that has
// no examples any more was deleted by rule, not relabelled, and is no finding.
func (r labelsReading) frozen(m Memory) (judgement, Memory) {
	past, seen := recall[frozenMemory](m, 1)
	if past.Fingerprint != r.All.Fingerprint {
		past, seen = frozenMemory{}, false
	}
	known := map[uint32]frozenCohort{}
	var all []frozenCohort
	for chunk := range slices.Chunk(past.Cohorts, len(frozenCohort{})) {
		if len(chunk) == len(frozenCohort{}) {
			f := frozenCohort(chunk)
			known[f.start()], all = f, append(all, f)
		}
	}
	var changed []probe.Cohort
	added := false
	for _, c := range r.All.Cohorts {
		if r.age(c) < r.Params.FreezeAfter.Std() {
			continue
		}
		f := freeze(c)
		was, ok := known[f.start()]
		switch {
		case ok && was != f, !ok && len(known) > 0 && f.start() > all[0].start() && f.start() < all[len(known)-1].start():
			changed = append(changed, c)
		case !ok && (len(known) == 0 || f.start() > all[len(known)-1].start()):
			all, added = append(all, f), true
		}
	}
	var next Memory
	if added || !seen {
		var packed []byte
		for _, f := range all[max(0, len(all)-mostFrozen):] {
			packed = append(packed, f[:]...)
		}
		next = remember(1, frozenMemory{r.All.Fingerprint, packed})
	}
	if len(changed) == 0 {
		return judgement{outcome: Pass}, next
	}
	j := judgement{outcome: Fail, reason: FrozenChanged, message: fmt.Sprintf("labels of cohort %s changed although it is older than %s", r.name(changed[0]), r.Params.FreezeAfter)}
	if more := len(changed) - 1; more > 0 {
		j.message += fmt.Sprintf("; %s more changed", counted(int64(more), "cohort"))
	}
	return j, next
}
