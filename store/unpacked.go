package store

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"strings"
	"time"

	"github.com/pipewatch-dev/pipewatch/checks"
	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/incident"
)

var errShort = errors.New("it ends too early")

// scan reads what was appended; bad is set at the first thing that is missing,
// and all that follows is zero.
type scan struct {
	all []byte
	at  int
	bad bool
}

func (s *scan) left() []byte { return s.all[s.at:] }

func (s *scan) fail() { s.at, s.bad = len(s.all), true }

func (s *scan) uvarint() uint64 {
	if s.at < len(s.all) && s.all[s.at] < 0x80 { // as most are
		s.at++
		return uint64(s.all[s.at-1])
	}
	return s.longUvarint()
}

func (s *scan) longUvarint() uint64 {
	v, n := binary.Uvarint(s.left())
	if n <= 0 {
		s.fail()
		return 0
	}
	s.at += n
	return v
}

func (s *scan) varint() int64 {
	v := s.uvarint()
	return int64(v>>1) ^ -int64(v&1)
}

// count is a number of things of which each takes a byte at least.
func (s *scan) count() int {
	n := s.uvarint()
	if n > uint64(len(s.all)-s.at) {
		s.fail()
		return 0
	}
	return int(n)
}

func (s *scan) bytes(n int) []byte {
	if n < 0 || n > len(s.all)-s.at {
		s.fail()
		return nil
	}
	s.at += n
	return s.all[s.at-n : s.at : s.at]
}

func (s *scan) byte() byte {
	if b := s.bytes(1); b != nil {
		return b[0]
	}
	return 0
}

func (s *scan) time(base time.Time) time.Time {
	v := s.varint()
	ns := uint64(0)
	switch v & 3 {
	case 1:
		ns = s.uvarint() * 1e6
	case 2:
		ns = s.uvarint()
	}
	return time.Unix(base.Unix()+v>>2, int64(ns)).UTC()
}

func (s *scan) optional(base time.Time) time.Time {
	if s.byte() == 0 {
		return time.Time{}
	}
	return s.time(base)
}

// header is what of a packed run has been read.
type header struct {
	run    incident.Run // without its results
	layout layoutID
	fresh  []string
	flying uint64 // the text that lists what was in flight
	count  int    // of results
	index  scan   // the header, read up to the blocks
	blocks int
	body   []byte
	sum    uint32 // of the key
}

// isPacked tells packed runs from those of schema 1.
func isPacked(frame []byte) bool { return len(frame) >= frameHead && frame[0] == packed }

// readHeader reads the header of a packed run and checks it.
func readHeader(key, frame []byte) (header, error) {
	var h header
	err := h.read(key, frame)
	return h, err
}

// read makes h the header of a packed run, and checks it.
func (h *header) read(key, frame []byte) error {
	bad := func(err error) error { return &CorruptError{Bucket: runs, Key: string(key), Cause: err} }
	all := scan{all: frame[frameHead:]}
	want := all.bytes(4)
	head := all.bytes(all.count())
	*h = header{sum: crc32.Checksum(key, castagnoli), body: all.left(), index: scan{all: head}}
	if all.bad {
		return bad(errShort)
	}
	if binary.BigEndian.Uint32(want) != crc32.Update(h.sum, castagnoli, head) {
		return bad(errors.New("its checksum does not match"))
	}
	s := &h.index
	copy(h.layout[:], s.bytes(len(h.layout)))
	h.run.Moment = time.Unix(s.varint(), int64(s.uvarint())).UTC()
	h.run.Slot = s.optional(h.run.Moment)
	h.run.Since = s.optional(h.run.Moment)
	h.flying = s.uvarint()
	if more := s.bytes(s.count()); len(more) > 0 {
		var r rest
		if err := json.Unmarshal(more, &r); err != nil {
			return bad(err)
		}
		h.run.Broken, h.run.Troubles, h.run.By, h.run.Via, h.run.Acts, h.run.Announce = r.Broken, r.Troubles, r.By, r.Via, r.Acts, r.Announce
	}
	for n := s.count(); n > 0; n-- {
		h.fresh = append(h.fresh, string(s.bytes(s.count())))
	}
	h.count, h.blocks = int(s.uvarint()), s.count()
	if s.bad {
		return bad(errShort)
	}
	return nil
}

