package checks

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pipewatch-dev/pipewatch/conf"
	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/probe"
)

// labels is the kind that asks whether examples have got their labels. The node
// holds the labels; the examples are another node. Examples are judged in cohorts
// (those of one day, say), as a label takes its time: a cohort is mature once its
// labels can be demanded.
var labels = define("labels", "examples get their labels in time", behaviour[labelsParams]{
	settle: settleLabels, ask: askLabels, judge: judgeLabels,
})

type labelsParams struct {
	Of          string         `yaml:"of" jsonschema:"required" jsonschema_description:"the node that holds the examples, or a table of the same connection"`
	On          joinKeys       `yaml:"on" jsonschema:"required" jsonschema_description:"the key: k, [k1, k2] or {left: of the labels, right: of the examples}"`
	EventTime   string         `yaml:"event_time" jsonschema:"required" jsonschema_description:"column of the examples: when they happened"`
	LabelledAt  string         `yaml:"labelled_at" jsonschema:"required" jsonschema_description:"column of the labels: when they became known"`
	ColumnTZ    string         `yaml:"column_tz" jsonschema_description:"IANA zone of both columns where they have none; default UTC"`
	Value       string         `yaml:"value" jsonschema_description:"column of the labels that holds the label; needed to find conflicts"`
	Per         probe.Per      `yaml:"per" jsonschema:"enum=day,enum=hour,enum=week" jsonschema_description:"length of a cohort; default day, local to the DAG's zone"`
	Delay       conf.Duration  `yaml:"delay" jsonschema:"required" jsonschema_description:"how long a label may take, counted from the end of a cohort"`
	Grace       conf.Duration  `yaml:"grace" jsonschema_description:"time on top of delay before labels are demanded; default 0s"`
	MinCoverage *conf.Percent  `yaml:"min_coverage" jsonschema_description:"least share of the examples of each mature cohort that have a label"`
	Last        *conf.Duration `yaml:"last" jsonschema_description:"cohorts that start within this long are judged; default 30d"`
	FreezeAfter *conf.Duration `yaml:"freeze_after" jsonschema_description:"age from which the labels of a cohort may not change any more"`
	Leakage     string         `yaml:"leakage" jsonschema:"enum=warn,enum=fail,enum=ignore" jsonschema_description:"labels older than their example; default warn"`
	Conflicting string         `yaml:"conflicting" jsonschema:"enum=warn,enum=fail,enum=ignore" jsonschema_description:"labels of one example that disagree; default warn"`
	Kind        string         `yaml:"kind" jsonschema:"enum=explicit,enum=implicit_negative" jsonschema_description:"implicit_negative: an example without a row is a negative, so the feed is judged and not the coverage; default explicit"`
	Curve       *curve         `yaml:"curve" jsonschema_description:"compare a young cohort with older ones at the same age"`

	Examples probe.Relation `yaml:"-"`
}

// curve is what a young cohort is compared with.
type curve struct {
	Over      int          `yaml:"over" jsonschema:"minimum=3,maximum=365" jsonschema_description:"the newest mature cohorts whose median is usual; default 14"`
	Tolerance conf.Percent `yaml:"tolerance" jsonschema_description:"percentage points below the usual that are fine; default 5%"`
}

// DecodeConf reads a curve over its defaults.
func (c *curve) DecodeConf(v conf.Value) conf.Problems {
	type plain curve
	d := plain{Over: 14}
	d.Tolerance, _ = conf.ParsePercent("5%")
	problems := v.Decode(&d)
	*c = curve(d)
	return problems
}

const (
	// leastHistory is how many cohorts make something usual.
	leastHistory = 3
	// mostAges bounds the ages at which all cohorts are asked for their coverage.
	mostAges = 48
)

