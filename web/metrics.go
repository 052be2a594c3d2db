package web

import (
	"cmp"
	"runtime"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/pipewatch-dev/pipewatch/checks"
	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/incident"
)

// metrics are of two kinds: what is so now is read from the snapshot whenever
// somebody asks, so that nothing of a removed node lingers; what happened is
// counted run by run.
type metrics struct {
	snapshot  func() Snapshot
	evaluated *prometheus.CounterVec
	took      prometheus.Histogram
}

func newMetrics(r *prometheus.Registry, snapshot func() Snapshot) *metrics {
	m := &metrics{
		snapshot: snapshot,
		evaluated: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "pipewatch_checks_total", Help: "Evaluations of checks since the start, by what they said.",
		}, []string{"result"}),
		took: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "pipewatch_check_duration_seconds", Help: "How long the statements of a check took.",
			Buckets:                     []float64{.001, .005, .02, .1, .5, 2, 10, 60},
			NativeHistogramBucketFactor: 1.1,
		}),
	}
	for _, o := range []checks.Outcome{checks.Pass, checks.Warn, checks.Fail, checks.NoData, checks.Error, checks.Pending, checks.Deferred} {
		m.evaluated.WithLabelValues(string(o)) // a series that starts at 0 can be told from one that is missing
	}
	r.MustRegister(m, m.evaluated, m.took, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// observe counts a run.
func (m *metrics) observe(run incident.Run) {
	for _, r := range run.Results {
		m.evaluated.WithLabelValues(string(r.Verdict.Outcome)).Inc()
		m.took.Observe(r.Took.Seconds())
	}
}

// described names what is read from the snapshot.
func described(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("pipewatch_"+name, help, labels, nil)
}

var (
	buildInfo     = described("build_info", "Always 1; the labels tell what runs.", "version", "goversion")
	nodeStatus    = described("node_status", "1 for the state that a node is in, 0 for the others.", "dag", "node", "state")
	incidentsOpen = described("incidents_open", "Open incidents.", "severity")
	scheduleLag   = described("schedule_lag_seconds", "How long after its slot a DAG's last run began.", "dag")
	stateBytes    = described("state_bytes", "Size of the state file.")
	reloadOK      = described("config_last_reload_successful", "1 when the last reload was taken up.")
	reloadAt      = described("config_last_reload_success_timestamp_seconds", "When a reload was last taken up.")
	brokenFiles   = described("config_broken_files", "DAG files that could not be taken up.")
	queueLength   = described("notification_queue_length", "Messages not delivered yet.", "channel")
	dead          = described("destination_dead", "1 while a destination takes no messages.", "channel")
	notifications = described("notifications_total", "Attempts to send a message since the start.", "channel", "result")
	limited       = described("notification_rate_limited_total", "Times that a destination asked to be left alone.", "channel")
	repeats       = described("dup_risk_total", "Messages sent again although the first may have arrived.", "channel")
	expired       = described("notifications_expired_total", "Messages that came too late to be of use.", "channel")
	collapsed     = described("outbox_collapsed_total", "Changes left to their incidents' own messages because too much was waiting.", "channel")
	oldest        = described("outbox_oldest_seconds", "How long the oldest message has waited; 0 when none waits.", "channel")
	lateChecks    = described("late_checks", "Checks that were not evaluated for two of their slots.")
	skipped       = described("skipped_slots_total", "Slots that came while the run before was still asking.")
	stateFailed   = described("state_failed", "1 when the state can no longer be written.")
	deadMan       = described("dead_man_ok", "1 when the last call of the dead man's switch got through.")
	canary        = described("canary_last_success_timestamp_seconds", "When the last test of the alarm came through.")

	freshness      = described("node_freshness_seconds", "Age of the newest row.", "dag", "node")
	freshnessLimit = described("node_freshness_limit_seconds", "Age above which a node is stale.", "dag", "node", "severity")
	nodeRows       = described("node_rows", "Rows counted by the node's row_count check.", "dag", "node")
	matchRatio     = described("join_match_ratio", "Share of rows that find their parent.", "dag", "node", "to")
	coverage       = described("label_coverage_ratio", "Share of mature examples with a label.", "dag", "node")
)

// Describe is for the registry. What is collected depends on what is watched,
// so that nothing is promised.
func (m *metrics) Describe(chan<- *prometheus.Desc) {}

// Collect gives all that is so now.
func (m *metrics) Collect(ch chan<- prometheus.Metric) {
	s := m.snapshot()
	set := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	count := func(d *prometheus.Desc, n int64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(n), labels...)
	}
	set(buildInfo, 1, cmp.Or(s.Version, "dev"), runtime.Version())
	set(stateBytes, float64(s.StateBytes))
	set(brokenFiles, float64(len(s.Broken)))
	set(stateFailed, truth(s.StateErr != nil))
	set(lateChecks, float64(s.Late))
	count(skipped, s.Skipped)
	if s.DeadMan != nil {
		set(deadMan, truth(s.DeadMan.Err == nil))
	}
	if !s.Canary.IsZero() {
		set(canary, float64(s.Canary.Unix()))
	}
	set(reloadOK, truth(s.Reload.Err == nil))
	if !s.Reload.Succeeded.IsZero() {
		set(reloadAt, float64(s.Reload.Succeeded.Unix()))
	}
	for name, d := range s.DAGs {
		if !d.LastRun.IsZero() {
			set(scheduleLag, max(0, d.LastRun.Sub(d.LastSlot).Seconds()), name)
		}
	}
	open := map[dag.Severity]int{dag.Error: 0, dag.Warn: 0}
	for _, i := range s.Book.Incidents {
		if i.Status == incident.Open {
			open[i.Severity]++
		}
	}
	for severity, n := range open {
		set(incidentsOpen, float64(n), string(severity))
	}
	delivery(set, count, s)
	for _, n := range s.Nodes {
		for _, h := range []incident.Health{incident.Healthy, incident.Warning, incident.FailingNode, incident.Blocked, incident.UnknownHealth} {
			set(nodeStatus, truth(n.Health == h), n.Node.DAG(), n.Node.Name(), string(h))
		}
	}
	for id, l := range s.Latest {
		if c := s.Suite.Check(id); c != nil {
			measure(set, c, l)
		}
	}
}

