package store

// What a file looks like to bbolt, and what bbolt does not look at.

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"os"

	"go.etcd.io/bbolt"
)

// bbolt begins a file with two headings, written in turn by its commits, and uses
// the newest that is sound. When the newest is spoilt it goes on from the other
// without a word: a commit is lost and, in a file that was just made by a single
// one, all of the past.
//
// A heading is a page of its own (bbolt's internal/common/meta.go), little-endian:
//
//	16 bytes  head of the page
//	56 bytes  magic, version, size of a page, flags, root, sequence, list of free
//	          pages, number of pages, number of the commit
//	8 bytes   FNV-1a, 64 bits, of those 56
const (
	headingAt     = 16
	headingFields = 56
	headingFree   = headingAt + headingFields - 24
	headingPages  = headingAt + headingFields - 16
	headingCommit = headingAt + headingFields - 8
	headingSum    = headingAt + headingFields
	headingEnd    = headingSum + 8
)

// headings checks that both are sound and of different commits, that the file is as
// long as they say, and so is the list of free pages. Nobody may write to it
// meanwhile. A commit that is broken off cannot spoil one, as its fields are in one
// sector of the disk.
func headings(bolt *bbolt.DB) error {
	f, err := os.Open(bolt.Path())
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	bad := func(form string, args ...any) error {
		return &CorruptError{Path: bolt.Path(), Cause: fmt.Errorf(form, args...)}
	}
	size := int64(bolt.Info().PageSize)
	var commits, free [2]uint64
	for n := range commits {
		page := make([]byte, headingEnd)
		if _, err := f.ReadAt(page, int64(n)*size); err != nil {
			return bad("heading %d: %w", n, err)
		}
		sum := fnv.New64a()
		_, _ = sum.Write(page[headingAt:headingSum])
		if sum.Sum64() != binary.LittleEndian.Uint64(page[headingSum:]) {
			return bad("heading %d is spoilt, and what was written last may be lost", n)
		}
		if need := int64(binary.LittleEndian.Uint64(page[headingPages:])) * size; need > info.Size() {
			return bad("it is cut: %d of %d bytes are left", info.Size(), need)
		}
		commits[n] = binary.LittleEndian.Uint64(page[headingCommit:])
		free[n] = binary.LittleEndian.Uint64(page[headingFree:])
	}
	if commits[0] == commits[1] {
		return bad("both headings are of one commit, and what was written last may be lost")
	}
	list := free[0]
	if commits[1] > commits[0] {
		list = free[1]
	}
	return freeList(f, list, size, info.Size(), bad)
}

// freeList checks that the list of free pages is one and ends within the file: bbolt
// would follow it through millions of pages that are none.
func freeList(f io.ReaderAt, at uint64, size, length int64, bad func(string, ...any) error) error {
	if at == ^uint64(0) { // none was written: it is made anew of the pages that are not used
		return nil
	}
	head := make([]byte, pageHead+8)
	if at > uint64(length/size) {
		return bad("the list of free pages is on page %d, beyond its end", at)
	}
	if _, err := f.ReadAt(head, int64(at)*size); err != nil {
		return bad("the list of free pages: %w", err)
	}
	count, first := uint64(binary.LittleEndian.Uint16(head[10:])), uint64(0)
	if count == 0xffff { // too many for its place: the first number is theirs
		count, first = binary.LittleEndian.Uint64(head[pageHead:]), 8
	}
	pages := int64(binary.LittleEndian.Uint32(head[12:])) + 1
	switch {
	case head[8] != isFreeList:
		return bad("page %d is no list of free pages", at)
	case int64(at)+pages > length/size:
		return bad("the list of free pages does not end within it")
	case count > uint64(length/size) || pageHead+first+8*count > uint64(pages*size):
		return bad("%d free pages are more than fit", count)
	}
	return nil
}

// pages runs bbolt's own check up to its first error; what is left of it waits in
// its goroutine until the process ends. It takes for granted what references and
// headings have looked at.
func pages(tx *bbolt.Tx) error {
	for err := range tx.Check() {
		return &CorruptError{Cause: err}
	}
	return nil
}