func settleLabels(s Site, p *labelsParams) ([]dag.NodeID, conf.Problems) {
	params := s.Spec.Params
	problems := needRows(s)
	examples, ps := otherNode(s, params.Get("of"), "PW150")
	if table, ok := tableOf(s, params.Get("of")); ok {
		p.Examples = table
	} else {
		problems.Merge(ps)
	}
	if examples != nil {
		p.Examples = RelationOf(examples)
		if examples.Connection != s.Node.Connection {
			problems.Add(params.Get("of").Problem("%q is on connection %q, this node on %q", p.Of, examples.Connection, s.Node.Connection).
				WithCode("PW151").WithHint("labels across connections are not available yet"))
		}
	}
	problems.Merge(badZone(params.Get("column_tz")))
	if p.Per == "" {
		p.Per = probe.Day
	}
	if p.Last == nil {
		p.Last = new(conf.Duration(30 * 24 * time.Hour))
	}
	if p.MinCoverage != nil {
		problems.Merge(possible(params.Get("min_coverage"), *p.MinCoverage, "PW152"))
		if p.implicit() {
			problems.Add(params.Get("min_coverage").KeyProblem("where a missing label is a negative, coverage means nothing").WithCode("PW153").
				WithHint("remove min_coverage; the feed of labels is judged instead"))
		}
	}
	if length := cohortLength[p.Per]; p.mature()+length > p.Last.Std() {
		problems.Add(params.KeyProblem("no cohort of the last %s is ever mature, as that takes delay and grace of %s", p.Last, spoken(p.mature())).
			WithCode("PW154").WithHint("make last longer"))
	}
	if p.Conflicting != "" && p.Conflicting != "ignore" && p.Value == "" {
		problems.Add(params.Get("conflicting").KeyProblem("conflicts are disagreements about a value").WithCode("PW155").
			WithHint("name the column of the label with value:"))
	}
	if p.FreezeAfter != nil && p.FreezeAfter.Std() < p.mature() {
		problems.Add(params.Get("freeze_after").Problem("cohorts would freeze before they are mature, at %s", spoken(p.mature())).
			WithCode("PW156").WithHint("freeze later than delay + grace"))
	}
	if examples == nil || examples.ID == s.Node.ID {
		return nil, problems
	}
	return []dag.NodeID{examples.ID}, problems
}

// tableOf reads a name that is no node, and does not look like a misspelt one, as a
// table in the connection of the check's node: examples need not be watched to be
// counted.
func tableOf(s Site, named conf.Value) (probe.Relation, bool) {
	name := named.Text()
	var nodes []string
	for _, n := range s.graph().Order() {
		if n.ID.DAG() == s.Node.ID.DAG() {
			nodes = append(nodes, n.ID.Name())
		}
	}
	if slices.Contains(nodes, name) || strings.Contains(name, "/") || conf.Nearest(name, nodes) != "" || s.graph().Lost(dag.NodeID(s.Node.ID.DAG()+"/"+name)) {
		return probe.Relation{}, false
	}
	return probe.Relation{Conn: s.Node.Connection, Table: probe.List(strings.Split(name, ".")...)}, true
}

// cohortLength is how long a cohort is, but for changes of the clocks.
var cohortLength = map[probe.Per]time.Duration{probe.Hour: time.Hour, probe.Day: 24 * time.Hour, probe.Week: 7 * 24 * time.Hour}

func (p labelsParams) implicit() bool { return p.Kind == "implicit_negative" }

// mature is the age from which labels are demanded of a cohort.
func (p labelsParams) mature() time.Duration { return p.Delay.Std() + p.Grace.Std() }

// ages lists how old each cohort is that has ended and is not mature, youngest
// first. Very many are thinned out.
func (p labelsParams) ages(at Moment, zone *time.Location) []time.Duration {
	if p.Curve == nil {
		return nil
	}
	var ages []time.Duration
	end := bucketStart(at.Now, p.Per, zone)
	for at.Now.Sub(end) < min(p.mature(), p.Last.Std()) {
		ages = append(ages, at.Now.Sub(end).Truncate(time.Second))
		end = bucketStart(end.Add(-time.Second), p.Per, zone)
	}
	step := (len(ages) + mostAges - 1) / mostAges
	var kept []time.Duration
	for i := 0; i < len(ages); i += step {
		kept = append(kept, ages[i])
	}
	return kept
}

