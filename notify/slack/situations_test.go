package slack_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/pipewatch-dev/pipewatch/checks"
	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/incident"
	"github.com/pipewatch-dev/pipewatch/notify"
)

const flightDelay = `version: 1
dag: flight_delay
owner: ml-data
connection: local
schedule: "*/15 * * * *"
nodes:
  load_flights:
    runbook: https://wiki.example.com/runbooks/load_flights
    job: {heartbeat: load_flights, succeeded_within: 2h}
  weather:
    table: weather
    owner: flight-data
    freshness: {column: time_hour, warn_after: 2h, error_after: 6h}
    row_count: {min: 1}
  flights:
    table: flights
    runbook: https://wiki.example.com/runbooks/flights
    depends_on: [load_flights]
    freshness: {column: time_hour, error_after: 6h}
    row_count: {min: 1}
    joins: {to: weather, on: [origin, time_hour], min_match: 96%}
    checks:
      - {name: no_negative_distance, sql: "select count(*) from flights where distance < 0", expect: {max: 0}}
  delay_labels:
    table: labels
    depends_on: [flights]
    row_count: {min: 1}
  training_set:
    table: ml.training_set
    depends_on: [flights, delay_labels]
    row_count: {min: 1}
  report:
    view: report
    depends_on: [training_set]
    row_count: {min: 1}
`

const hostile = "<!channel> `rm` <https://evil.example|click> & *now* \u202egnp\u200b\x07 @here"

// desk is a desk over DAG files.
func desk(t *testing.T, files ...string) notify.Desk {
	t.Helper()
	var dags []dag.File
	for n, src := range files {
		dags = append(dags, dag.File{Name: fmt.Sprintf("dags/%d.yaml", n), Src: []byte(src)})
	}
	g, problems := dag.Load(dags, dag.Known{})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	suite, problems := checks.Compile(g, checks.Builtin())
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return notify.Desk{
		Suite: suite, Default: "#data-alerts", BaseURL: "https://pipewatch.example.com/",
		Owners: map[string]notify.Owner{"ml-data": {Channel: "#ml-alerts", Mention: "@ml-oncall"}},
	}
}

// at is a moment of the eighth of February 2013.
func at(clock string) time.Time {
	t, err := time.Parse("2006-01-02 15:04", "2013-02-08 "+clock)
	if err != nil {
		panic(err)
	}
	return t
}

func finding(check string, reason checks.Reason, message string) incident.Finding {
	return incident.Finding{
		Check: dag.CheckID(check), Outcome: checks.Fail, Reason: reason, Message: message, Severity: dag.Error, FirstSeen: at("14:00"), Onset: at("13:00"),
	}
}

func held(check string, reason checks.Reason, message, because string) incident.Finding {
	f := finding(check, reason, message)
	f.Held, f.Because = true, because
	return f
}

// stale is the incident that most situations begin with.
func stale() incident.Incident {
	return incident.Incident{
		ID: "inc-20130208T1415-5f3a1", Kind: incident.Data, Status: incident.Open, Root: "flight_delay/flights", Severity: dag.Error,
		Findings: []incident.Finding{
			finding("flight_delay/flights/freshness", checks.Stale, "newest time_hour is 7h 15m old, limit 6h"),
			held("flight_delay/delay_labels/row_count", checks.BelowMin, "0 rows, at least 1 expected", "flight_delay/flights/freshness: stale"),
		},
		Blocks: []dag.NodeID{"flight_delay/delay_labels", "flight_delay/training_set", "flight_delay/report"},
		Onset:  at("13:00"), GoodUntil: at("07:00"), OpenedAt: at("14:15"), Refreshed: at("14:15"), Seq: 1,
		Lines: []incident.Line{{N: 1, At: at("14:15"), Kind: incident.Opened, Seq: 1, Node: "flight_delay/flights"}},
	}
}

// happens adds a line to an incident.
func happens(i incident.Incident, l incident.Line) incident.Incident {
	i.Seq++
	l.N, l.Seq = len(i.Lines)+1, i.Seq
	if l.At.IsZero() {
		l.At = at("15:00")
	}
	i.Lines = append(i.Lines[:len(i.Lines):len(i.Lines)], l)
	i.Refreshed = l.At
	return i
}