// unpack gives the run with the results that p wants. It is called once.
func (h *header) unpack(key []byte, p *past) (incident.Run, error) {
	u := unpacker{header: h, texts: p.layout.texts, all: p.node == "", wanted: p.checks}
	if names := u.text(h.flying); names != "" {
		h.run.InFlight = strings.Split(names, " ")
	}
	if u.all {
		h.run.Results = make([]checks.Result, 0, min(h.count, len(h.body)))
	} else {
		for n, t := range u.fresh {
			if strings.HasPrefix(t, p.node) {
				u.wanted = append(u.wanted[:len(u.wanted):len(u.wanted)], uint64(len(u.texts)+n))
			}
		}
	}
	from := 0
	for ; u.blocks > 0 && u.err == nil; u.blocks-- {
		from = u.block(from)
	}
	if u.err != nil {
		return incident.Run{}, &CorruptError{Bucket: runs, Key: string(key), Cause: u.err}
	}
	return h.run, nil
}

// unpacker is one call of unpack.
type unpacker struct {
	*header
	texts  []string // of the layout
	all    bool
	wanted []uint64 // checks, where not all are
	err    error
}

func (u *unpacker) text(n uint64) string {
	if n < uint64(len(u.texts)) {
		return u.texts[n]
	}
	if n -= uint64(len(u.texts)); n < uint64(len(u.fresh)) {
		return u.fresh[n]
	}
	u.err = fmt.Errorf("it has no text %d", n)
	return ""
}

// block reads the wanted results of the next block, if it has any, and tells where the
// one after it begins.
func (u *unpacker) block(from int) (end int) {
	low := u.index.uvarint()
	high := low + u.index.uvarint()
	size, sum := u.index.uvarint(), u.index.bytes(4)
	if u.index.bad || size > uint64(len(u.body)-from) {
		u.err = errShort
		return from
	}
	end = from + int(size)
	if !u.all && !slices.ContainsFunc(u.wanted, func(n uint64) bool { return low <= n && n <= high }) {
		return end
	}
	body := u.body[from:end]
	if crc32.Update(u.sum, castagnoli, body) != binary.BigEndian.Uint32(sum) {
		u.err = errors.New("its checksum does not match")
		return end
	}
	for s := (scan{all: body}); s.at < len(body); {
		record := scan{all: s.bytes(s.count())}
		check := record.uvarint()
		if u.all || slices.Contains(u.wanted, check) {
			u.run.Results = append(u.run.Results, checks.Result{Check: dag.CheckID(u.text(check))})
			u.result(&u.run.Results[len(u.run.Results)-1], &record)
		}
		if s.bad || record.bad {
			u.err = errShort
		}
	}
	return end
}

// result reads all of a result but its check.
func (u *unpacker) result(r *checks.Result, s *scan) {
	v, moment := &r.Verdict, u.run.Moment
	flags := s.byte()
	if flags&hasOnset != 0 {
		v.Onset = s.time(moment)
	}
	if flags&hasGoodUntil != 0 {
		v.GoodUntil = s.time(moment)
	}
	if flags&hasStarted != 0 {
		r.StartedAt = s.time(moment)
	}
	if flags&hasTook != 0 {
		r.Took = time.Duration(s.varint()) * time.Microsecond
	}
	if flags&hasSkew != 0 {
		r.Skew = time.Duration(s.varint()) * time.Microsecond
	}
	outcome, words, _ := strings.Cut(u.text(s.uvarint()), "\x00")
	reason, broken, _ := strings.Cut(words, "\x00")
	v.Outcome, v.Reason, v.Broken = checks.Outcome(outcome), checks.Reason(reason), broken
	if flags&hasFigures != 0 {
		observed, expected, _ := bytes.Cut(u.join(s), []byte{0})
		if len(observed) > 0 {
			v.Observed = json.RawMessage(observed[:len(observed):len(observed)])
		}
		if len(expected) > 0 {
			v.Expected = json.RawMessage(expected)
		}
	}
	if flags&hasMessage != 0 {
		v.Message = string(u.join(s))
	}
	if flags&hasEvent != 0 {
		v.Event = checks.Event{At: s.time(moment), What: string(u.join(s))}
	}
}

// join reads a text that was split.
func (u *unpacker) join(s *scan) []byte {
	shape := u.text(s.uvarint())
	text, left, err := join(make([]byte, 0, len(shape)+32), shape, s.left())
	if err != nil {
		s.fail()
		return nil
	}
	s.at = len(s.all) - len(left)
	return text
}
