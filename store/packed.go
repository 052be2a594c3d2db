package store

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"slices"
	"strings"
	"time"

	"github.com/pipewatch-dev/pipewatch/checks"
	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/incident"
)

// A run is packed as a header and blocks of results, each with a checksum of
// its own, so that one node's results are found without reading the others:
//
//	4 bytes   CRC-32C, big-endian, of the key and the header
//	uvarint   length of the header
//	header    the run itself (writeHeader), its own texts, and where each block is
//	blocks    blockSize results each
//
// Texts are numbers: those of the layout first, then those of the run itself.
// Times are against the run's moment. When a result was asked for is kept to the
// millisecond, how long that took and how far a clock was off to the microsecond.
const blockSize = 16

// usualSize is how many bytes a result takes, or a little more.
const usualSize = 48

// rest is what few runs have; it is JSON in the header.
type rest struct {
	Broken   []incident.Broken       `json:"broken,omitempty"`
	Troubles []incident.Trouble      `json:"troubles,omitempty"`
	By       string                  `json:"by,omitempty"`
	Via      string                  `json:"via,omitempty"`
	Acts     []incident.Act          `json:"acts,omitempty"`
	Announce []incident.Announcement `json:"announce,omitempty"`
}

func restOf(r incident.Run) ([]byte, error) {
	if len(r.Broken) == 0 && len(r.Troubles) == 0 && r.By == "" && r.Via == "" && len(r.Acts) == 0 && len(r.Announce) == 0 {
		return nil, nil
	}
	return json.Marshal(rest{r.Broken, r.Troubles, r.By, r.Via, r.Acts, r.Announce})
}

// What a result has is told by its first byte.
const (
	hasOnset byte = 1 << iota
	hasGoodUntil
	hasStarted
	hasTook
	hasSkew
	hasFigures
	hasMessage
	hasEvent
)

// packer writes one run.
type packer struct {
	use   *use
	fresh []string          // texts that the layout lacks
	at    map[string]uint32 // their numbers

	figures        bytes.Buffer
	json           *json.Encoder
	shape, numbers []byte
}

func newPacker(u *use) *packer {
	p := &packer{use: u, at: map[string]uint32{}}
	p.json = json.NewEncoder(&p.figures)
	return p
}

// packRun gives the payload of a run under a key, and the layout that it, and
// the DAG's next run, are written with.
func packRun(key string, run incident.Run, u *use) ([]byte, *use, error) {
	if len(run.Results) == 0 {
		b, err := newPacker(newUse(noLayout)).pack(key, run)
		return b, u, err
	}
	p := newPacker(u)
	b, err := p.pack(key, run)
	if u.waste += bytesOf(p.fresh); err != nil || u.waste <= u.size {
		return b, u, err
	}
	own := newPacker(newUse(noLayout))
	if _, err := own.pack(key, run); err != nil {
		return nil, u, err
	}
	next := u.extended(own.fresh, p.fresh)
	b, err = newPacker(next).pack(key, run)
	return b, next, err
}

// text is the number of a text.
func (p *packer) text(t []byte) uint64 {
	n, known := p.use.number[string(t)]
	if !known {
		if n, known = p.at[string(t)]; !known {
			n = p.add(string(t))
		}
	}
	return uint64(n)
}

// check is the number of a check's id.
func (p *packer) check(id dag.CheckID) uint64 {
	n, known := p.use.number[string(id)]
	if !known {
		if n, known = p.at[string(id)]; !known {
			n = p.add(string(id))
		}
	}
	return uint64(n)
}

// add numbers a text that the layout lacks.
func (p *packer) add(t string) uint32 {
	n := uint32(len(p.use.texts) + len(p.fresh))
	p.fresh = append(p.fresh, t)
	p.at[t] = n
	return n
}

// split appends the number of a text's shape, and the text's numbers.
func (p *packer) split(b, text []byte) []byte {
	p.shape, p.numbers = split(valid(text), p.shape[:0], p.numbers[:0])
	b = binary.AppendUvarint(b, p.text(p.shape))
	return append(b, p.numbers...)
}

// block is where some results are.
type block struct {
	low, high uint64 // least and greatest number of their checks' ids
	size      int
	sum       uint32
}

// pack gives the payload of a run under a key.
func (p *packer) pack(key string, run incident.Run) ([]byte, error) {
	sum := crc32.Checksum([]byte(key), castagnoli)
	var record []byte
	body := make([]byte, 0, len(run.Results)*usualSize)
	var index []block
	for part := range slices.Chunk(run.Results, blockSize) {
		from, b := len(body), block{low: 1 << 63}
		for _, r := range part {
			check := p.check(r.Check)
			b.low, b.high = min(b.low, check), max(b.high, check)
			var err error
			if record, err = p.result(binary.AppendUvarint(record[:0], check), r, run.Moment); err != nil {
				return nil, fmt.Errorf("encode result of %s: %w", r.Check, err)
			}
			body = append(binary.AppendUvarint(body, uint64(len(record))), record...)
		}
		b.size, b.sum = len(body)-from, crc32.Update(sum, castagnoli, body[from:])
		index = append(index, b)
	}
	header, err := p.header(run, index)
	if err != nil {
		return nil, err
	}
	out := make([]byte, 4, 4+binary.MaxVarintLen64+len(header)+len(body))
	binary.BigEndian.PutUint32(out, crc32.Update(sum, castagnoli, header))
	out = append(binary.AppendUvarint(out, uint64(len(header))), header...)
	return append(out, body...), nil
}

