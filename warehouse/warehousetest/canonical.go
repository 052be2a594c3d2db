package warehousetest

import (
	"strings"
	"testing"

	"github.com/pipewatch-dev/pipewatch/probe"
)

// canonical holds the digest that all engines make alike to a vector that was worked
// out apart from this code, and to what it refuses.
func canonical(t *testing.T, open Open) {
	source := open(t, []string{
		"create table t (id int, a varchar(20), b decimal(12,3), c timestamp(6) null, d boolean, e double precision, f date)",
		`insert into t values (1, 'x|y', 1.5, '2024-03-10 02:30:00.123456', true, 0.1, '2024-02-29'), (2, null, null, null, null, null, null),
  (3, '<null>', -0.001, '1999-12-31 23:59:59', false, 1e20, '1970-01-01'), (4, 'héllo', 100, '2024-01-01 00:00:00.5', true, -0.0, '0001-01-01')`,
	})
	ask := func(q probe.Digest) probe.Answer {
		q.Of, q.Canonical = table("t"), true
		return source.Ask(t.Context(), Moment, []probe.Question{q})[0]
	}
	lanes := [2]string{"2978651082240620290", "2979029698428872789"}
	for name, q := range map[string]probe.Digest{
		"all columns but one": {Exclude: probe.List("e")}, "listed columns": {Columns: probe.List("id", "a", "b", "c", "d", "f")},
		"and by partitions": {Exclude: probe.List("e"), By: column("c", ""), Per: probe.Month},
	} {
		d, err := probe.Value[probe.Digests](ask(q))
		if err != nil || d.Rows != 4 || d.Lanes != lanes || d.Value != "28742234269639a3" || d.Fingerprint != "canonical/md5/2x60/1" {
			t.Errorf("%s: %+v, %v", name, d, err)
		}
	}
	if d, err := probe.Value[probe.Digests](ask(probe.Digest{Columns: probe.List("a", "id")})); err != nil || d.Columns[0].Name != "a" {
		t.Errorf("listed columns in another order: %+v, %v", d, err)
	}
	if d, err := probe.Value[probe.Digests](ask(probe.Digest{Exclude: probe.List("e"), Where: "id > 9"})); err != nil || d.Rows != 0 || d.Lanes != [2]string{"0", "0"} {
		t.Errorf("no rows: %+v, %v", d, err)
	}
	if err := ask(probe.Digest{}).Err; err == nil || !strings.Contains(err.Error(), `column "e" of t is`) || !strings.Contains(err.Error(), "exclude: [e]") {
		t.Errorf("a float is refused by name: %v", err)
	}
}
