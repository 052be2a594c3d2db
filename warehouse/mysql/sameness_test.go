package mysql_test

import (
	"net/url"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/pipewatch-dev/pipewatch/probe"
	"github.com/pipewatch-dev/pipewatch/warehouse"
)

// What an administrator set for all sessions stands in the DSN here: it is what each
// session begins with, and no other test sees it.
func TestNoSettingOfTheServerChangesAnAnswer(t *testing.T) {
	s := need(t)
	name := s.fresh(t, "create table t (ts timestamp(6) null, wall datetime, day date, f double, n decimal(9,3), w varchar(9), c char(5))",
		`insert into t values ('2013-01-31 20:00:00', '2013-01-31 23:30:00', '2013-02-03', 0.1, 1.5, 'it''s', 'x'), ('2013-02-01 05:30:00', '2013-02-01 00:30:00', '2013-03-02', 1e30, -0.001, 'a\\b', 'y'),
			('2013-03-10 06:59:59', null, null, null, null, null, null)`)
	moment := probe.TimeColumn{Name: "ts"}
	questions := []probe.Question{
		probe.Watermark{Of: rel("t"), Column: moment, Horizon: probe.At(time.Date(2013, 6, 15, 0, 0, 0, 0, time.UTC))},
		probe.Buckets{Of: rel("t"), By: moment, Per: probe.Day, Zone: "America/New_York"},
		probe.Buckets{Of: rel("t"), By: moment, Per: probe.Month, Segment: "w"},
		probe.BadRows{Of: rel("t"), Rule: probe.Unexpected, Columns: probe.List("w"), Accepted: probe.List(`"it's"`, `"a\\b"`)},
		probe.BadRows{Of: rel("t"), Rule: probe.Unexpected, Columns: probe.List("c"), Accepted: probe.List(`"x"`, `"y"`)},
		probe.BadRows{Of: rel("t"), Rule: probe.Nulls, Columns: probe.List("w")},
		probe.Coverage{Child: rel("t"), Keys: probe.List("w"), Parent: rel("t"), ParentKeys: probe.List("w"), Segment: "c"},
		probe.Digest{Of: rel("t")},
		probe.Digest{Of: rel("t"), By: moment, Per: probe.Day},
		probe.Digest{Of: rel("t"), Exclude: probe.List("f"), Canonical: true},
		probe.Digest{Of: rel("t"), Tier: probe.ProfileTier},
		scalar(`select count(*) from t where ts < "2013-02-01 00:00:00" and w is not null`),
	}
	before := ask(t, open(t, s.dsn("root", name), warehouse.Limits{}), questions...)
	settings := url.Values{}
	for setting, is := range map[string]string{
		"sql_select_limit": "1", "time_zone": "'+05:30'", "sql_mode": "'ANSI_QUOTES,PIPES_AS_CONCAT,NO_BACKSLASH_ESCAPES,PAD_CHAR_TO_FULL_LENGTH,EMPTY_STRING_IS_NULL'",
		"div_precision_increment": "0", "lc_time_names": "'de_DE'", "group_concat_max_len": "4", "sql_auto_is_null": "1", "default_week_format": "3",
	} {
		settings.Set(setting, is)
	}
	after := ask(t, open(t, s.dsn("root", name)+"?"+settings.Encode(), warehouse.Limits{}), questions...)
	for i, a := range after {
		if before[i].Err != nil || a.Err != nil {
			t.Errorf("before: %v, after: %v\n%s", before[i].Err, a.Err, a.Statement)
		} else if diff := cmp.Diff(before[i].Value, a.Value, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s\n%s", diff, a.Statement)
		}
	}
}
