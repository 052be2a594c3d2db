package checks

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/pipewatch-dev/pipewatch/probe"
)

// maxKnownOrphans is how many orphan keys a ratchet remembers, so that they fit in
// a Memory.
const maxKnownOrphans = 5000

// knownOrphans holds the accepted orphan keys, hashed by an engine of one version:
// after an upgrade what is orphan then is accepted anew.
type knownOrphans struct {
	Fingerprint string `json:"fingerprint"`
	Hashes      []byte `json:"hashes"` // 8 bytes each, ascending
}

type ratchetTurn struct {
	judgement
	known, fresh int64
	next         *knownOrphans
	changed      bool
}

// ratchetOrphans accepts the orphan keys of the first sight and none that come
// later; an accepted key that is no orphan any more is forgotten.
func ratchetOrphans(c probe.Covered, past *knownOrphans) ratchetTurn {
	seen := past != nil && past.Fingerprint == c.Fingerprint
	var known []uint64
	if seen {
		known = unpackHashes(past.Hashes)
	}
	if c.OrphanKeys > maxKnownOrphans {
		t := ratchetTurn{known: int64(len(known)), fresh: c.OrphanKeys - int64(len(known)), next: past}
		if !seen {
			t.judgement = judgement{outcome: Error, message: fmt.Sprintf("%s cannot be remembered, at most %s: judge by min_match, or narrow the check with where",
				counted(c.OrphanKeys, "orphan key"), thousands(maxKnownOrphans))}
			return t
		}
		t.judgement = judgement{outcome: Fail, reason: Orphans, message: fmt.Sprintf("%s, of which %s were known", counted(c.OrphanKeys, "orphan key"), thousands(t.known))}
		return t
	}
	if !seen {
		return ratchetTurn{judgement: judgement{outcome: Pass}, known: int64(len(c.OrphanHashes)),
			next: &knownOrphans{c.Fingerprint, packHashes(c.OrphanHashes)}, changed: true}
	}
	var kept []uint64
	for _, h := range c.OrphanHashes {
		if _, ok := slices.BinarySearch(known, h); ok {
			kept = append(kept, h)
		}
	}
	t := ratchetTurn{judgement: judgement{outcome: Pass}, known: int64(len(known)), fresh: int64(len(c.OrphanHashes) - len(kept)), next: past}
	if t.fresh > 0 {
		t.judgement = judgement{outcome: Fail, reason: Orphans, message: fmt.Sprintf("%s besides the %s known", counted(t.fresh, "new orphan key"), thousands(t.known))}
	}
	if len(kept) < len(known) {
		t.next, t.changed = &knownOrphans{c.Fingerprint, packHashes(kept)}, true
	}
	return t
}

func packHashes(hs []uint64) []byte {
	b := make([]byte, 0, 8*len(hs))
	for _, h := range hs {
		b = binary.BigEndian.AppendUint64(b, h)
	}
	return b
}

func unpackHashes(b []byte) []uint64 {
	hs := make([]uint64, 0, len(b)/8)
	for chunk := range slices.Chunk(b, 8) {
		if len(chunk) == 8 {
			hs = append(hs, binary.BigEndian.Uint64(chunk))
		}
	}
	return hs
}
