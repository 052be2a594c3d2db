package store

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
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

func TestFlippedBitsOfARunAreNoticedWhereTheyAreRead(t *testing.T) {
	moment := time.Date(2013, 2, 8, 12, 0, 0, 0, time.UTC)
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
