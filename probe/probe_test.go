package probe_test

import (
	"errors"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/pipewatch-dev/pipewatch/probe"
)

// every lists one question of each kind.
var every = []probe.Question{
	probe.Columns{}, probe.Watermark{}, probe.Rows{}, probe.Buckets{}, probe.Coverage{}, probe.Keys{}, probe.Digest{}, probe.Cohorts{},
	probe.BadRows{}, probe.Scalar{}, probe.LastRuns{},
}

// A question is a map key: equal questions of different checks are asked once.
// A slice would panic, one instant has many unequal time.Time, and a float that
// is not a number equals nothing.
func TestEveryQuestionIsAMapKey(t *testing.T) {
	asked := map[probe.Question]bool{}
	for _, q := range every {
		asked[q] = true
		if !reflect.TypeOf(q).Comparable() {
			t.Errorf("%T is not comparable", q)
		}
		plain(t, reflect.TypeOf(q), reflect.TypeOf(q).Name())
	}
	if len(asked) != len(every) {
		t.Errorf("%d questions are %d keys", len(every), len(asked))
	}
}

func plain(t *testing.T, typ reflect.Type, path string) {
	switch typ.Kind() {
	case reflect.String, reflect.Bool, reflect.Int, reflect.Int64:
	case reflect.Struct:
		for f := range typ.Fields() {
			plain(t, f.Type, path+"."+f.Name)
		}
	default:
		t.Errorf("%s is a %s", path, typ)
	}
}

func TestNamesKeepTheirItems(t *testing.T) {
	for _, items := range [][]string{nil, {""}, {"a"}, {"a", "b"}, {"a,b", `"`, "\x1f", "héllo", "\n"}} {
		if got := probe.List(items...).Items(); !slices.Equal(got, items) {
			t.Errorf("%q comes back as %q", items, got)
		}
	}
	if probe.List("a,b") == probe.List("a", "b") {
		t.Error("a list of one with a comma equals a list of two")
	}
}

func TestAnInstantIsTheSameInEveryZone(t *testing.T) {
	at := time.Date(2013, 3, 10, 7, 0, 0, 1, time.UTC)
	if probe.At(at) != probe.At(at.In(time.FixedZone("x", 3600))) {
		t.Error("one moment has two instants")
	}
	if got := probe.At(at).Time(); !got.Equal(at) || got.Location() != time.UTC {
		t.Errorf("%s comes back as %s", at, got)
	}
	if !probe.At(time.Time{}).IsZero() || !probe.Instant(0).Time().IsZero() {
		t.Error("no time is an instant")
	}
}

func TestAnAnswerGivesItsValueOrItsError(t *testing.T) {
	if n, err := probe.Value[int64](probe.Answer{Value: int64(7)}); n != 7 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	gone := &probe.Error{Class: probe.NoTable, Msg: "table t does not exist", Cause: errors.New("driver's words")}
	if _, err := probe.Value[int64](probe.Answer{Err: gone}); !errors.Is(err, gone.Cause) {
		t.Errorf("%v", err)
	}
	if _, err := probe.Value[int64](probe.Answer{Value: "seven"}); err == nil {
		t.Error("text passes for a number")
	}
}
