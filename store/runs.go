package store

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.etcd.io/bbolt"

	"github.com/pipewatch-dev/pipewatch/checks"
	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/incident"
)

// A run's blob is lines of JSON: a heading, then one line a result. Each result
// begins with its check, so that one node's are found without reading the rest.

// heading is the first line.
type heading struct {
	DAG      string             `json:"dag,omitempty"`
	Slot     time.Time          `json:"slot,omitzero"`
	Moment   time.Time          `json:"moment"`
	InFlight []string           `json:"in_flight,omitempty"`
	Broken   []incident.Broken  `json:"broken,omitempty"`
	Troubles []incident.Trouble `json:"troubles,omitempty"`
	Since    time.Time          `json:"since,omitzero"`
	By       string             `json:"by,omitempty"`
	Via      string             `json:"via,omitempty"`
	Acts     []incident.Act     `json:"acts,omitempty"`

	Announce []incident.Announcement `json:"announce,omitempty"`
}

func headingOf(r incident.Run) heading {
	return heading{r.DAG, r.Slot, r.Moment, r.InFlight, r.Broken, r.Troubles, r.Since, r.By, r.Via, r.Acts, r.Announce}
}

// run is the run that the heading tells of, without its results.
func (h heading) run() incident.Run {
	return incident.Run{
		DAG: h.DAG, Slot: h.Slot, Moment: h.Moment, InFlight: h.InFlight, Broken: h.Broken, Troubles: h.Troubles,
		Since: h.Since, By: h.By, Via: h.Via, Acts: h.Acts, Announce: h.Announce,
	}
}

// judged is what a result line has but the figures. The check must come first.
type judged struct {
	Check     dag.CheckID    `json:"check"`
	Outcome   checks.Outcome `json:"outcome"`
	Reason    checks.Reason  `json:"reason,omitempty"`
	Message   string         `json:"message,omitempty"`
	Onset     time.Time      `json:"onset,omitzero"`
	GoodUntil time.Time      `json:"good_until,omitzero"`
	Broken    string         `json:"broken,omitempty"`
	Started   time.Time      `json:"started,omitzero"`
	Took      time.Duration  `json:"took,omitempty"` // nanoseconds
	Skew      time.Duration  `json:"skew,omitempty"` // nanoseconds
}

// writtenLine and readLine differ in how figures are held: kinds give structs,
// and get nothing back but JSON.
type writtenLine struct {
	judged
	Observed any `json:"observed,omitempty"`
	Expected any `json:"expected,omitempty"`
}

type readLine struct {
	judged
	Observed json.RawMessage `json:"observed,omitempty"`
	Expected json.RawMessage `json:"expected,omitempty"`
}

// encodeRun makes the deflated blob of a run.
func encodeRun(run incident.Run) ([]byte, error) {
	var lines bytes.Buffer
	enc := json.NewEncoder(&lines)
	if err := enc.Encode(headingOf(run)); err != nil {
		return nil, err
	}
	for _, r := range run.Results {
		v := r.Verdict
		err := enc.Encode(writtenLine{
			judged{r.Check, v.Outcome, v.Reason, v.Message, v.Onset, v.GoodUntil, v.Broken, r.StartedAt, r.Took, r.Skew},
			v.Observed, v.Expected,
		})
		if err != nil {
			return nil, fmt.Errorf("encode result of %s: %w", r.Check, err)
		}
	}
	return deflate(lines.Bytes()), nil
}

// decodeRun reads a blob back, with only the results whose check's id begins
// with prefix. Observed and Expected are json.RawMessage then.
func decodeRun(key string, frame []byte, prefix string) (incident.Run, error) {
	lines, err := unseal(runs, key, frame)
	if err != nil {
		return incident.Run{}, err
	}
	bad := func(err error) (incident.Run, error) {
		return incident.Run{}, &CorruptError{Bucket: runs, Key: key, Cause: err}
	}
	head, lines, _ := bytes.Cut(lines, []byte{'\n'})
	var h heading
	if err := json.Unmarshal(head, &h); err != nil {
		return bad(err)
	}
	run := h.run()
	begin := []byte(`{"check":"` + prefix)
	for line := range bytes.Lines(lines) {
		if !bytes.HasPrefix(line, begin) {
			continue
		}
		var l readLine
		if err := json.Unmarshal(line, &l); err != nil {
			return bad(err)
		}
		run.Results = append(run.Results, l.result())
	}
	return run, nil
}

func (l readLine) result() checks.Result {
	v := checks.Verdict{
		Outcome: l.Outcome, Reason: l.Reason, Message: l.Message, Onset: l.Onset, GoodUntil: l.GoodUntil, Broken: l.Broken,
	}
	if l.Observed != nil {
		v.Observed = l.Observed
	}
	if l.Expected != nil {
		v.Expected = l.Expected
	}
	return checks.Result{Check: l.Check, Verdict: v, StartedAt: l.Started, Took: l.Took, Skew: l.Skew}
}

// Run is the run of a DAG at a slot, the last one recorded if there were
// several; ErrUnknown when there was none. What a verdict observed and expected
// comes back as json.RawMessage; SQL and memories are not kept in runs.
func (d *DB) Run(name string, slot time.Time) (incident.Run, error) {
	var run incident.Run
	err := d.read(func(tx *bbolt.Tx) error {
		var lastKey string
		var last []byte
		err := eachWith(tx.Bucket([]byte(runs)), timeKey(slot)+"/"+name+"/", func(key string, frame []byte) error {
			lastKey, last = key, frame
			return nil
		})
		if err != nil {
			return err
		}
		if last == nil {
			return ErrUnknown
		}
		run, err = decodeRun(lastKey, last, "")
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

// History gives the newest n runs that judged a node, newest first, each with
// the results of that node's checks only.
func (d *DB) History(id dag.NodeID, n int) ([]incident.Run, error) {
	var found []incident.Run
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

// back goes through a DAG's runs from the newest slot backwards.
func (d *DB) back(name, prefix string, fn func(incident.Run) (more bool)) error {
	left := maxLookBack
	return d.read(func(tx *bbolt.Tx) error {
		return eachBack(tx.Bucket([]byte(runs)), "", func(key string, frame []byte) (bool, error) {
			if _, of, _ := splitRunKey(key); of != name {
				return true, nil
			}
			run, err := decodeRun(key, frame, prefix)
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
		_, _, m := splitRunKey(a)
		_, _, n := splitRunKey(b)
		return cmp.Compare(m, n)
	})
	for _, key := range keys {
		var run incident.Run
		err := d.read(func(tx *bbolt.Tx) (err error) {
			if frame := tx.Bucket([]byte(runs)).Get([]byte(key)); frame != nil { // not pruned meanwhile
				run, err = decodeRun(key, frame, "")
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
