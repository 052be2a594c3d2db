package web

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// Figures are seen through pages only, where a table of cases would be hard to
// read: this test looks from inside.
func TestFiguresAreWrittenForPeople(t *testing.T) {
	tests := []struct {
		name     string
		observed any
		want     []figure
	}{
		{"nothing observed", nil, nil},
		{"what is no object has no figures", []int{1}, nil},
		{"order stays", json.RawMessage(`{"b":1,"a":2}`), []figure{{"b", "1"}, {"a", "2"}}},
		{"thousands are apart", json.RawMessage(`{"rows":336776,"lost":-1200,"few":999}`), []figure{{"rows", "336\u202f776"}, {"lost", "-1\u202f200"}, {"few", "999"}}},
		{"seconds are a length of time", json.RawMessage(`{"age_seconds":118800}`), []figure{{"age", "1\u202fd 9\u202fh"}}},
		{"a share is a percentage", json.RawMessage(`{"match_ratio":0.98691}`), []figure{{"match", "98.7\u202f%"}}},
		{"almost all is not all", json.RawMessage(`{"match_ratio":0.99999}`), []figure{{"match", "99.999\u202f%"}}},
		{"almost none is not none", json.RawMessage(`{"match_ratio":0.00001}`), []figure{{"match", "0.001\u202f%"}}},
		{"all is all", json.RawMessage(`{"coverage":1,"match_ratio":0}`), []figure{{"coverage", "100\u202f%"}, {"match", "0\u202f%"}}},
		{"a moment is in the zone of the page", json.RawMessage(`{"watermark":"2013-02-08T03:00:00Z"}`), []figure{{"watermark", "Thu 7 Feb 2013 22:00 EST"}}},
		{"lists are counted, and nothing is left out", json.RawMessage(`{"cohorts":[{},{}],"buckets":[],"baseline":null,"run_id":""}`), []figure{{"cohorts", "2"}}},
		{"yes and no", json.RawMessage(`{"changed":true,"torn":false}`), []figure{{"changed", "yes"}, {"torn", "no"}}},
	}
	newYork, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, figures(tt.observed, newYork)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestDurationsHaveTwoUnitsAtMost(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0\u202fs", 59 * time.Second: "59\u202fs", 61 * time.Second: "1\u202fmin", 90 * time.Minute: "1\u202fh 30\u202fmin",
		24 * time.Hour: "1\u202fd", 24*time.Hour + 5*time.Minute: "1\u202fd", 50 * time.Hour: "2\u202fd 2\u202fh", -time.Hour: "1\u202fh",
	} {
		if got := duration(d); got != want {
			t.Errorf("%s is %q, want %q", d, got, want)
		}
	}
}
