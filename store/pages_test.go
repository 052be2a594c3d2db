package store_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pipewatch-dev/pipewatch/incident"
	"github.com/pipewatch-dev/pipewatch/store"
)

// A file that was just compacted was made by one commit: its other heading is
// that of an empty file.
func TestASpoiltHeadingIsNotTakenForAnOlderOrANewFile(t *testing.T) {
	compacted := filepath.Join(t.TempDir(), "pw.db")
	r := recorder{t, open(t, compacted), suite(t, shop), incident.AtOnce()}
	r.record(r.run("shop", at(0), ordersFresh))
	if err := r.db.Close(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := store.Compact(compacted, store.Check); err != nil {
		t.Fatal(err)
	}
	if err := store.Check(compacted); err != nil {
		t.Fatalf("a compacted file is none of pipewatch's: %v", err)
	}
	whole, err := os.ReadFile(compacted)
	if err != nil {
		t.Fatal(err)
	}
	const page = 4096
	tests := []struct {
		name  string
		spoil func(b []byte)
		says  string
	}{
		{"the first heading has a byte changed", func(b []byte) { b[31]++ }, "heading 0 is spoilt"},
		{"the second has", func(b []byte) { b[page+60]++ }, "heading 1 is spoilt"},
		{"the first is a copy of the second", func(b []byte) { copy(b[:page], b[page:2*page]) }, "both headings are of one commit"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "pw.db")
			spoilt := []byte(string(whole))
			tt.spoil(spoilt)
			if err := os.WriteFile(path, spoilt, 0o600); err != nil {
				t.Fatal(err)
			}
			_, opened := store.Open(path, store.Options{})
			for _, err := range []error{store.Check(path), opened} {
				if _, damaged := errors.AsType[*store.CorruptError](err); !damaged || !strings.Contains(err.Error(), tt.says) {
					t.Errorf("got %v, want %q", err, tt.says)
				}
			}
		})
	}
}

// Of pages that lead to each other in a circle bbolt's check never comes back, and
// of a key that lies outside of its page it reads nothing, where a look-up does.
func TestAPageThatLeadsAstrayIsFoundBeforeItIsFollowed(t *testing.T) {
	grown := filepath.Join(t.TempDir(), "pw.db")
	db := open(t, grown)
	for n := range 200 {
		if err := db.Audit(store.Entry{At: at(n), Who: "ana", Detail: strings.Repeat("x", 1000)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := store.Compact(grown, store.Check); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(grown)
	if err != nil {
		t.Fatal(err)
	}
	const page, flags, entries = 4096, 8, 16
	branch, leaf, free, root := 0, 0, 0, 0
	for n := 5; n < len(whole)/page; n++ { // those before are of the empty file, and free
		switch whole[n*page+flags] {
		case 1:
			branch = n
		case 2:
			if root = n; leaf == 0 { // the last one is that of the buckets
				leaf = n
			}
		case 16:
			free = n
		}
	}
	if branch == 0 || leaf == 0 || free == 0 || root == leaf {
		t.Fatal("the file is too small to have a tree")
	}
	tests := []struct {
		name  string
		spoil func(b []byte)
		says  string
	}{
		{"a page of pages that refers to itself", func(b []byte) {
			binary.LittleEndian.PutUint64(b[branch*page+entries+8:], uint64(branch))
		}, fmt.Sprintf("refers to page %d, and another does", branch)},
		{"one that refers to a page beyond the file", func(b []byte) {
			binary.LittleEndian.PutUint64(b[branch*page+entries+8:], 1<<40)
		}, "none of the file's"},
		{"its first key, which lies far outside", func(b []byte) { b[branch*page+entries+2] = 0x3f }, fmt.Sprintf("page %d: an entry leads out of it", branch)},
		{"a record that ends outside", func(b []byte) { b[leaf*page+entries+14] = 1 }, fmt.Sprintf("page %d: an entry leads out of it", leaf)},
		{"a root that leads to itself", func(b []byte) {
			b[root*page+flags], b[root*page+10], b[root*page+11] = 1, 1, 0
			copy(b[root*page+entries:], []byte{16, 0, 0, 0, 0, 0, 0, 0})
			binary.LittleEndian.PutUint64(b[root*page+entries+8:], uint64(root))
		}, fmt.Sprintf("refers to page %d, and another does", root)},
		{"a list of free pages that claims many pages", func(b []byte) { b[free*page+14] = 0x2c }, "the list of free pages does not end within it"},
		{"one that claims many entries", func(b []byte) { b[free*page+11] = 0x70 }, "free pages are more than fit"},
		{"one that is none", func(b []byte) { b[free*page+flags] = 2 }, "is no list of free pages"},
		{"a page that goes on beyond the file", func(b []byte) { b[leaf*page+14] = 1 }, fmt.Sprintf("page %d does not end within the file", leaf)},
		{"a page with more entries than fit", func(b []byte) { b[leaf*page+11] = 0x10 }, fmt.Sprintf("page %d: ", leaf)},
		{"a record that calls itself a bucket", func(b []byte) { b[leaf*page+entries] = 1 }, fmt.Sprintf("page %d: ", leaf)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "pw.db")
			spoilt := []byte(string(whole))
			tt.spoil(spoilt)
			if err := os.WriteFile(path, spoilt, 0o600); err != nil {
				t.Fatal(err)
			}
			err := store.Check(path)
			if _, damaged := errors.AsType[*store.CorruptError](err); !damaged || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("got %v, want %q", err, tt.says)
			}
		})
	}
}
