package checks

import (
	"fmt"
	"math/big"
	"slices"
	"time"

	"github.com/pipewatch-dev/pipewatch/conf"
	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/probe"
)

// rowCount is the kind that asks whether there are as many rows as there
// should be: in all (this file) or in each stretch of time
// (row_count_buckets.go).
var rowCount = define("row_count", "there are as many rows as there should be, in all or per stretch of time", behaviour[rowCountParams]{
	settle: settleRowCount, ask: askRowCount, judge: judgeRowCount,
})

type rowCountParams struct {
	Min *int64 `yaml:"min" jsonschema:"minimum=0" jsonschema_description:"least rows, in all or in each bucket"`
	Max *int64 `yaml:"max" jsonschema:"minimum=0" jsonschema_description:"most rows, in all or in each bucket"`

	Per         probe.Per      `yaml:"per" jsonschema:"enum=hour,enum=day,enum=week,enum=month" jsonschema_description:"judge each stretch of this length; days, weeks (from Monday) and months are the DAG's zone's"`
	By          string         `yaml:"by" jsonschema_description:"time column of the buckets; default: the column of the node's freshness check"`
	ColumnTZ    string         `yaml:"column_tz" jsonschema_description:"IANA zone of a 'by' column without zone; default: freshness's on that column, or UTC, for a DATE the DAG's zone"`
	Granularity *conf.Duration `yaml:"granularity" jsonschema_description:"what the column is truncated to; default: freshness's on that column, or 0s"`
	Grace       conf.Duration  `yaml:"grace" jsonschema_description:"how long after its end a bucket is not judged yet"`
	Last        *conf.Duration `yaml:"last" jsonschema_description:"judge the buckets of this long, rounded up to whole ones; default: the newest one"`
	Compare     *comparison    `yaml:"compare" jsonschema_description:"hold each bucket against what is usual"`
	Calendar    closedDays     `yaml:"calendar" jsonschema_description:"local days, or the name of a calendar of the operator's, that are neither judged nor usual"`
	Segment     string         `yaml:"segment" jsonschema_description:"column by whose values the buckets are judged apart; the worst decides"`

	FrozenAfter *conf.Duration `yaml:"frozen_after" jsonschema_description:"fail when the number of all rows has not changed for so long"`
	// NonDecreasing is judged against the greatest number that was seen.
	NonDecreasing bool `yaml:"non_decreasing" json:",omitzero" jsonschema_description:"fail when there are fewer rows in all than there were"`
	// Delta is judged against the number at the last evaluation that was good.
	Delta  *growth   `yaml:"delta" json:",omitzero" jsonschema_description:"by how many rows in all the table may grow from one evaluation to the next"`
	Equals *equality `yaml:"equals" jsonschema_description:"hold the number of all rows against another node's"`

	Zone  string          `yaml:"-"` // whose days Per and Calendar mean
	Time  freshnessParams `yaml:"-"` // how the rows tell time; no limits
	Other probe.Relation  `yaml:"-"` // of Equals
	// MayBeDate says that nothing in the file tells whether By is a DATE, and
	// that it matters.
	MayBeDate bool `yaml:"-"`
}

// comparison is what a bucket is held against.
type comparison struct {
	To      string         `yaml:"to" jsonschema:"required,enum=previous,enum=same_weekday,enum=median" jsonschema_description:"the bucket before, the same weekdays (and hours) before, or all buckets before"`
	Over    *conf.Duration `yaml:"over" jsonschema_description:"how far back same_weekday and median look"`
	MaxDrop *conf.Percent  `yaml:"max_drop" jsonschema_description:"how far below the usual a bucket may be"`
	MaxRise *conf.Percent  `yaml:"max_rise" jsonschema_description:"how far above the usual a bucket may be"`
	MinBase int64          `yaml:"min_base" jsonschema:"minimum=0" jsonschema_description:"do not judge against fewer rows than these; default 0"`
	// MinScore is a condition besides max_drop and max_rise.
	MinScore *float64 `yaml:"min_score" json:",omitzero" jsonschema:"minimum=0" jsonschema_description:"judge only what is at least so many robust standard deviations from the usual"`
}

// equality is another node that must have as many rows.
type equality struct {
	Node      string    `yaml:"node" jsonschema:"required" jsonschema_description:"the other node"`
	Ratio     fraction  `yaml:"ratio" jsonschema_description:"this node's rows for each row of the other; default 1"`
	Tolerance allowance `yaml:"tolerance" jsonschema_description:"how many rows it may differ by, as a count or as a percentage of ratio x the other's rows; default 0"`
}

// fraction is a positive decimal number, exactly. The zero value is 1.
type fraction struct{ Num, Den int64 }

