package checks

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pipewatch-dev/pipewatch/conf"
	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/probe"
)

// values is the kind that holds single columns against rules.
var values = define("values", "columns hold what they may hold", behaviour[valuesParams]{
	settle: settleValues, ask: askValues, judge: judgeValues,
})

type valuesParams struct {
	NotNull  []string         `yaml:"not_null" jsonschema:"minItems=1" jsonschema_description:"columns that are never NULL"`
	Unique   []uniqueKey      `yaml:"unique" jsonschema:"minItems=1" jsonschema_description:"keys that no two rows share, each a column or a list of columns"`
	Accepted map[string][]any `yaml:"accepted" jsonschema:"minItems=1" jsonschema_description:"columns and the values they may have"`
	Between  map[string]span  `yaml:"between" jsonschema:"minItems=1" jsonschema_description:"columns and the limits of their values, limits included"`
	MaxBad   allowance        `yaml:"max_bad" jsonschema_description:"rows that may break a rule, as a count or a share; default 0"`
	Last     *conf.Duration   `yaml:"last" jsonschema_description:"judge the rows of this long; default: all rows"`
	By       string           `yaml:"by" jsonschema_description:"time column of 'last'; default: the column of the node's freshness check"`
	ColumnTZ string           `yaml:"column_tz" jsonschema_description:"IANA zone of a 'by' column without zone; default UTC"`

	Time probe.TimeColumn `yaml:"-"`
}

// uniqueKey is a column, or several that are a key together.
type uniqueKey = conf.StringList

// span is a range; an end that is nil is open.
type span struct {
	Min any `yaml:"min" jsonschema_description:"least value"`
	Max any `yaml:"max" jsonschema_description:"greatest value"`
}

// allowance is how many of some rows may be bad: a count, or a share of them.
type allowance struct {
	Count int64
	Share *conf.Percent // instead of Count
}

// DecodeConf reads a count or a percentage.
func (a *allowance) DecodeConf(v conf.Value) conf.Problems {
	if v.Kind() != conf.Number {
		a.Share = new(conf.Percent)
		return v.Decode(a.Share)
	}
	problems := v.Decode(&a.Count)
	for i := range problems {
		problems[i] = problems[i].WithHint("write a count, or a share with its sign, as in 0.5%%")
	}
	if len(problems) == 0 && a.Count < 0 {
		problems.Add(v.Problem("%s is less than 0", v.Quote()))
	}
	return problems
}

// ConfSchema lists the forms.
func (allowance) ConfSchema() []any { return []any{int64(0), conf.Percent{}} }

// exceeded tells whether bad of rows is more than allowed.
func (a allowance) exceeded(bad, rows int64) bool {
	if a.Share != nil {
		return rows > 0 && a.Share.Cmp(bad, rows) > 0
	}
	return bad > a.Count
}

// String is the allowance as messages say it.
func (a allowance) String() string {
	if a.Share != nil {
		return a.Share.String()
	}
	return thousands(a.Count)
}

func settleValues(s Site, p *valuesParams) ([]dag.NodeID, conf.Problems) {
	params := s.Spec.Params
	problems := needRows(s)
	if len(p.NotNull)+len(p.Unique)+len(p.Accepted)+len(p.Between) == 0 {
		problems.Add(params.KeyProblem("no rule to judge by").WithCode("PW160").WithHint("give not_null, unique, accepted or between"))
	}
	for column, accepted := range params.Get("accepted").Fields() {
		problems.Merge(acceptedProblems(column, accepted))
	}
	for column, limits := range params.Get("between").Fields() {
		if r := p.Between[column.Text()]; !r.sound() {
			problems.Add(limits.Problem("the limits of %s leave no value, or leave all", column.Text()).WithCode("PW161").
				WithHint("give min, max or both, of one type, min not above max"))
		}
	}
	if a := p.MaxBad.Share; a != nil && a.AtLeast(1, 1) && a.Cmp(1, 1) <= 0 {
		problems.Add(params.Get("max_bad").Problem("a limit of %s can never be exceeded", p.MaxBad).WithCode("PW162").
			WithHint("allow a smaller share"))
	}
	problems.Merge(badZone(params.Get("column_tz")))
	p.Time = probe.TimeColumn{Name: p.By, Zone: p.ColumnTZ}
	if p.By == "" {
		p.Time = freshnessColumn(s.Node)
	}
	if p.Last != nil && p.Time.Name == "" {
		problems.Add(params.Get("last").KeyProblem("a window needs a time column").WithCode("PW163").
			WithHint("name one with by:, or give the node a freshness check"))
	}
	if p.Last != nil && *p.Last == 0 {
		problems.Add(params.Get("last").Problem("a window of 0s holds no row").WithCode("PW162"))
	}
	return nil, problems
}

// acceptedProblems says what is wrong with the list of one column.
func acceptedProblems(column, accepted conf.Value) conf.Problems {
	var problems conf.Problems
	if accepted.Len() == 0 {
		problems.Add(accepted.Problem("no value of %s would be accepted", column.Text()).WithCode("PW161").WithHint("list the values"))
	}
	for item := range accepted.Items() {
		switch item.Kind() {
		case conf.Null:
			problems.Add(item.Problem("NULL is always accepted here").WithCode("PW161").WithHint("remove it; not_null is the rule that forbids it"))
		case conf.List, conf.Map:
			problems.Add(item.Problem("%s is not a single value", item.Quote()).WithCode("PW161"))
		}
	}
	return problems
}

