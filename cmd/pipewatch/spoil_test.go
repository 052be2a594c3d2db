package main

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"os"
	"slices"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/pipewatch-dev/pipewatch/store"
)

// spoil damages a state file as a disk does, or changes it as a newer version
// would: spoil cut|flip|garbage|circle|newer FILE.
func spoil(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: spoil cut|flip|garbage|circle|newer FILE")
	}
	name := ts.MkAbs(args[1])
	b, err := os.ReadFile(name)
	ts.Check(err)
	page := os.Getpagesize()
	switch args[0] {
	case "cut":
		b = b[:3*page]
	case "flip":
		at := bytes.LastIndex(b, []byte(`"outcome":"`))
		if at < 0 {
			ts.Fatalf("%s holds no outcome", args[1])
		}
		b[at+12] ^= 4
	case "garbage":
		for n := 2 * page; n < len(b); n++ {
			b[n] = byte(n * 7)
		}
	case "circle":
		circle(b, page)
	case "newer":
		renumber(ts, b)
	default:
		ts.Fatalf("no way to spoil named %q", args[0])
	}
	ts.Check(os.WriteFile(name, b, 0o600))
}

// renumber makes the format number in every copy of the record 9.
func renumber(ts *testscript.TestScript, b []byte) {
	record := func(payload byte) []byte {
		sum := crc32.Checksum([]byte{'s', 'c', 'h', 'e', 'm', 'a', 1, payload}, crc32.MakeTable(crc32.Castagnoli))
		return slices.Concat([]byte("schema\x01"), binary.BigEndian.AppendUint32(nil, sum), []byte{payload})
	}
	const now = '0' + store.Schema
	if !bytes.Contains(b, record(now)) {
		ts.Fatalf("the file holds no format number %c", now)
	}
	copy(b, bytes.ReplaceAll(slices.Clone(b), record(now), record('9')))
}

// circle has the root page of a state file lead to itself.
func circle(b []byte, page int) {
	// Two pages are headings: 16 bytes that each page begins with, 16 more, and then
	// the root's number; the number of the transaction, at 64, says which is newer.
	heading := b
	if second := b[page:]; binary.NativeEndian.Uint64(second[64:]) > binary.NativeEndian.Uint64(b[64:]) {
		heading = second
	}
	number := binary.NativeEndian.Uint64(heading[32:])
	root := b[int(number)*page:]
	binary.NativeEndian.PutUint16(root[8:], 1)   // a page of branches
	binary.NativeEndian.PutUint16(root[10:], 1)  // with one entry, which begins here:
	binary.NativeEndian.PutUint32(root[16:], 16) // its key is 16 bytes further
	binary.NativeEndian.PutUint32(root[20:], 0)  // and empty,
	binary.NativeEndian.PutUint64(root[24:], number)
}