func resolved(i incident.Incident, detail string) incident.Incident {
	i.Status, i.ResolvedAt = incident.Resolved, at("20:17")
	if detail != "" {
		i.Status = incident.Withdrawn
	}
	for n := range i.Findings {
		i.Findings[n].Recovered = detail == ""
	}
	return happens(i, incident.Line{Kind: incident.Closed, At: at("20:17"), Node: i.Root, Detail: detail})
}

// situation is one message to be drawn.
type situation struct {
	desk   notify.Desk
	i      incident.Incident
	line   bool // the last line instead of the root message
	others []incident.Incident
	alter  func(*notify.Notice)
}

func (s situation) notice() notify.Notice {
	var l *incident.Line
	if s.line {
		l = &s.i.Lines[len(s.i.Lines)-1]
	}
	n := s.desk.Compose(s.i, l, s.others...)
	if s.alter != nil {
		s.alter(&n)
	}
	return n
}

// broken holds incidents that several situations share.
type broken struct {
	weather, orphans, dark, silent, skewed, broken, moved, into, merged, partly incident.Incident
	joined                                                                      incident.Line
}

// with is an incident after a change.
func with(i incident.Incident, change func(*incident.Incident)) incident.Incident {
	change(&i)
	return i
}

func incidents() broken {
	var b broken
	b.weather = with(stale(), func(i *incident.Incident) {
		i.ID, i.Root, i.Severity = "inc-20130208T0915-0a0b1", "flight_delay/weather", dag.Warn
		i.Findings = []incident.Finding{finding("flight_delay/weather/freshness", checks.Stale, "newest time_hour is 3h old, limit 2h")}
		i.Findings[0].Outcome, i.Findings[0].Severity = checks.Warn, dag.Warn
		i.Blocks = nil
	})
	b.orphans = with(stale(), func(i *incident.Incident) {
		i.Findings = []incident.Finding{
			finding("flight_delay/flights/joins", checks.Orphans, "91.20% of 6,355 rows match weather, limit 96%: 559 orphans of 31 keys"),
			finding("flight_delay/flights/no_negative_distance", checks.AboveMax, "3, at most 0 expected"),
		}
		i.Beside = []incident.ID{b.weather.ID, "inc-20130208T0001-fffff"}
	})
	b.broken = happens(incident.Incident{
		ID: "inc-20130208T1415-0f11e", Kind: incident.BrokenFile, Status: incident.Open, File: "dags/shop.yaml",
		Severity: dag.Error, Onset: at("14:15"), OpenedAt: at("14:15"),
		Findings: []incident.Finding{{
			Outcome: checks.Error, Severity: dag.Error, FirstSeen: at("14:15"),
			Message: `dags/shop.yaml:13:15: nodes.orders.severity: "fatal" is not one of warn, error`,
		}},
	}, incident.Line{Kind: incident.Opened, At: at("14:15")})
	b.dark = incident.Incident{
		ID: "inc-20130208T1430-77777", Kind: incident.CannotCheck, Status: incident.Open, Connection: "local", Severity: dag.Error,
		Onset: at("14:00"), OpenedAt: at("14:30"), Refreshed: at("14:30"), Seq: 1,
		Lines: []incident.Line{{N: 1, At: at("14:30"), Kind: incident.Opened, Seq: 1}},
	}
	for _, c := range []string{"weather/freshness", "weather/row_count", "flights/freshness", "flights/row_count"} {
		f := finding("flight_delay/"+c, "", "connection refused")
		f.Outcome = checks.Error
		b.dark.Findings = append(b.dark.Findings, f)
	}
	b.silent = with(b.dark, func(i *incident.Incident) {
		i.Kind, i.Connection, i.Root, i.Severity = incident.NoData, "", "flight_delay/weather", dag.Warn
		i.Findings = []incident.Finding{{
			Check: "flight_delay/weather/row_count", Outcome: checks.NoData, Severity: dag.Warn, FirstSeen: at("14:00"), Message: "no closed day yet in time_hour",
		}}
	})
	b.skewed = with(b.dark, func(i *incident.Incident) {
		i.Kind = incident.ClockSkew
		i.Findings = []incident.Finding{{
			Outcome: checks.Error, Severity: dag.Error, FirstSeen: at("14:00"),
			Message: "its clock is about 2m0s behind ours, limit 30s: set both by NTP; until then ages are off by as much",
		}}
	})
	b.moved = happens(with(stale(), func(i *incident.Incident) {
		i.Root = "flight_delay/load_flights"
		i.Findings = append([]incident.Finding{
			finding("flight_delay/load_flights/job", checks.Late, "no success for 3h 10m, limit 2h"),
			held("flight_delay/flights/freshness", checks.Stale, "newest time_hour is 7h 15m old, limit 6h", "flight_delay/load_flights/job: late"),
		}, i.Findings[1])
		i.Blocks = append([]dag.NodeID{"flight_delay/flights"}, i.Blocks...)
	}), incident.Line{Kind: incident.Moved, Node: "flight_delay/load_flights", Detail: "flight_delay/flights"})
	b.into = with(b.moved, func(i *incident.Incident) { i.ID += "2" })
	b.merged = happens(with(stale(), func(i *incident.Incident) {
		i.Status, i.MergedInto, i.ResolvedAt = incident.Merged, b.into.ID, at("15:00")
	}), incident.Line{Kind: incident.MergedLine, Node: "flight_delay/load_flights", Detail: string(b.into.ID)})
	b.partly = resolved(stale(), "")
	b.partly.Findings[1].Recovered = false
	b.joined = incident.Line{
		Kind: incident.Joined, Node: "flight_delay/delay_labels", Detail: "0 rows, at least 1 expected",
		Checks: []dag.CheckID{"flight_delay/delay_labels/row_count"},
	}
	return b
}

