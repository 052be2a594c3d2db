package warehousetest

import (
	"cmp"
	"crypto/md5"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/pipewatch-dev/pipewatch/probe"
)

// hashed is the hash of a key whose parts are these texts, worked out apart from the
// engine.
func hashed(t *testing.T, parts ...string) uint64 {
	t.Helper()
	var b strings.Builder
	for _, part := range parts {
		b.WriteString(strconv.Itoa(len(part)) + ":" + part)
	}
	sum := md5.Sum([]byte(b.String()))
	n, err := strconv.ParseUint(hex.EncodeToString(sum[:])[:15], 16, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// keys holds the keys of one side of a join to what every engine must make of them.
func keys(t *testing.T, open Open) {
	source := open(t, []string{
		`create table k (i int, d decimal(12,2), w decimal(20,0), s varchar(10), b boolean, day date, wall timestamp, ts timestamp with time zone, f double precision, seg varchar(5))`,
		`insert into k values (1, 1.00, 100, 'é|', true, '2013-01-01', '2013-01-01 00:00:00', '2013-01-01 00:00:00+00', 1, 'a')`,
		`insert into k values (-20, -20.50, 0, '', false, '1969-12-31', '2013-06-01 12:00:00', '2013-06-01 12:00:00+00', 1, 'a')`,
		`insert into k values (1, null, 100, null, null, null, null, null, null, null)`,
	})
	ask := func(q probe.Keys) probe.Answer {
		q.Of = table("k")
		q.Limit = cmp.Or(q.Limit, 10)
		return source.Ask(t.Context(), Moment, []probe.Question{q})[0]
	}
	key := func(rows int64, parts ...string) probe.KeyRows {
		return probe.KeyRows{Key: hashed(t, parts...), Rows: rows}
	}
	null := func(rows int64) probe.KeyRows { return probe.KeyRows{Null: true, Rows: rows} }
	in := func(k probe.KeyRows, segment string) probe.KeyRows { k.Segment = segment; return k }
	at := func(k probe.KeyRows, start, end string) probe.KeyRows {
		k.Start, k.End = utc(start), utc(end)
		return k
	}
	for _, c := range []struct {
		name string
		q    probe.Keys
		want []probe.KeyRows
	}{
		{"integers", probe.Keys{Columns: probe.List("i")}, []probe.KeyRows{key(2, "1"), key(1, "-20")}},
		{"decimals without zeros at their end", probe.Keys{Columns: probe.List("d")}, []probe.KeyRows{key(1, "1"), key(1, "-20.5"), null(1)}},
		{"decimals that are whole keep theirs", probe.Keys{Columns: probe.List("w")}, []probe.KeyRows{key(2, "100"), key(1, "0")}},
		{"text by its bytes, empty is not NULL", probe.Keys{Columns: probe.List("s")}, []probe.KeyRows{key(1, "é|"), key(1, ""), null(1)}},
		{"truths", probe.Keys{Columns: probe.List("b")}, []probe.KeyRows{key(1, "1"), key(1, "0"), null(1)}},
		{"days by their first moment", probe.Keys{Columns: probe.List("day")}, []probe.KeyRows{key(1, "1356998400000000"), key(1, "-86400000000"), null(1)}},
		{"times without a zone", probe.Keys{Columns: probe.List("wall")}, []probe.KeyRows{key(1, "1356998400000000"), key(1, "1370088000000000"), null(1)}},
		{"moments", probe.Keys{Columns: probe.List("ts")}, []probe.KeyRows{key(1, "1356998400000000"), key(1, "1370088000000000"), null(1)}},
		{"several parts", probe.Keys{Columns: probe.List("i", "s")}, []probe.KeyRows{key(1, "1", "é|"), key(1, "-20", ""), null(1)}},
		{"a condition", probe.Keys{Columns: probe.List("i"), Where: "i > 0"}, []probe.KeyRows{key(2, "1")}},
		{"a window", probe.Keys{Columns: probe.List("i"), Window: probe.Window{By: column("ts", ""), From: utc("2013-06-01"), To: utc("2013-06-02")}}, []probe.KeyRows{key(1, "-20")}},
		{"segments", probe.Keys{Columns: probe.List("i"), Segment: "seg"}, []probe.KeyRows{in(key(1, "1"), "a"), in(key(1, "-20"), "a"), in(key(1, "1"), "NULL")}},
		{"days of a zone", probe.Keys{Columns: probe.List("i"), Per: probe.Day, Zone: newYork, Window: probe.Window{By: column("ts", ""), To: utc("2014-01-01 05:00")}},
			[]probe.KeyRows{at(key(1, "1"), "2012-12-31 05:00", "2013-01-01 05:00"), at(key(1, "-20"), "2013-06-01 04:00", "2013-06-02 04:00")}},
		{"as many as the limit", probe.Keys{Columns: probe.List("i"), Limit: 2}, []probe.KeyRows{key(2, "1"), key(1, "-20")}},
	} {
		t.Run(c.name, func(t *testing.T) {
			answer := ask(c.q)
			set, err := probe.Value[probe.KeySet](answer)
			if err != nil {
				t.Fatalf("%v\n%s", err, answer.Statement)
			}
			for _, groups := range [][]probe.KeyRows{set.Groups, c.want} {
				slices.SortFunc(groups, func(a, b probe.KeyRows) int {
					return cmp.Or(cmp.Compare(a.Key, b.Key), cmp.Compare(a.Segment, b.Segment))
				})
			}
			if diff := gocmp.Diff(c.want, set.Groups); diff != "" {
				t.Errorf("(-want +got):\n%s\n%s", diff, answer.Statement)
			}
		})
	}
	for says, q := range map[string]probe.Keys{
		"has more than 1 keys":       {Columns: probe.List("i"), Limit: 1},
		"does not compare with anot": {Columns: probe.List("f")},
		`no column "nope"`:           {Columns: probe.List("nope")},
	} {
		if err := ask(q).Err; err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("got %v, want an error that says %q", err, says)
		}
	}
}