// DecodeConf reads a number of at most nine digits.
func (f *fraction) DecodeConf(v conf.Value) conf.Problems {
	r, ok := new(big.Rat).SetString(v.Text())
	if v.Kind() != conf.Number || !ok || r.Sign() <= 0 || len(v.Text()) > 10 {
		return conf.Problems{v.Problem("%s is not a number above 0 of at most nine digits", v.Quote())}
	}
	*f = fraction{r.Num().Int64(), r.Denom().Int64()}
	return nil
}

// ConfSchema says in JSON Schema what DecodeConf accepts.
func (fraction) ConfSchema() []any { return []any{float64(0)} }

func settleRowCount(s Site, p *rowCountParams) ([]dag.NodeID, conf.Problems) {
	params := s.Spec.Params
	problems := needRows(s)
	if p.Min != nil && p.Max != nil && *p.Min > *p.Max {
		problems.Add(params.Get("min").Problem("min %d is more than max %d, so no number of rows would do", *p.Min, *p.Max).WithCode("PW120"))
	}
	if v := params.Get("frozen_after"); p.FrozenAfter != nil && *p.FrozenAfter == 0 {
		problems.Add(v.Problem("frozen_after needs a duration above 0s").WithCode("PW120"))
	}
	if v := params.Get("min"); p.Min != nil && *p.Min == 0 && p.Max == nil && p.Per == "" && p.FrozenAfter == nil && p.Equals == nil && p.Delta == nil && !p.NonDecreasing {
		problems.Add(v.Problem("min 0 is met by any number of rows").WithCode("PW120").WithHint("use min: 1, or remove the key to only observe"))
	}
	problems.Merge(p.Delta.settle(params.Get("delta")))
	p.Zone = zoneName(s.Node.Zone)
	if !params.Get("per").Exists() {
		for _, key := range []string{"by", "column_tz", "granularity", "grace", "last", "compare", "calendar", "segment"} {
			if v := params.Get(key); v.Exists() {
				problems.Add(v.KeyProblem("%s belongs to buckets, and there are none", key).WithCode("PW121").WithHint("add per: day, or remove it"))
			}
		}
	} else if slices.Contains([]probe.Per{probe.Hour, probe.Day, probe.Week, probe.Month}, p.Per) { // otherwise it is a problem already
		problems.Merge(settleBuckets(s, p))
	}
	if p.Equals == nil {
		return nil, problems
	}
	other, ps := otherNode(s, params.Get("equals").Get("node"), "PW127")
	problems.Merge(ps)
	if other == nil {
		return nil, problems
	}
	if other.ID == s.Node.ID && s.Spec.Where == "" {
		problems.Add(params.Get("equals").Get("node").Problem("a node always has as many rows as itself").WithCode("PW127"))
	}
	p.Other = RelationOf(other)
	if other.ID == s.Node.ID {
		return nil, problems
	}
	return []dag.NodeID{other.ID}, problems
}

// asksTotal tells whether the number of all rows is needed.
func (p rowCountParams) asksTotal() bool {
	return p.Per == "" || p.asksPast() || p.Equals != nil
}

// asksPast tells whether the number of all rows is held against those before.
func (p rowCountParams) asksPast() bool {
	return p.FrozenAfter != nil || p.NonDecreasing || p.Delta != nil
}

func askRowCount(s Site, p rowCountParams, _ Memory, at Moment) []probe.Question {
	var qs []probe.Question
	if p.asksTotal() {
		qs = append(qs, probe.Rows{Of: s.Relation(), Where: s.Spec.Where})
	}
	if p.Equals != nil {
		qs = append(qs, probe.Rows{Of: p.Other})
	}
	if p.Per != "" {
		qs = append(qs, p.askBuckets(s, at)...)
	}
	return qs
}

type rowCountObserved struct {
	Rows      *int64            `json:"rows,omitempty"`
	OtherRows *int64            `json:"other_rows,omitempty"` // of equals
	Buckets   []bucketObserved  `json:"buckets,omitempty"`    // those judged, oldest first
	Segments  []segmentObserved `json:"segments,omitempty"`   // worst first, at most 10

	Delta      *int64     `json:"delta,omitempty"` // rows more than at DeltaSince
	DeltaSince *time.Time `json:"delta_since,omitempty"`
	// Of the bucket that decided, or the newest: the usual number of rows,
	// rows/baseline - 1, and how many times the usual spread it is away. Each
	// is null where the past does not tell.
	Baseline    *float64 `json:"baseline"`
	ChangeRatio *float64 `json:"change_ratio"`
	Score       *float64 `json:"score"`
}

type bucketObserved struct {
	Start time.Time `json:"start"`
	Rows  int64     `json:"rows"`
	Open  bool      `json:"open,omitempty"` // more rows may come: not judged
}

type segmentObserved struct {
	Segment     string    `json:"segment"`
	Start       time.Time `json:"start,omitzero"` // of the bucket that decided
	Rows        int64     `json:"rows"`
	Baseline    *float64  `json:"baseline"`
	ChangeRatio *float64  `json:"change_ratio"`
}