// situations are all messages that are drawn as goldens.
func situations(t *testing.T) map[string]situation {
	all := extremes(t)
	maps.Copy(all, acts(t))
	maps.Copy(all, bulletins(t))
	d, b := desk(t, flightDelay), incidents()
	maps.Copy(all, threads(d, b))
	repeated := func(n *notify.Notice) { n.Repeat = true }
	plain := func(n *notify.Notice) { n.Plain = true }
	oneBlocked := with(stale(), func(i *incident.Incident) { i.Blocks, i.Findings = i.Blocks[:1], i.Findings[:1] })
	maps.Copy(all, map[string]situation{
		"stale":                 {desk: d, i: stale()},
		"one_blocked":           {desk: d, i: oneBlocked},
		"orphans":               {desk: d, i: b.orphans, others: []incident.Incident{b.weather}},
		"warn":                  {desk: d, i: b.weather},
		"cannot_check":          {desk: d, i: b.dark},
		"cannot_check_owned":    {desk: d, i: with(b.dark, func(i *incident.Incident) { i.Findings = i.Findings[2:] })},
		"cannot_check_resolved": {desk: d, i: resolved(b.dark, "")},
		"cannot_check_partly":   {desk: d, i: with(b.dark, func(i *incident.Incident) { i.Partly, i.Findings = true, i.Findings[:3] })},
		"no_data":               {desk: d, i: b.silent},
		"no_data_resolved":      {desk: d, i: resolved(b.silent, "")},
		"clock_skew":            {desk: d, i: b.skewed},
		"clock_skew_resolved":   {desk: d, i: resolved(b.skewed, "")},
		"broken_file":           {desk: d, i: b.broken},
		"broken_file_resolved":  {desk: d, i: resolved(b.broken, "")},
		"moved":                 {desk: d, i: b.moved},
		"merged":                {desk: d, i: b.merged, others: []incident.Incident{b.into}},
		"resolved":              {desk: d, i: resolved(stale(), "")},
		"resolved_while_away":   {desk: d, i: resolved(happens(stale(), b.joined), "")},
		"resolved_partly":       {desk: d, i: b.partly},
		"closed":                {desk: d, i: resolved(stale(), "removed from its DAG")},
		"may_repeat":            {desk: d, i: stale(), alter: repeated},
		"plain":                 {desk: d, i: stale(), alter: plain},
		"plain_resolved":        {desk: d, i: resolved(stale(), ""), alter: plain},
	})
	return all
}