// delivery gives how each destination takes messages.
func delivery(set func(*prometheus.Desc, float64, ...string), count func(*prometheus.Desc, int64, ...string), s Snapshot) {
	for _, d := range s.Destinations {
		set(queueLength, float64(d.Waiting), d.Channel)
		set(dead, truth(d.Dead), d.Channel)
		count(notifications, d.Delivered, d.Channel, "delivered")
		count(notifications, d.Failed, d.Channel, "failed")
		count(limited, d.Limited, d.Channel)
		count(repeats, d.MayRepeat, d.Channel)
		count(expired, d.Expired, d.Channel)
		count(collapsed, d.Collapsed, d.Channel)
		waited := 0.0
		if !d.Oldest.IsZero() {
			waited = max(0, s.At.Sub(d.Oldest).Seconds())
		}
		set(oldest, waited, d.Channel)
	}
}

// measure gives what the last evaluation of a check saw. A node has one check
// of each of these kinds, and one for each parent it is joined to.
func measure(set func(*prometheus.Desc, float64, ...string), c *checks.Check, l Latest) {
	seen, limits := numbers(l.Result.Verdict.Observed), numbers(l.Result.Verdict.Expected)
	give := func(d *prometheus.Desc, from map[string]float64, key string, more ...string) {
		if v, ok := from[key]; ok {
			set(d, v, append([]string{c.Node.ID.DAG(), c.Node.ID.Name()}, more...)...)
		}
	}
	switch c.Spec.Kind {
	case "freshness":
		give(freshness, seen, "age_seconds")
		give(freshnessLimit, limits, "warn_after_seconds", "warn")
		give(freshnessLimit, limits, "error_after_seconds", "error")
	case "row_count":
		give(nodeRows, seen, "rows")
	case "joins":
		give(matchRatio, seen, "match_ratio", c.Spec.Params.Get("to").Text())
	case "labels":
		give(coverage, seen, "coverage")
	}
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
