package store

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"go.etcd.io/bbolt"
)

// A layout is the texts that the runs of a DAG have in common: ids of checks,
// and shapes of what they say. A run names each by its number. A layout never
// changes; what a run says beside it is kept in the run, until that is so much
// that the DAG gets a larger layout. The id is a digest of the texts, so that a
// layout can be written again wherever it is missing.
type layout struct {
	id    layoutID
	texts []string
	size  int // bytes of all texts
}

type layoutID [8]byte

// noLayout is that of a run whose texts are all its own.
var noLayout = &layout{}

func newLayout(texts []string) *layout {
	l := &layout{texts: texts}
	h := sha256.New()
	for _, t := range texts {
		l.size += len(t)
		fmt.Fprintf(h, "%d:%s", len(t), t)
	}
	copy(l.id[:], h.Sum(nil))
	return l
}

func layoutKey(dag string, id layoutID) string { return dag + "/" + hex.EncodeToString(id[:]) }

// frame is the layout as a record.
func (l *layout) frame(key string) []byte {
	b := binary.AppendUvarint(nil, uint64(len(l.texts)))
	for _, t := range l.texts {
		b = binary.AppendUvarint(b, uint64(len(t)))
		b = append(b, t...)
	}
	return seal(key, deflated, deflate(b))
}

// readLayout reads the layout of a run.
func readLayout(tx *bbolt.Tx, dag string, id layoutID) (*layout, error) {
	if id == (layoutID{}) {
		return noLayout, nil
	}
	key := layoutKey(dag, id)
	bad := func(err error) (*layout, error) {
		return nil, &CorruptError{Bucket: layouts, Key: key, Cause: err}
	}
	b := tx.Bucket([]byte(layouts))
	if b == nil {
		return bad(errors.New("its bucket is missing"))
	}
	frame := b.Get([]byte(key))
	if frame == nil {
		return bad(errors.New("a run needs it and it is missing"))
	}
	payload, err := unseal(layouts, key, frame)
	if err != nil {
		return nil, err
	}
	r := scan{all: payload}
	var texts []string
	for n := r.count(); n > 0; n-- {
		texts = append(texts, string(r.bytes(r.count())))
	}
	if r.bad {
		return bad(errShort)
	}
	return newLayout(texts), nil
}

// use is a layout as a DAG's next run is written with it.
type use struct {
	*layout
	number map[string]uint32 // of each text
	waste  int               // bytes of texts that runs had to keep themselves since it was made
}

func newUse(l *layout) *use {
	u := &use{layout: l, number: make(map[string]uint32, len(l.texts))}
	for n, t := range l.texts {
		u.number[t] = uint32(n)
	}
	return u
}

// leastTexts is up to how many bytes of texts a layout keeps, however few the
// runs of its DAG need.
const leastTexts = 64 << 10

// extended is the next layout: with texts that the last run had to keep itself.
// Own are all texts of that run, and all that is kept where the others are most
// of it.
func (u *use) extended(own, fresh []string) *use {
	if u.size+bytesOf(fresh) > max(4*bytesOf(own), leastTexts) {
		return newUse(newLayout(own))
	}
	return newUse(newLayout(slices.Concat(u.texts, fresh)))
}

func bytesOf(texts []string) int {
	n := 0
	for _, t := range texts {
		n += len(t)
	}
	return n
}

// inUse are the layouts in use, by DAG.
type inUse struct {
	sync.RWMutex
	byDAG map[string]*use
}

func (i *inUse) get(dag string) *use {
	i.RLock()
	defer i.RUnlock()
	return i.byDAG[dag]
}

// of is the layout that a DAG's runs are written with; nil before the first.
func (i *inUse) of(dag string) *layout {
	if u := i.get(dag); u != nil {
		return u.layout
	}
	return nil
}

func (i *inUse) put(dag string, u *use) {
	i.Lock()
	defer i.Unlock()
	i.byDAG[dag] = u
}

// layoutFor is the layout to write a DAG's next run with: the one in use or,
// after a start, that of its newest run.
func (d *DB) layoutFor(tx *bbolt.Tx, dag string) (*use, error) {
	if u := d.layouts.get(dag); u != nil {
		return u, nil
	}
	u := newUse(noLayout)
	err := eachBackOf(tx.Bucket([]byte(runs)), dag, func(key, frame []byte) (bool, error) {
		if !isPacked(frame) {
			return false, nil
		}
		h, err := readHeader(key, frame)
		if err != nil {
			return false, err
		}
		l, err := readLayout(tx, dag, h.layout)
		if err == nil {
			u = newUse(l)
		}
		return false, err
	})
	return u, err
}

// pruneLayouts removes the layouts that no run of their DAG needs any more.
func (d *DB) pruneLayouts() error {
	have := map[string]int{}
	err := d.read(func(tx *bbolt.Tx) error {
		return eachWith(tx.Bucket([]byte(layouts)), "", func(key string, _ []byte) error {
			dag, _, _ := strings.Cut(key, "/")
			have[dag]++
			return nil
		})
	})
	if err != nil {
		return err
	}
	for _, dag := range slices.Sorted(maps.Keys(have)) {
		if have[dag] < 2 {
			continue
		}
		if err := d.pruneLayoutsOf(dag); err != nil {
			return err
		}
	}
	return nil
}

func (d *DB) pruneLayoutsOf(dag string) error {
	d.writing.Lock()
	defer d.writing.Unlock()
	return d.update("remove layouts", func(tx *writeTx) error {
		needed := map[string]bool{}
		err := eachBackOf(tx.Bucket([]byte(runs)), dag, func(key, frame []byte) (bool, error) {
			if !isPacked(frame) {
				return true, nil
			}
			h, err := readHeader(key, frame)
			if err != nil {
				return false, err
			}
			needed[layoutKey(dag, h.layout)] = true
			return true, nil
		})
		if err != nil {
			return err
		}
		t := tx.table(layouts)
		var gone []string
		_ = eachWith(t.rows, dag+"/", func(key string, _ []byte) error {
			if !needed[key] {
				gone = append(gone, key)
			}
			return nil
		})
		for _, key := range gone {
			if err := t.remove(key); err != nil {
				return err
			}
		}
		if len(gone) == 0 {
			return errNothing
		}
		return nil
	})
}