// A page begins with a head and, where it holds a part of a tree, a table with an
// entry for each of its keys:
//
//	head    8 bytes number of the page, 2 flags, 2 how many entries, 4 how many
//	        pages follow that belong to it
//	branch  4 bytes where the key is, seen from this entry, 4 its length, 8 the
//	        page below
//	leaf    4 bytes flags (1: a bucket), 4 where the key is, 4 its length, 4 that of
//	        the value, which follows
//
// A bucket is 8 bytes for its root page (0: a page of its own follows in the
// value) and 8 for its sequence.
const (
	pageHead   = 16
	tableEntry = 16
	bucketHead = 16
	isBucket   = 1

	isBranch   = 1
	isLeaf     = 2
	isFreeList = 16
)

// references goes through all pages that belong to a tree. A page is looked at
// once, so that this ends.
func references(tx *bbolt.Tx) error {
	f, err := os.Open(tx.DB().Path())
	if err != nil {
		return err
	}
	defer f.Close()
	size := int64(tx.DB().Info().PageSize)
	w := walk{seen: make([]bool, tx.Size()/size)}
	w.refer(uint64(tx.Cursor().Bucket().RootPage()))
	head := make([]byte, pageHead)
	for w.bad == nil && len(w.next) > 0 {
		id := w.next[len(w.next)-1]
		w.next = w.next[:len(w.next)-1]
		if _, err := f.ReadAt(head, int64(id)*size); err != nil {
			return fmt.Errorf("read page %d: %w", id, err)
		}
		last := id + uint64(binary.LittleEndian.Uint32(head[12:]))
		if last >= uint64(len(w.seen)) {
			return &CorruptError{Cause: fmt.Errorf("page %d does not end within the file", id)}
		}
		page := make([]byte, int64(last-id+1)*size)
		if _, err := f.ReadAt(page, int64(id)*size); err != nil {
			return fmt.Errorf("read page %d: %w", id, err)
		}
		if w.table(page); w.bad != nil {
			w.bad = fmt.Errorf("page %d: %w", id, w.bad)
		}
	}
	if w.bad != nil {
		return &CorruptError{Cause: w.bad}
	}
	return nil
}

// walk is a way through the pages.
type walk struct {
	seen []bool   // which pages something refers to
	next []uint64 // those of them that were not looked at
	bad  error
}

// refer notes that something leads to a page, which only one thing may.
func (w *walk) refer(page uint64) {
	switch {
	case page < 2 || page >= uint64(len(w.seen)):
		w.bad = fmt.Errorf("it refers to page %d, which is none of the file's", page)
	case w.seen[page]:
		w.bad = fmt.Errorf("it refers to page %d, and another does", page)
	default:
		w.seen[page] = true
		w.next = append(w.next, page)
	}
}

// table goes through the entries of a page.
func (w *walk) table(page []byte) {
	kind, count := page[8], int(binary.LittleEndian.Uint16(page[10:]))
	end := pageHead + count*tableEntry
	switch {
	case kind != isBranch && kind != isLeaf:
		w.bad = fmt.Errorf("it is of kind %d, which holds no records", kind)
	case end > len(page):
		w.bad = fmt.Errorf("%d entries do not fit", count)
	}
	for at := pageHead; at < end && w.bad == nil; at += tableEntry {
		field := func(n int) int { return int(binary.LittleEndian.Uint32(page[at+4*n:])) }
		key, length := at+field(0), field(1)
		if kind == isLeaf {
			key, length = at+field(1), field(2)+field(3)
		}
		switch {
		case key < end || key+length > len(page):
			w.bad = errors.New("an entry leads out of it")
		case kind == isBranch:
			w.refer(binary.LittleEndian.Uint64(page[at+8:]))
		case field(0)&isBucket != 0:
			w.bucket(page[key+field(2):][:field(3)])
		}
	}
}

// bucket goes through a value that is a bucket.
func (w *walk) bucket(value []byte) {
	switch {
	case len(value) < bucketHead:
		w.bad = errors.New("a bucket is cut")
	case binary.LittleEndian.Uint64(value) != 0:
		w.refer(binary.LittleEndian.Uint64(value))
	case len(value) < bucketHead+pageHead:
		w.bad = errors.New("a bucket is cut")
	default:
		w.table(value[bucketHead:])
	}
}