func askLabels(s Site, p labelsParams, _ Memory, at Moment) []probe.Question {
	from := at.Now.Add(-p.Last.Std())
	if p.Curve != nil {
		// The cohorts that are compared with are mature: the newest of them ends here.
		end := bucketStart(at.Now.Add(-p.mature()), p.Per, s.Node.Zone)
		if reach := bucketAfter(end, p.Per, -p.Curve.Over, s.Node.Zone); reach.Before(from) {
			from = reach
		}
	}
	var ages []string
	for _, age := range p.ages(at, s.Node.Zone) {
		ages = append(ages, strconv.FormatInt(int64(age/time.Second), 10))
	}
	q := probe.Cohorts{
		Of: p.Examples, Where: s.Spec.Where, EventTime: probe.TimeColumn{Name: p.EventTime, Zone: p.ColumnTZ}, Keys: probe.List(p.On.Right...),
		Labels: s.Relation(), LabelKeys: probe.List(p.On.Left...), LabelledAt: probe.TimeColumn{Name: p.LabelledAt, Zone: p.ColumnTZ}, Value: p.Value,
		Per: p.Per, Zone: zoneName(s.Node.Zone), From: probe.At(from), To: probe.At(at.Now), At: probe.At(at.Now),
		Ages: probe.List(ages...), Digest: p.FreezeAfter != nil,
	}
	if p.FreezeAfter != nil {
		q.From = 0 // what is frozen stays frozen, however long ago
	}
	return []probe.Question{q}
}

type labelsObserved struct {
	Cohorts        []cohortObserved `json:"cohorts"`        // those judged, oldest first
	MatureThrough  *time.Time       `json:"mature_through"` // up to here everything is mature and covered; null: nothing
	Coverage       *float64         `json:"coverage"`       // of all mature cohorts; null: none is
	Early          int64            `json:"early"`
	Conflicting    int64            `json:"conflicting"`
	OrphanLabels   int64            `json:"orphan_labels"`
	FutureLabels   int64            `json:"future_labels"`
	LabelWatermark *time.Time       `json:"label_watermark"`
}

type cohortObserved struct {
	Start         time.Time `json:"start"`
	Eligible      int64     `json:"eligible"`
	Labelled      int64     `json:"labelled"`
	Coverage      float64   `json:"coverage"`
	AgeSeconds    int64     `json:"age_seconds"`
	Mature        bool      `json:"mature"`
	UsualCoverage *float64  `json:"usual_coverage,omitempty"` // at the same age, where a curve says
}

type labelsExpected struct {
	MinCoverage        *float64 `json:"min_coverage,omitempty"`
	MatureAfterSeconds int64    `json:"mature_after_seconds"`
	CurveTolerance     *float64 `json:"curve_tolerance,omitempty"`
	FreezeAfterSeconds int64    `json:"freeze_after_seconds,omitempty"`
}

func judgeLabels(s Site, p labelsParams, as []probe.Answer, m Memory, at Moment) (Verdict, Memory) {
	list, err := probe.Value[probe.CohortList](as[0])
	if err != nil {
		return couldNot(err), nil
	}
	list.Cohorts = slices.DeleteFunc(slices.Clone(list.Cohorts), func(c probe.Cohort) bool {
		return c.Eligible == 0 || c.End.Time().After(at.Now)
	})
	asked := len(p.ages(at, s.Node.Zone))
	for _, c := range list.Cohorts {
		if len(c.AtAge) < asked {
			return couldNot(fmt.Errorf("answer tells coverage at %d ages, not at the %d asked for", len(c.AtAge), asked)), nil
		}
	}
	r := labelsReading{Params: p, Zone: s.Node.Zone, Now: at.Now, All: list}
	for _, c := range list.Cohorts {
		if !c.Start.Time().Before(at.Now.Add(-p.Last.Std())) {
			r.Judged = append(r.Judged, c)
		}
	}
	usual, known := r.usual()
	found := []judgement{r.coverage(), r.behind(usual, known), r.flaw(Leakage), r.flaw(Conflicting)}
	var next Memory
	if p.FreezeAfter != nil {
		var frozen judgement
		frozen, next = r.frozen(m)
		found = append(found, frozen)
	}
	expected := labelsExpected{MatureAfterSeconds: int64(p.mature() / time.Second)}
	if p.MinCoverage != nil {
		expected.MinCoverage = new(p.MinCoverage.Float())
	}
	if p.Curve != nil {
		expected.CurveTolerance = new(p.Curve.Tolerance.Float())
	}
	if p.FreezeAfter != nil {
		expected.FreezeAfterSeconds = int64(p.FreezeAfter.Std() / time.Second)
	}
	v := worst(found[0], found[1:]...).verdict(r.observed(usual), expected)
	v.GoodUntil = r.matureThrough().Time()
	return v, next
}
