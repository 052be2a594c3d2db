package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/pipewatch-dev/pipewatch/checks"
	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/incident"
)

func TestTextIsItsShapeAndItsNumbers(t *testing.T) {
	for _, text := range []string{
		"", "7", "07", "007", "123456789012345678901234567890", "000000000000000000000000000000",
		`{"watermark":"2013-02-08T09:05:00.000123Z","rows":12,"share":-0.05,"e":1e-07}`,
		"digest 00ff12ab34cd56ef0011223344556677 of deadbeefdeadbeef and 0123456789abcdef0",
		"größer als 5 €, line\nbreak\x00zero", strings.Repeat("a1", 600), strings.Repeat("0", 18) + "1",
	} {
		checkSplit(t, text)
	}
	rapid.Check(t, func(rt *rapid.T) {
		checkSplit(rt, rapid.OneOf(rapid.String(), rapid.StringMatching(`([0-9a-f]{0,40}[ :T-])*`), rapid.StringMatching(`[0-9]{0,50}`)).Draw(rt, "text"))
	})
}

func checkSplit(t rapid.TB, text string) {
	shape, numbers := split(valid([]byte(text)), nil, nil)
	back, rest, err := join(nil, string(shape), append(numbers, "rest"...))
	if err != nil || string(back) != text || string(rest) != "rest" {
		t.Fatalf("%q came back as %q, %q, %v", text, back, rest, err)
	}
}

func TestTextsThatDifferInNumbersHaveOneShape(t *testing.T) {
	for name, texts := range map[string][]string{
		"a time of one digit and of two": {`{"at":"2013-02-08T09:05:00Z"}`, `{"at":"2024-12-31T23:59:59Z"}`},
		"a count that grows":             {`{"rows":9}`, `{"rows":10}`, `{"rows":100}`, `{"rows":0}`},
		"another digest":                 {`{"digest":"00ff12ab34cd56ef"}`, `{"digest":"a0b1c2d3e4f5a6b7"}`},
	} {
		t.Run(name, func(t *testing.T) {
			want, _ := split([]byte(texts[0]), nil, nil)
			for _, text := range texts[1:] {
				if got, _ := split([]byte(text), nil, nil); string(got) != string(want) {
					t.Errorf("%q has shape %q, %q has %q", texts[0], want, text, got)
				}
			}
		})
	}
}

func TestShapeWithoutItsNumbersIsAnError(t *testing.T) {
	text := `{"at":"2013-02-08T09:05:00.0012Z","rows":1234567,"digest":"00ff12ab34cd56ef"}`
	shape, numbers := split([]byte(text), nil, nil)
	for n := range len(numbers) {
		if _, _, err := join(nil, string(shape), numbers[:n]); err == nil {
			t.Errorf("%d of %d bytes are enough", n, len(numbers))
		}
	}
}

var noon = time.Date(2013, 2, 8, 12, 0, 0, 0, time.UTC)

// stored is a run as it should come back: figures as JSON, times in UTC, without
// what runs do not keep.
func stored(t rapid.TB, run incident.Run) incident.Run {
	run.Results = slices.Clone(run.Results)
	for n := range run.Results {
		r := &run.Results[n]
		r.SQL, r.Memory = nil, nil
		r.StartedAt, r.Took, r.Skew = r.StartedAt.Truncate(time.Millisecond), r.Took.Truncate(time.Microsecond), r.Skew.Truncate(time.Microsecond)
		r.Verdict.Message = strings.ToValidUTF8(r.Verdict.Message, "\ufffd")
		for _, v := range []*any{&r.Verdict.Observed, &r.Verdict.Expected} {
			if *v == nil {
				continue
			}
			b, err := json.Marshal(*v)
			if err != nil {
				t.Fatal(err)
			}
			*v = json.RawMessage(b)
		}
	}
	return run
}

var zones = []*time.Location{time.UTC, time.FixedZone("", -5*3600)}

func drawTime(rt *rapid.T, label string) time.Time {
	switch rapid.IntRange(0, 3).Draw(rt, label) {
	case 0:
		return time.Time{}
	case 1: // what data says may be far away
		return time.Date(rapid.SampledFrom([]int{1, 1969, 2262, 9999}).Draw(rt, "year"), 12, 31, 23, 59, 59, 999_999_999, time.UTC)
	}
	return noon.Add(time.Duration(rapid.Int64Range(-1e15, 1e15).Draw(rt, "ns"))).In(rapid.SampledFrom(zones).Draw(rt, "zone"))
}