// threads are the lines of a thread, one of each kind.
func threads(d notify.Desk, b broken) map[string]situation {
	line := func(i incident.Incident) situation {
		return situation{desk: d, i: i, line: true, others: []incident.Incident{b.into}}
	}
	return map[string]situation{
		"line_opened":            line(stale()),
		"line_joined":            line(happens(stale(), b.joined)),
		"line_recovered":         line(happens(stale(), incident.Line{Kind: incident.Recovered, Checks: b.joined.Checks})),
		"line_raised":            line(happens(stale(), incident.Line{Kind: incident.Raised, Node: "flight_delay/flights"})),
		"line_moved":             line(b.moved),
		"line_reopened":          line(happens(stale(), incident.Line{Kind: incident.Reopened, Node: "flight_delay/flights"})),
		"line_redefined":         line(happens(stale(), incident.Line{Kind: incident.Redefined, Checks: []dag.CheckID{"flight_delay/flights/freshness"}})),
		"line_merged":            line(b.merged),
		"line_closed":            line(resolved(stale(), "")),
		"line_closed_as_removed": line(resolved(stale(), "removed from its DAG")),
	}
}

// extremes are hostile names, very many nodes, and a desk without a page.
func extremes(t *testing.T) map[string]situation {
	nasty := with(stale(), func(i *incident.Incident) {
		i.Root, i.Blocks = "nasty/root", []dag.NodeID{"nasty/below"}
		i.Findings = []incident.Finding{finding("nasty/root/row_count", checks.BelowMin, hostile+strings.Repeat(" & <!here>", 100))}
	})
	hostileDesk := desk(t, fmt.Sprintf("version: 1\ndag: nasty\nowner: \"<!everyone>\"\nconnection: local\nnodes:\n"+
		"  root: {table: [%q], row_count: {min: 1}}\n  below: {table: [%q], depends_on: [root]}\n", hostile, "@here "+hostile))
	var many strings.Builder
	many.WriteString("version: 1\ndag: wide\nowner: ml-data\nconnection: local\nnodes:\n  root: {table: raw.events, row_count: {min: 1}}\n")
	wide := with(stale(), func(i *incident.Incident) {
		i.Root, i.Blocks = "wide/root", nil
		i.Findings = []incident.Finding{finding("wide/root/row_count", checks.BelowMin, "0 rows, at least 1 expected")}
	})
	joined := incident.Line{Kind: incident.Joined, Node: "wide/n000"}
	for n := range 200 {
		fmt.Fprintf(&many, "  n%03d: {table: mart.table_%03d, depends_on: [root], row_count: {min: 1}}\n", n, n)
		wide.Blocks = append(wide.Blocks, dag.NodeID(fmt.Sprintf("wide/n%03d", n)))
		if n%2 == 0 {
			f := held(fmt.Sprintf("wide/n%03d/row_count", n), checks.BelowMin, "0 rows, at least 1 expected", "wide/root/row_count: below_min")
			wide.Findings, joined.Checks = append(wide.Findings, f), append(joined.Checks, f.Check)
		}
	}
	wideDesk, noPage := desk(t, many.String()), desk(t, flightDelay)
	noPage.BaseURL = ""
	report := with(stale(), func(i *incident.Incident) { i.Root, i.Blocks, i.Findings = "flight_delay/report", nil, i.Findings[:1] })
	nastyLine := incident.Line{Kind: incident.Joined, Checks: []dag.CheckID{"nasty/root/row_count"}, Detail: hostile}
	return map[string]situation{
		"hostile":          {desk: hostileDesk, i: nasty},
		"line_hostile":     {desk: hostileDesk, i: happens(nasty, nastyLine), line: true},
		"blocked_200":      {desk: wideDesk, i: wide},
		"line_joined_many": {desk: wideDesk, i: happens(wide, joined), line: true},
		"no_page":          {desk: noPage, i: report},
	}
}
