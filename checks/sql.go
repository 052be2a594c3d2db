package checks

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/pipewatch-dev/pipewatch/conf"
	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/probe"
)

// sqlCheck is the kind that holds the one value of a SELECT against limits.
var sqlCheck = define("sql", "the one value of a SELECT is within limits", behaviour[sqlParams]{
	settle: settleSQL, ask: askSQL, judge: judgeSQL,
})

type sqlParams struct {
	SQL    string      `yaml:"sql" jsonschema:"required,minLength=1" jsonschema_description:"one SELECT of one number; {{ as_of }} is the moment of the run"`
	Expect expectation `yaml:"expect" jsonschema_description:"what the number must be"`
	// ExplainedBy is nil where nothing is said.
	ExplainedBy conf.StringList `yaml:"explained_by" json:",omitempty" jsonschema_description:"which findings above can be why this one fails: reasons such as stale, or none; default any"`
}

// explainedBy is which reasons above explain a finding of the check.
func (p sqlParams) explainedBy() (reasons []Reason, any bool) {
	for _, word := range p.ExplainedBy {
		if word != "none" {
			reasons = append(reasons, Reason(word))
		}
	}
	return reasons, p.ExplainedBy == nil
}

// expectation is what a number must be; it marshals to the contract's JSON.
type expectation struct {
	Min    *float64 `yaml:"min" json:"min,omitempty" jsonschema_description:"least value"`
	Max    *float64 `yaml:"max" json:"max,omitempty" jsonschema_description:"greatest value"`
	Equals *float64 `yaml:"equals" json:"equals,omitempty" jsonschema_description:"the only good value"`
}

func settleSQL(s Site, p *sqlParams) ([]dag.NodeID, conf.Problems) {
	problems := append(noWhere(s), needConnection(s)...)
	e := p.Expect
	at := s.Spec.Params.Get("expect")
	switch {
	case e.Min != nil && e.Max != nil && *e.Min > *e.Max:
		problems.Add(at.Get("min").Problem("min %v is more than max %v, so no value would do", *e.Min, *e.Max).WithCode("PW165"))
	case e.Equals != nil && (e.Min != nil || e.Max != nil):
		problems.Add(at.Get("equals").KeyProblem("equals leaves nothing for min and max to say").WithCode("PW165").WithHint("use one or the other"))
	}
	by := s.Spec.Params.Get("explained_by")
	for n, word := range p.ExplainedBy {
		at := by
		if by.Kind() == conf.List {
			at = slices.Collect(by.Items())[n]
		}
		switch {
		case word == "none" && len(p.ExplainedBy) > 1:
			problems.Add(at.Problem("none leaves nothing for other reasons to say").WithCode("PW165").WithHint("write explained_by: none, or the reasons"))
		case word != "none" && !slices.Contains(reasonWords(), word):
			problems.Add(conf.NotOneOf(at, append([]string{"none"}, reasonWords()...)...))
		}
	}
	return nil, problems
}

func askSQL(s Site, p sqlParams, _ Memory, _ Moment) []probe.Question {
	return []probe.Question{probe.Scalar{Conn: s.Node.Connection, SQL: p.SQL}}
}

type sqlObserved struct {
	Value *float64 `json:"value"` // null: no row, or NULL
}

func judgeSQL(_ Site, p sqlParams, as []probe.Answer, _ Memory, _ Moment) (Verdict, Memory) {
	value, err := probe.Value[probe.ScalarValue](as[0])
	if err != nil {
		return couldNot(err), nil
	}
	if value.Null {
		return judgement{outcome: NoData, message: "the statement gives no value"}.verdict(sqlObserved{}, p.Expect), nil
	}
	return p.Expect.judge(value.Number).verdict(sqlObserved{&value.Number}, p.Expect), nil
}

// judge holds a number against the limits; these are part of what is good.
func (e expectation) judge(n float64) judgement {
	fail := func(reason Reason, relation string, limit float64) judgement {
		return judgement{outcome: Fail, reason: reason, message: fmt.Sprintf("value is %s, expected %s%s", beside(n, limit), relation, plain(limit))}
	}
	switch {
	case e.Min != nil && n < *e.Min:
		return fail(BelowMin, "at least ", *e.Min)
	case e.Max != nil && n > *e.Max:
		return fail(AboveMax, "at most ", *e.Max)
	case e.Equals != nil && n != *e.Equals:
		return fail(Unequal, "", *e.Equals)
	}
	return judgement{outcome: Pass, message: "value is " + digits(n, 6)}
}

// plain writes a number exactly, without an exponent where people would.
func plain(n float64) string { return digits(n, -1) }

// beside writes a number with as many digits as people read, but never so few that
// it looks like the limit that it breaks.
func beside(n, limit float64) string {
	for most := 6; most < 17; most++ {
		if shown := digits(n, most); shown != digits(limit, most) {
			return shown
		}
	}
	return plain(n)
}

// digits writes a number with about so many significant digits, but whole numbers
// exactly; -1 is all.
func digits(n float64, most int) string {
	large := math.Abs(n) < 1e15 && math.Abs(n) >= 1000
	switch {
	case math.Abs(n) < 1e15 && n == math.Trunc(n):
		return thousands(int64(n))
	case most < 0 || !large:
		return strconv.FormatFloat(n, 'g', most, 64)
	}
	text := strconv.FormatFloat(n, 'f', most-4, 64)
	whole, fraction, _ := strings.Cut(text, ".")
	if v, err := strconv.ParseInt(whole, 10, 64); err == nil {
		whole = thousands(v)
	}
	if fraction = strings.TrimRight(fraction, "0"); fraction == "" {
		return whole
	}
	return whole + "." + fraction
}
