package store

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.etcd.io/bbolt"

	"github.com/pipewatch-dev/pipewatch/checks"
	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/incident"
)

// past reads runs within one transaction. It keeps the layout of the last run,
// as that is most often the next one's too.
type past struct {
	tx     *bbolt.Tx
	dag    string
	inUse  *layout // one that is in memory anyway; nil for none
	layout *layout
	node   string   // "dag/node/": whose results are wanted; empty for all
	checks []uint64 // numbers of the node's checks in the layout
	header header   // of the run that is being read
}

// run reads one run. What its verdicts observed and expected is
// json.RawMessage then. Key and frame must not change meanwhile.
func (p *past) run(key, frame []byte) (incident.Run, error) {
	if !isPacked(frame) {
		return inflateRun(string(key), frame, p.node)
	}
	h := &p.header
	if err := h.read(key, frame); err != nil {
		return incident.Run{}, err
	}
	if err := p.open(h.layout); err != nil {
		return incident.Run{}, err
	}
	h.run.DAG = p.dag
	return h.unpack(key, p)
}

// open makes a layout the one by which runs are read.
func (p *past) open(id layoutID) error {
	if p.layout != nil && p.layout.id == id {
		return nil
	}
	p.layout = p.inUse
	if p.inUse == nil || p.inUse.id != id {
		var err error
		if p.layout, err = readLayout(p.tx, p.dag, id); err != nil {
			return err
		}
	}
	p.checks = nil
	if p.node != "" {
		for n, t := range p.layout.texts {
			if strings.HasPrefix(t, p.node) {
				p.checks = append(p.checks, uint64(n))
			}
		}
	}
	return nil
}

// Run is the run of a DAG at a slot, the last one recorded if there were
// several; ErrUnknown when there was none. What a verdict observed and expected
// comes back as json.RawMessage; SQL and memories are not kept in runs.
func (d *DB) Run(name string, slot time.Time) (incident.Run, error) {
	var run incident.Run
	err := d.read(func(tx *bbolt.Tx) error {
		var lastKey string
		var last []byte
		_ = eachWith(tx.Bucket([]byte(runs)), name+"/"+timeKey(slot)+"/", func(key string, frame []byte) error {
			lastKey, last = key, frame
			return nil
		})
		if last == nil {
			return ErrUnknown
		}
		p := past{tx: tx, dag: name}
		var err error
		run, err = p.run([]byte(lastKey), last)
		return err
	})
	if err != nil {
		return incident.Run{}, fmt.Errorf("read run of %s at %s: %w", name, slot.UTC().Format(time.RFC3339), err)
	}
	return run, nil
}

// maxLookBack is how many runs of a DAG a look into the past opens at most; one
// read transaction must not last a second.
const maxLookBack = 2000

// mostRoom is for how many runs memory is taken before they are found.
const mostRoom = 128

// History gives the newest n runs that judged a node, newest first, each with
// the results of that node's checks only.
func (d *DB) History(id dag.NodeID, n int) ([]incident.Run, error) {
	found := make([]incident.Run, 0, min(max(n, 0), mostRoom))
	err := d.back(id.DAG(), string(id)+"/", func(run incident.Run) bool {
		if len(run.Results) > 0 && len(found) < n {
			found = append(found, run)
		}
		return len(found) < n
	})
	if err != nil {
		return nil, fmt.Errorf("read history of %s: %w", id, err)
	}
	return found, nil
}

// Latest gives the newest result of each of a DAG's checks, as the runs they
// were part of, newest first; a check that was not judged lately is in none.
func (d *DB) Latest(name string, want []dag.CheckID) ([]incident.Run, error) {
	missing := make(map[dag.CheckID]bool, len(want))
	for _, id := range want {
		missing[id] = true
	}
	var found []incident.Run
	err := d.back(name, "", func(run incident.Run) bool {
		run.Results = slices.DeleteFunc(run.Results, func(r checks.Result) bool { return !missing[r.Check] })
		for _, r := range run.Results {
			delete(missing, r.Check)
		}
		if len(run.Results) > 0 {
			found = append(found, run)
		}
		return len(missing) > 0
	})
	if err != nil {
		return nil, fmt.Errorf("read latest results of %s: %w", name, err)
	}
	return found, nil
}

// back goes through a DAG's runs from the newest slot backwards; node is
// "dag/node/", whose results are wanted, or empty for all.
func (d *DB) back(name, node string, fn func(incident.Run) (more bool)) error {
	left := maxLookBack
	p := past{dag: name, node: node, inUse: d.layouts.of(name)}
	return d.read(func(tx *bbolt.Tx) error {
		p.tx = tx
		return eachBackOf(tx.Bucket([]byte(runs)), name, func(key, frame []byte) (bool, error) {
			run, err := p.run(key, frame)
			left--
			return err == nil && fn(run) && left > 0, err
		})
	})
}

// Replay calls fn with every stored run in the order in which they were
// recorded, ticks that changed something among them, until fn returns an error,
// which it returns. Only one run is in memory at a time, and no transaction is
// open during fn.
func (d *DB) Replay(fn func(incident.Run) error) error {
	var keys []string
	err := d.read(func(tx *bbolt.Tx) error {
		return eachWith(tx.Bucket([]byte(runs)), "", func(key string, _ []byte) error {
			keys = append(keys, key)
			return nil
		})
	})
	if err != nil {
		return fmt.Errorf("list runs: %w", err)
	}
	slices.SortFunc(keys, func(a, b string) int {
		return cmp.Compare(a[strings.LastIndexByte(a, '/'):], b[strings.LastIndexByte(b, '/'):])
	})
	for _, key := range keys {
		var run incident.Run
		err := d.read(func(tx *bbolt.Tx) (err error) {
			if frame := tx.Bucket([]byte(runs)).Get([]byte(key)); frame != nil { // not pruned meanwhile
				name, _, _ := strings.Cut(key, "/")
				p := past{tx: tx, dag: name, inUse: d.layouts.of(name)}
				run, err = p.run([]byte(key), frame)
			}
			return err
		})
		if err != nil {
			return fmt.Errorf("read run %s: %w", strings.TrimSuffix(key, "/"), err)
		}
		if err := fn(run); err != nil {
			return err
		}
	}
	return nil
}