func drawResult(rt *rapid.T, n int) checks.Result {
	v := checks.Verdict{
		Outcome: rapid.SampledFrom([]checks.Outcome{checks.Pass, checks.Fail, checks.Error}).Draw(rt, "outcome"),
		Reason:  rapid.SampledFrom([]checks.Reason{"", checks.Stale}).Draw(rt, "reason"),
		Broken:  rapid.SampledFrom([]string{"", "column"}).Draw(rt, "broken"),
		Message: rapid.OneOf(rapid.Just(""), rapid.String(), rapid.Just("not \xff text")).Draw(rt, "message"),
		Onset:   drawTime(rt, "onset"), GoodUntil: drawTime(rt, "good until"),
	}
	if at := drawTime(rt, "event"); !at.IsZero() {
		v.Event = checks.Event{At: at, What: rapid.StringMatching("[a-z0-9 ]*").Draw(rt, "what")}
	}
	v.Observed = rapid.SampledFrom([]any{nil, map[string]any{"rows": rapid.Int64().Draw(rt, "rows"), "at": drawTime(rt, "at"), "word": rapid.String().Draw(rt, "word")}}).Draw(rt, "observed")
	v.Expected = rapid.SampledFrom([]any{nil, []int{1, 2}, (*int)(nil)}).Draw(rt, "expected")
	return checks.Result{
		Check: dag.CheckID(fmt.Sprintf("big/t%d/c%d", n/3, n%3)), Verdict: v, StartedAt: drawTime(rt, "started"),
		Took: time.Duration(rapid.Int64().Draw(rt, "took")), Skew: time.Duration(rapid.Int64().Draw(rt, "skew")),
	}
}

func TestRunsComeBackAsTheyWere(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		use := newUse(noLayout)
		known := map[layoutID]*layout{}
		for n := range rapid.IntRange(1, 6).Draw(rt, "runs") {
			run := incident.Run{
				DAG: "big", Slot: noon.Add(time.Duration(n) * time.Minute), Since: drawTime(rt, "since"),
				Moment:   noon.Add(time.Duration(rapid.Int64Range(0, 1e10).Draw(rt, "moment"))),
				InFlight: [][]string{nil, {"a"}, {"a", "b"}}[rapid.IntRange(0, 2).Draw(rt, "in flight")],
			}
			if rapid.Bool().Draw(rt, "asked for") {
				run.Slot, run.By, run.Troubles = time.Time{}, "ana", []incident.Trouble{{Name: "disk", Problem: "full"}}
			}
			for _, k := range rapid.SliceOfNDistinct(rapid.IntRange(0, 60), 0, 60, rapid.ID).Draw(rt, "checks") {
				run.Results = append(run.Results, drawResult(rt, k))
			}
			key := runKey(run, uint64(n))
			blob, next, err := packRun(key, run, use)
			if err != nil {
				rt.Fatal(err)
			}
			use, known[next.id] = next, next.layout
			frame, want := seal(key, packed, blob), stored(rt, run)
			h, err := readHeader([]byte(key), frame)
			if err != nil {
				rt.Fatal(err)
			}
			for _, node := range []string{"", "big/t0/", "big/t7/"} {
				look := past{dag: "big", node: node, inUse: known[h.layout]}
				got, err := look.run([]byte(key), frame)
				of := want
				of.Results = slices.DeleteFunc(slices.Clone(want.Results), func(r checks.Result) bool { return !strings.HasPrefix(string(r.Check), node) })
				if diff := cmp.Diff(of, got, cmpopts.EquateEmpty()); diff != "" || err != nil {
					rt.Fatalf("run, of %q (-recorded +read): %v\n%s", node, err, diff)
				}
			}
		}
	})
}

func TestFlippedBitsOfARunAreNoticedWhereTheyAreRead(t *testing.T) {
	moment := noon
	run := incident.Run{DAG: "shop", Slot: moment, Moment: moment.Add(time.Second), InFlight: []string{"feeds"}}
	for n := range 2 * blockSize {
		run.Results = append(run.Results, checks.Result{
			Check: dag.CheckID(fmt.Sprintf("shop/t%d/freshness", n)), StartedAt: moment, Took: time.Second,
			Verdict: checks.Verdict{Outcome: checks.Pass, Observed: map[string]int{"rows": n}, GoodUntil: moment},
		})
	}
	key := runKey(run, 1)
	blob, use, err := packRun(key, run, newUse(noLayout))
	if err != nil {
		t.Fatal(err)
	}
	frame := seal(key, packed, blob)
	look := past{dag: "shop", node: "shop/t3/", inUse: use.layout}
	want, err := look.run([]byte(key), frame)
	if err != nil || len(want.Results) != 1 {
		t.Fatalf("%v, %v, want one result", want.Results, err)
	}
	noticed := 0
	for bit := range len(frame) * 8 {
		spoilt := slices.Clone(frame)
		spoilt[bit/8] ^= 1 << (bit % 8)
		got, err := look.run([]byte(key), spoilt)
		if _, corrupt := errors.AsType[*CorruptError](err); corrupt {
			noticed++
		} else if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Fatalf("bit %d: %v, a wrong answer (-want +got):\n%s", bit, err, diff)
		}
		if bit/8 >= frameHead {
			all := past{dag: "shop", inUse: use.layout}
			if _, err := all.run([]byte(key), spoilt); err == nil {
				t.Fatalf("bit %d: reading all of the run does not notice", bit)
			}
		}
		if intact(runs, key, spoilt) == nil {
			t.Fatalf("bit %d: the check of the whole file does not notice", bit)
		}
	}
	if least := len(frame) * 8 / 3; noticed < least || noticed == len(frame)*8 {
		t.Errorf("a look at one node notices %d of %d flipped bits, want more than %d and not all", noticed, len(frame)*8, least)
	}
}