// sound tells whether the span holds some values and not all.
func (r span) sound() bool {
	switch low := r.Min.(type) {
	case nil:
		return scalar(r.Max)
	case string:
		high, ok := r.Max.(string)
		return r.Max == nil || ok && low <= high
	default:
		least, number := asNumber(low)
		most, also := asNumber(r.Max)
		return number && (r.Max == nil || also && least <= most)
	}
}

func scalar(v any) bool {
	_, number := asNumber(v)
	_, text := v.(string)
	return number || text
}

func asNumber(v any) (float64, bool) {
	switch n := v.(type) {
	case int64:
		return float64(n), true
	case float64:
		return n, true
	}
	return 0, false
}

func askValues(s Site, p valuesParams, _ Memory, at Moment) []probe.Question {
	var w probe.Window
	if p.Last != nil {
		w = probe.Window{By: p.Time, From: probe.At(at.Now.Add(-p.Last.Std())), To: probe.At(at.Now)}
	}
	var qs []probe.Question
	for _, r := range p.rules() {
		r.Of, r.Where, r.Window = s.Relation(), s.Spec.Where, w
		qs = append(qs, r)
	}
	return qs
}

// rules lists what is asked, in an order that the parameters alone decide.
func (p valuesParams) rules() []probe.BadRows {
	var rules []probe.BadRows
	for _, column := range p.NotNull {
		rules = append(rules, probe.BadRows{Rule: probe.Nulls, Columns: probe.List(column)})
	}
	for _, key := range p.Unique {
		rules = append(rules, probe.BadRows{Rule: probe.Duplicates, Columns: probe.List(key...)})
	}
	for _, column := range slices.Sorted(maps.Keys(p.Accepted)) {
		rules = append(rules, probe.BadRows{Rule: probe.Unexpected, Columns: probe.List(column), Accepted: jsonNames(p.Accepted[column])})
	}
	for _, column := range slices.Sorted(maps.Keys(p.Between)) {
		r := p.Between[column]
		rules = append(rules, probe.BadRows{Rule: probe.OutOfRange, Columns: probe.List(column), Min: jsonScalar(r.Min), Max: jsonScalar(r.Max)})
	}
	return rules
}

func jsonNames(items []any) probe.Names {
	texts := make([]string, len(items))
	for i, item := range items {
		texts[i] = jsonScalar(item)
	}
	return probe.List(texts...)
}

// jsonScalar is a value of a file as JSON; empty for an absent one.
func jsonScalar(v any) string {
	if v == nil {
		return ""
	}
	b, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("value %v: %v", v, err)) // unreachable: values of a file are plain data
	}
	return string(b)
}

type valuesObserved struct {
	Rules []ruleObserved `json:"rules"`
}

type ruleObserved struct {
	Column string `json:"column"` // several are joined by ", "
	Rule   string `json:"rule"`
	Bad    int64  `json:"bad"`
	Rows   int64  `json:"rows"`
}

type valuesExpected struct {
	MaxBad      *int64   `json:"max_bad,omitempty"`
	MaxBadShare *float64 `json:"max_bad_share,omitempty"`
}

func judgeValues(_ Site, p valuesParams, as []probe.Answer, _ Memory, _ Moment) (Verdict, Memory) {
	var observed valuesObserved
	found := []judgement{{outcome: Pass}}
	var rows int64
	for i, rule := range p.rules() {
		b, err := probe.Value[probe.Bad](as[i])
		if err != nil {
			return couldNot(err), nil
		}
		rows = max(rows, b.Rows)
		column := strings.Join(rule.Columns.Items(), ", ")
		observed.Rules = append(observed.Rules, ruleObserved{column, string(rule.Rule), b.Bad, b.Rows})
		if p.MaxBad.exceeded(b.Bad, b.Rows) {
			found = append(found, broken(rule.Rule, column, b, p.MaxBad))
		}
	}
	switch bad := len(found) - 1; {
	case rows == 0:
		found[0] = judgement{outcome: NoData, message: "nothing to judge: no rows"}
	case bad == 0:
		found[0].message = fmt.Sprintf("no rule of %d is broken in %s", len(observed.Rules), counted(rows, "row"))
	case bad > 1:
		found[1].message += fmt.Sprintf("; %s more broken", counted(int64(bad-1), "rule"))
	}
	expected := valuesExpected{}
	if p.MaxBad.Share != nil {
		expected.MaxBadShare = new(p.MaxBad.Share.Float())
	} else {
		expected.MaxBad = new(p.MaxBad.Count)
	}
	return worst(found[0], found[1:]...).verdict(observed, expected), nil
}

// broken is the judgement on a rule that too many rows break.
func broken(rule probe.Rule, column string, b probe.Bad, allowed allowance) judgement {
	say := map[probe.Rule]struct {
		reason Reason
		words  string
	}{
		probe.Nulls:      {NullValues, "have no"},
		probe.Duplicates: {Duplicates, "repeat"},
		probe.Unexpected: {UnexpectedValues, "have an unexpected"},
		probe.OutOfRange: {OutOfRange, "have an out-of-range"},
	}[rule]
	message := fmt.Sprintf("%s of %s %s %s", thousands(b.Bad), counted(b.Rows, "row"), say.words, column)
	if allowed.Share != nil {
		message += fmt.Sprintf(" (%s)", shareUp(b.Bad, b.Rows))
	}
	return judgement{outcome: Fail, reason: say.reason, message: fmt.Sprintf("%s, limit %s", message, allowed)}
}