type rowCountExpected struct {
	Min                *int64   `json:"min,omitempty"`
	Max                *int64   `json:"max,omitempty"`
	MaxDrop            *float64 `json:"max_drop,omitempty"`
	MaxRise            *float64 `json:"max_rise,omitempty"`
	MinBase            int64    `json:"min_base,omitempty"`
	MinDelta           *int64   `json:"min_delta,omitempty"` // for all evaluations since delta_since
	MaxDelta           *int64   `json:"max_delta,omitempty"`
	FrozenAfterSeconds *int64   `json:"frozen_after_seconds,omitempty"`
	EqualsRows         *float64 `json:"equals_rows,omitempty"` // ratio x the other's
	Tolerance          string   `json:"tolerance,omitempty"`
}

func judgeRowCount(s Site, p rowCountParams, as []probe.Answer, m Memory, at Moment) (Verdict, Memory) {
	observed := rowCountObserved{}
	expected := rowCountExpected{Min: p.Min, Max: p.Max, FrozenAfterSeconds: seconds(p.FrozenAfter)}
	var found []judgement
	var next Memory
	if p.Per != "" {
		answer, err := p.answered(as)
		if err != nil {
			return couldNot(err), nil
		}
		if p.Per == probe.Hour && answer.Class == probe.Date {
			return Verdict{Outcome: Error, Message: p.Time.Column + " is a DATE, which has no hours: use per: day"}, nil
		}
		found = append(found, p.judgeBuckets(s, answer, at, &observed, &expected))
	}
	if p.asksTotal() {
		rows, err := probe.Value[int64](as[0])
		if err != nil {
			return couldNot(err), nil
		}
		observed.Rows = &rows
		if p.Per == "" {
			found = append(found, p.within(rows, "there "+are(rows)))
		}
		if p.asksPast() {
			var past []judgement
			past, next = p.judgePast(s, rows, m, at, &observed, &expected)
			found = append(found, past...)
		}
		if p.Equals != nil {
			other, err := probe.Value[int64](as[1])
			if err != nil {
				return couldNot(err), nil
			}
			observed.OtherRows = &other
			expected.EqualsRows, expected.Tolerance = new(p.Equals.wants(other)), p.Equals.Tolerance.String()
			found = append(found, p.Equals.judge(rows, other))
		}
	}
	return worst(found[0], found[1:]...).verdict(observed, expected), next
}

// are is the verb and the number: "is 1 row", "are 5 rows".
func are(rows int64) string {
	if rows == 1 {
		return "is 1 row"
	}
	return "are " + counted(rows, "row")
}

// within holds a number of rows against min and max; found says it in words.
func (p rowCountParams) within(rows int64, found string) judgement {
	switch {
	case p.Min != nil && rows < *p.Min:
		return judgement{outcome: Fail, reason: BelowMin, message: fmt.Sprintf("%s, at least %s expected", found, thousands(*p.Min))}
	case p.Max != nil && rows > *p.Max:
		return judgement{outcome: Fail, reason: AboveMax, message: fmt.Sprintf("%s, at most %s expected", found, thousands(*p.Max))}
	}
	return judgement{outcome: Pass, message: found}
}

// ratio is the exact ratio; 1 when none was given.
func (e equality) ratio() (num, den int64) {
	if e.Ratio.Den == 0 {
		return 1, 1
	}
	return e.Ratio.Num, e.Ratio.Den
}

// wants is how many rows there should be, for people.
func (e equality) wants(other int64) float64 {
	num, den := e.ratio()
	return float64(num) * float64(other) / float64(den)
}

// judge holds rows against ratio x other, in exact fractions.
func (e equality) judge(rows, other int64) judgement {
	num, den := e.ratio()
	wanted := new(big.Int).Mul(big.NewInt(num), big.NewInt(other)) // in units of 1/den
	apart := new(big.Int).Mul(big.NewInt(rows), big.NewInt(den))
	apart.Sub(apart, wanted).Abs(apart)
	unequal := false
	if share := e.Tolerance.Share; share != nil && wanted.Sign() > 0 {
		unequal = new(big.Rat).SetFrac(apart, wanted).Cmp(share.Rat()) > 0
	} else {
		allowed := new(big.Int).Mul(big.NewInt(e.Tolerance.Count), big.NewInt(den))
		unequal = apart.Cmp(allowed) > 0
	}
	message := fmt.Sprintf("%s against %s in %s", counted(rows, "row"), thousands(other), e.Node)
	if !unequal {
		return judgement{outcome: Pass, message: message}
	}
	if e.Ratio.Den != 0 {
		message += fmt.Sprintf(" x %v", float64(num)/float64(den))
	}
	return judgement{outcome: Fail, reason: Unequal, message: message + ", tolerance " + e.Tolerance.String()}
}