// result appends all of a result but its check.
func (p *packer) result(b []byte, r checks.Result, moment time.Time) ([]byte, error) {
	v := r.Verdict
	figures, err := p.encodeFigures(v)
	if err != nil {
		return nil, err
	}
	flags := len(b)
	b = append(b, 0)
	has := func(flag byte, yes bool) bool {
		if yes {
			b[flags] |= flag
		}
		return yes
	}
	for _, t := range []struct {
		flag byte
		at   time.Time
	}{{hasOnset, v.Onset}, {hasGoodUntil, v.GoodUntil}, {hasStarted, r.StartedAt.Truncate(time.Millisecond)}} {
		if has(t.flag, !t.at.IsZero()) {
			b = appendTime(b, t.at, moment)
		}
	}
	if took := r.Took.Microseconds(); has(hasTook, took != 0) {
		b = binary.AppendVarint(b, took)
	}
	if skew := r.Skew.Microseconds(); has(hasSkew, skew != 0) {
		b = binary.AppendVarint(b, skew)
	}
	p.shape = append(append(append(append(append(p.shape[:0], v.Outcome...), 0), v.Reason...), 0), v.Broken...)
	b = binary.AppendUvarint(b, p.text(p.shape))
	if has(hasFigures, len(figures) > 0) {
		b = p.split(b, figures)
	}
	if has(hasMessage, v.Message != "") {
		b = p.split(b, []byte(v.Message))
	}
	if has(hasEvent, !v.Event.At.IsZero()) {
		b = p.split(appendTime(b, v.Event.At, moment), []byte(v.Event.What))
	}
	return b, nil
}

// encodeFigures gives what was observed and expected as JSON, with a zero byte
// between, which no JSON has; nothing when there is neither.
func (p *packer) encodeFigures(v checks.Verdict) ([]byte, error) {
	p.figures.Reset()
	if v.Observed == nil && v.Expected == nil {
		return nil, nil
	}
	for n, part := range []any{v.Observed, v.Expected} {
		if n > 0 {
			p.figures.WriteByte(0)
		}
		if part == nil {
			continue
		}
		if err := p.json.Encode(part); err != nil {
			return nil, err
		}
		p.figures.Truncate(p.figures.Len() - 1) // the line's end
	}
	return p.figures.Bytes(), nil
}

// header writes what unpacking begins with.
func (p *packer) header(run incident.Run, index []block) ([]byte, error) {
	more, err := restOf(run)
	if err != nil {
		return nil, err
	}
	inFlight := p.text([]byte(strings.Join(run.InFlight, " ")))
	b := append([]byte(nil), p.use.id[:]...)
	b = binary.AppendVarint(b, run.Moment.Unix())
	b = binary.AppendUvarint(b, uint64(run.Moment.Nanosecond()))
	b = appendOptional(b, run.Slot, run.Moment)
	b = appendOptional(b, run.Since, run.Moment)
	b = binary.AppendUvarint(b, inFlight)
	b = appendBytes(b, more)
	b = binary.AppendUvarint(b, uint64(len(p.fresh)))
	for _, t := range p.fresh {
		b = appendBytes(b, []byte(t))
	}
	b = binary.AppendUvarint(b, uint64(len(run.Results)))
	b = binary.AppendUvarint(b, uint64(len(index)))
	for _, x := range index {
		b = binary.AppendUvarint(b, x.low)
		b = binary.AppendUvarint(b, x.high-x.low)
		b = binary.AppendUvarint(b, uint64(x.size))
		b = binary.BigEndian.AppendUint32(b, x.sum)
	}
	return b, nil
}

func appendBytes(b, part []byte) []byte {
	return append(binary.AppendUvarint(b, uint64(len(part))), part...)
}

// appendTime appends a time against another: four times the seconds between
// them, and more where milliseconds (1) or nanoseconds (2) follow.
func appendTime(b []byte, t, base time.Time) []byte {
	seconds := (t.Unix() - base.Unix()) << 2
	switch ns := t.Nanosecond(); {
	case ns == 0:
		return binary.AppendVarint(b, seconds)
	case ns%1e6 == 0:
		return binary.AppendUvarint(binary.AppendVarint(b, seconds|1), uint64(ns/1e6))
	default:
		return binary.AppendUvarint(binary.AppendVarint(b, seconds|2), uint64(ns))
	}
}

// appendOptional appends a time that may be zero.
func appendOptional(b []byte, t, base time.Time) []byte {
	if t.IsZero() {
		return append(b, 0)
	}
	return appendTime(append(b, 1), t, base)
}
