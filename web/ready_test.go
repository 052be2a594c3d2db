package web_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"github.com/pipewatch-dev/pipewatch/checks"
	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/incident"
	"github.com/pipewatch-dev/pipewatch/web"
)

func TestReadiness(t *testing.T) {
	tests := []struct {
		name   string
		is     func(*web.Snapshot)
		status int
		want   []string
	}{
		{"all is well", func(*web.Snapshot) {}, 200, []string{"ready"}},
		{"a lost write", func(s *web.Snapshot) { s.StateErr = errors.New("no space left on device") }, 503, []string{"not ready", "state: down no space left on device"}},
		{"a stuck scheduler", func(s *web.Snapshot) { s.SchedulerErr = errors.New("no slot for 5m") }, 503, []string{"scheduler: down no slot for 5m"}},
		{
			"a broken DAG file is named while the rest goes on",
			func(s *web.Snapshot) {
				s.Broken = []web.BrokenFile{{"dags/shop.yaml", "dags/shop.yaml:3:1: what\nis that"}}
			},
			200, []string{"config: degraded dags/shop.yaml is broken: dags/shop.yaml:3:1: what"},
		},
		{
			"a reload that changed nothing", func(s *web.Snapshot) { s.Reload.Err = errors.New("pipewatch.yaml:2:1: no") },
			200, []string{"config: degraded the last reload changed nothing: pipewatch.yaml:2:1: no"},
		},
		{
			"a dead destination", func(s *web.Snapshot) {
				s.Destinations = []web.Destination{{Channel: "#ml-alerts", Dead: true, Trouble: "invalid_auth", Waiting: 3}}
			},
			200, []string{"destination #ml-alerts: degraded takes no messages (invalid_auth); 3 wait"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := story(t)
			tt.is(&s.snapshot)
			w := call(serve(t, s), "GET", "/readyz", "")
			if w.Code != tt.status {
				t.Errorf("got %d, want %d", w.Code, tt.status)
			}
			for _, want := range tt.want {
				if !strings.Contains(w.Body.String(), want) {
					t.Errorf("%q is not in:\n%s", want, w.Body)
				}
			}
		})
	}
	verbose := call(serve(t, story(t)), "GET", "/readyz?verbose", "").Body.String()
	if want := "ready\nconfig: ok\nstate: ok\nscheduler: ok\n"; verbose != want {
		t.Errorf("verbose: %q, want %q", verbose, want)
	}
}

func TestHealthzTouchesNothing(t *testing.T) {
	h := web.New(web.Config{Source: slow{stage: story(t)}, Control: story(t)})
	if w := call(h, "GET", "/healthz", ""); w.Code != 200 || w.Body.String() != "ok\n" {
		t.Errorf("%d %q", w.Code, w.Body)
	}
}

func TestReloadSaysWhyItDidNothing(t *testing.T) {
	s := story(t)
	s.err = errors.New("pipewatch.yaml:2:1: no")
	if w := call(serve(t, s), "POST", "/-/reload", ""); w.Code != 422 || !strings.Contains(w.Body.String(), "pipewatch.yaml:2:1: no") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestMetrics(t *testing.T) {
	s := story(t)
	s.snapshot.StateBytes = 65536
	s.snapshot.Reload.Succeeded = noon
	s.snapshot.Broken = []web.BrokenFile{{File: "dags/1.yaml"}}
	s.snapshot.Destinations = []web.Destination{{Channel: "#ml-alerts", Dead: true, Waiting: 2, Delivered: 5, Failed: 1}}
	site := web.New(web.Config{Source: s, Control: s})
	site.Observe(incident.Run{Results: []checks.Result{
		{Verdict: checks.Verdict{Outcome: checks.Pass}, Took: 3 * time.Millisecond}, {Verdict: checks.Verdict{Outcome: checks.Fail}, Took: time.Second},
	}})
	w := call(site, "GET", "/metrics", "")
	for _, want := range []string{
		`pipewatch_node_status{dag="flight_delay",node="flights",state="failing"} 1`,
		`pipewatch_node_status{dag="flight_delay",node="flights",state="healthy"} 0`,
		`pipewatch_node_status{dag="flight_delay",node="training_set",state="blocked"} 1`,
		`pipewatch_node_freshness_seconds{dag="flight_delay",node="flights"} 118800`,
		`pipewatch_node_freshness_limit_seconds{dag="flight_delay",node="flights",severity="error"} 21600`,
		`pipewatch_node_rows{dag="flight_delay",node="airports"} 336776`,
		`pipewatch_join_match_ratio{dag="flight_delay",node="flights",to="airports"} 0.98691`,
		`pipewatch_incidents_open{severity="error"} 1`,
		`pipewatch_incidents_open{severity="warn"} 1`,
		`pipewatch_checks_total{result="pass"} 1`,
		`pipewatch_checks_total{result="nodata"} 0`,
		`pipewatch_check_duration_seconds_count 2`,
		`pipewatch_schedule_lag_seconds{dag="flight_delay"} 0`,
		`pipewatch_state_bytes 65536`,
		`pipewatch_config_last_reload_successful 1`,
		`pipewatch_config_broken_files 1`,
		`pipewatch_destination_dead{channel="#ml-alerts"} 1`,
		`pipewatch_notification_queue_length{channel="#ml-alerts"} 2`,
		`pipewatch_notifications_total{channel="#ml-alerts",result="delivered"} 5`,
		`pipewatch_build_info{goversion=`,
	} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s is missing", want)
		}
	}
	problems, err := promlint.New(strings.NewReader(w.Body.String())).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if strings.HasPrefix(p.Metric, "pipewatch_") {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
	if t.Failed() {
		t.Log(w.Body)
	}
}

func TestMetricsForgetWhatWasRemoved(t *testing.T) {
	s := story(t)
	h := serve(t, s)
	s.snapshot.Suite = suite(t, tower)
	s.snapshot.Nodes = incident.Assess(s.snapshot.Suite, func(dag.CheckID) incident.State { return incident.State{} })
	if body := call(h, "GET", "/metrics", "").Body.String(); strings.Contains(body, `node="flights"`) {
		t.Error("a removed node is still measured")
	}
}
