package checks

import (
	"fmt"
	"time"

	"github.com/pipewatch-dev/pipewatch/conf"
	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/probe"
)

// joins is the kind that asks whether the rows of a node find their parent.
var joins = define("joins", "rows find their parent in another node", behaviour[joinsParams]{
	settle: settleJoins, ask: askJoins, judge: judgeJoins,
})

type joinsParams struct {
	To        string         `yaml:"to" jsonschema:"required" jsonschema_description:"the parent: the node whose keys the rows point to"`
	On        joinKeys       `yaml:"on" jsonschema:"required" jsonschema_description:"the key: k, [k1, k2] or {left: own, right: the parent's}"`
	By        string         `yaml:"by" jsonschema_description:"time column of the window; default: the column of the node's freshness check"`
	ColumnTZ  string         `yaml:"column_tz" jsonschema_description:"IANA zone of a 'by' column without zone; default UTC"`
	Last      *conf.Duration `yaml:"last" jsonschema_description:"judge the rows of this long; default: all rows"`
	AllowLate conf.Duration  `yaml:"allow_late" jsonschema_description:"leave out the newest rows, as their parents may still come"`
	MinMatch  *conf.Percent  `yaml:"min_match" jsonschema_description:"least share of rows with a key that find their parent"`
	// The limits below are counts over all rows of the window.
	MaxOrphans             *int64      `yaml:"max_orphans" jsonschema:"minimum=0" jsonschema_description:"most rows whose key the parent lacks"`
	MaxNullKeys            *int64      `yaml:"max_null_keys" jsonschema:"minimum=0" jsonschema_description:"most rows without a key"`
	MaxDuplicateParentKeys *int64      `yaml:"max_duplicate_parent_keys" jsonschema:"minimum=0" jsonschema_description:"most keys that the parent has more than once"`
	Nulls                  string      `yaml:"nulls" jsonschema:"enum=ignore,enum=orphan" jsonschema_description:"whether a row without a key is left out or an orphan; default ignore"`
	Segment                string      `yaml:"segment" jsonschema_description:"column by whose values min_match is judged apart; the worst decides"`
	KnownOrphans           string      `yaml:"known_orphans" jsonschema:"enum=ratchet" jsonschema_description:"ratchet: the orphan keys of the first sight are accepted, new ones are not"`
	Curve                  *joinsCurve `yaml:"curve" jsonschema_description:"compare young rows with what others had at the same age"`

	MinParents  *conf.Percent `yaml:"min_parents" json:",omitzero" jsonschema_description:"least share of the parent's keys that some row has"`
	MinEligible *int64        `yaml:"min_eligible" json:",omitzero" jsonschema:"minimum=1" jsonschema_description:"judge no share of fewer rows with a key than these; default 1"`

	ParentLag *conf.Duration `yaml:"parent_lag" json:",omitzero" jsonschema_description:"defer orphans while the parent is behind the rows, by no more and for no longer than this"`

	Parent     probe.Relation   `yaml:"-"`
	Time       probe.TimeColumn `yaml:"-"`
	ParentTime freshnessParams  `yaml:"-" json:"-"` // how the parent tells time, for ParentLag
}

// shownSegments is how many of the worst segments a verdict shows.
const shownSegments = 10

func settleJoins(s Site, p *joinsParams) ([]dag.NodeID, conf.Problems) {
	params := s.Spec.Params
	problems := needRows(s)
	parent, ps := otherNode(s, params.Get("to"), "PW130")
	problems.Merge(ps)
	if parent != nil {
		p.Parent = RelationOf(parent)
	}
	problems.Merge(badZone(params.Get("column_tz")))
	p.Time = probe.TimeColumn{Name: p.By, Zone: p.ColumnTZ}
	if p.By == "" {
		p.Time = freshnessColumn(s.Node)
	}
	if p.Time.Name == "" && (p.Last != nil || p.AllowLate > 0) {
		problems.Add(params.KeyProblem("a window needs a time column").WithCode("PW133").
			WithHint("name one with by:, or give the node a freshness check"))
	}
	if p.Last != nil && *p.Last == 0 {
		problems.Add(params.Get("last").Problem("a window of 0s holds no row").WithCode("PW134"))
	}
	if v := params.Get("curve"); p.Curve != nil && p.Time.Name == "" {
		problems.Add(v.KeyProblem("rows have an age only by a time column").WithCode("PW133").
			WithHint("name one with by:, or give the node a freshness check"))
	}
	if p.MinMatch != nil {
		problems.Merge(possible(params.Get("min_match"), *p.MinMatch, "PW134"))
	}
	if p.MinParents != nil {
		problems.Merge(possible(params.Get("min_parents"), *p.MinParents, "PW134"))
	}
	problems.Merge(p.settleLag(parent, params.Get("parent_lag")))
	if parent == nil || parent.ID == s.Node.ID {
		return nil, problems
	}
	return []dag.NodeID{parent.ID}, problems
}

// possible refuses a least share that always or never holds.
func possible(v conf.Value, least conf.Percent, code string) conf.Problems {
	switch {
	case least.AtLeast(0, 1):
		return conf.Problems{v.Problem("a least share of 0%% can never be missed").WithCode(code).WithHint("remove the key to only observe")}
	case !least.AtLeast(1, 1):
		return conf.Problems{v.Problem("no share reaches %s", least).WithCode(code).WithHint("100%% is the most")}
	}
	return nil
}

// window is what is judged of the child: up to the moment less what may be late.
func (p joinsParams) window(at Moment) probe.Window {
	if p.Last == nil && p.AllowLate == 0 {
		return probe.Window{}
	}
	to := at.Now.Add(-p.AllowLate.Std())
	w := probe.Window{By: p.Time, To: probe.At(to)}
	if p.Last != nil {
		w.From = probe.At(to.Add(-p.Last.Std()))
	}
	return w
}

func askJoins(s Site, p joinsParams, _ Memory, at Moment) []probe.Question {
	q := probe.Coverage{
		Child: s.Relation(), Where: s.Spec.Where, Keys: probe.List(p.On.Left...),
		Parent: p.Parent, ParentKeys: probe.List(p.On.Right...),
		Window: p.window(at), NullsOrphan: p.Nulls == "orphan", Segment: p.Segment, Parents: p.MinParents != nil,
	}
	if p.KnownOrphans != "" {
		q.KeySample = maxKnownOrphans
	}
	qs := []probe.Coverage{q}
	if p.Curve != nil {
		qs = append(qs, p.perCohort(s, q, at))
	}
	if p.across(s) {
		return append(p.askAcross(qs), p.askLag(s, at)...)
	}
	var all []probe.Question
	for _, q := range qs {
		all = append(all, q)
	}
	return append(all, p.askLag(s, at)...)
}

type joinsObserved struct {
	Total               int64          `json:"total"`
	NullKeys            int64          `json:"null_keys"`
	Eligible            int64          `json:"eligible"`
	Matched             int64          `json:"matched"`
	Orphans             int64          `json:"orphans"`
	OrphanKeys          int64          `json:"orphan_keys"`
	NewOrphanKeys       *int64         `json:"new_orphan_keys,omitempty"` // beyond the ratchet's
	MatchRatio          *float64       `json:"match_ratio"`               // null when nothing is eligible
	DuplicateParentKeys int64          `json:"duplicate_parent_keys"`
	MaxFanOut           int64          `json:"max_fan_out"`           // most rows that one parent key has
	ParentKeys          *int64         `json:"parent_keys,omitempty"` // asked for min_parents, as the next two
	ParentKeysMatched   *int64         `json:"parent_keys_matched,omitempty"`
	ParentMatchRatio    *float64       `json:"parent_match_ratio,omitempty"`
	WindowStart         *time.Time     `json:"window_start"` // null: open
	WindowEnd           *time.Time     `json:"window_end"`
	Segments            []joinsSegment `json:"segments,omitempty"` // worst first
	Curve               []joinsCohort  `json:"curve,omitempty"`    // furthest behind first
}

type joinsSegment struct {
	Segment    string   `json:"segment"`
	Eligible   int64    `json:"eligible"`
	Matched    int64    `json:"matched"`
	MatchRatio *float64 `json:"match_ratio"`
}

type joinsExpected struct {
	MinMatch               *float64 `json:"min_match,omitempty"`
	MaxOrphans             *int64   `json:"max_orphans,omitempty"`
	MaxNullKeys            *int64   `json:"max_null_keys,omitempty"`
	MaxDuplicateParentKeys *int64   `json:"max_duplicate_parent_keys,omitempty"`
	MinParents             *float64 `json:"min_parents,omitempty"`
	MinEligible            *int64   `json:"min_eligible,omitempty"`
	KnownOrphanKeys        *int64   `json:"known_orphan_keys,omitempty"`
	CurveTolerance         *float64 `json:"curve_tolerance,omitempty"`
	ParentLagSeconds       *int64   `json:"parent_lag_seconds,omitempty"`
}

// joinsMemory is what the ratchet, the curve and the parent's lag remember; each is
// empty where it is not used.
type joinsMemory struct {
	Known *knownOrphans `json:"known,omitempty"`
	Curve curveMemory   `json:"curve,omitempty"`
	Skew  time.Time     `json:"skew,omitzero"` // since when orphans are deferred
}

func judgeJoins(s Site, p joinsParams, as []probe.Answer, m Memory, at Moment) (Verdict, Memory) {
	c, err := p.answered(s, as, 0)
	if err != nil {
		return couldNot(err), nil
	}
	observed, expected := p.observe(c, at)
	found := []judgement{p.matchShare(c), p.limits(c), p.parentShare(c)}
	past, _ := recall[joinsMemory](m, 2)
	next, changed := past, false
	if p.KnownOrphans != "" && p.enough(c.Eligible) {
		r := ratchetOrphans(c, past.Known)
		observed.NewOrphanKeys, expected.KnownOrphanKeys = new(r.fresh), new(r.known)
		found, next.Known, changed = append(found, r.judgement), r.next, r.changed
	}
	if p.Curve != nil {
		young, err := p.answered(s, as, 1)
		if err != nil {
			return couldNot(err), nil
		}
		r := p.judgeCurve(young.Cohorts, past.Curve, at, s.Node.Zone)
		observed.Curve, expected.CurveTolerance = r.shown, new(p.Curve.Tolerance.Float())
		found, next.Curve, changed = append(found, r.judgement), r.next, changed || r.changed
	}
	decided := worst(found[0], found[1:]...)
	if p.ParentLag != nil {
		expected.ParentLagSeconds = seconds(p.ParentLag)
		if decided, next.Skew, err = p.judgeLag(decided, as[len(as)-2:], past.Skew, at, s.Node.Zone); err != nil {
			return couldNot(err), nil
		}
		changed = changed || !next.Skew.Equal(past.Skew)
	}
	v := decided.verdict(observed, expected)
	if !changed {
		return v, nil
	}
	return v, remember(2, next)
}

// observe tells what was found and what is wanted of it, as far as one answer tells.
func (p joinsParams) observe(c probe.Covered, at Moment) (joinsObserved, joinsExpected) {
	w := p.window(at)
	observed := joinsObserved{
		Total: c.Total, NullKeys: c.NullKeys, Eligible: c.Eligible, Matched: c.Matched, Orphans: c.Orphans,
		OrphanKeys: c.OrphanKeys, MatchRatio: ratio(c.Matched, c.Eligible),
		DuplicateParentKeys: c.DuplicateParentKeys, MaxFanOut: c.MaxFanOut,
		WindowStart: instant(w.From), WindowEnd: instant(w.To),
	}
	for _, seg := range c.Segments[:min(len(c.Segments), shownSegments)] {
		observed.Segments = append(observed.Segments, joinsSegment{seg.Segment, seg.Eligible, seg.Matched, ratio(seg.Matched, seg.Eligible)})
	}
	expected := joinsExpected{
		MaxOrphans: p.MaxOrphans, MaxNullKeys: p.MaxNullKeys, MaxDuplicateParentKeys: p.MaxDuplicateParentKeys, MinEligible: p.MinEligible,
	}
	if p.MinMatch != nil {
		expected.MinMatch = new(p.MinMatch.Float())
	}
	if p.MinParents != nil {
		expected.MinParents = new(p.MinParents.Float())
		observed.ParentKeys, observed.ParentKeysMatched = &c.ParentKeys, &c.ParentsMatched
		observed.ParentMatchRatio = ratio(c.ParentsMatched, c.ParentKeys)
	}
	return observed, expected
}

// matchShare holds the share of rows that find their parent against min_match, in
// every segment where there are any.
func (p joinsParams) matchShare(c probe.Covered) judgement {
	if !p.enough(c.Eligible) {
		return p.tooFew(c)
	}
	verdict := judgement{outcome: Pass, message: fmt.Sprintf("%s of %s match %s", share(c.Matched, c.Eligible), counted(c.Eligible, "row"), p.To)}
	if p.MinMatch == nil {
		return verdict
	}
	if !p.MinMatch.AtLeast(c.Matched, c.Eligible) {
		verdict.outcome, verdict.reason = Fail, Orphans
		verdict.message += fmt.Sprintf(", limit %s: %s of %s", p.MinMatch, counted(c.Orphans, "orphan"), counted(c.OrphanKeys, "key"))
	}
	for _, seg := range c.Segments { // worst first
		if p.enough(seg.Eligible) && !p.MinMatch.AtLeast(seg.Matched, seg.Eligible) {
			return judgement{outcome: Fail, reason: Orphans, message: fmt.Sprintf("%s %q: %s of %s match %s, limit %s: %s",
				p.Segment, seg.Segment, share(seg.Matched, seg.Eligible), counted(seg.Eligible, "row"), p.To, p.MinMatch, counted(seg.Orphans, "orphan"))}
		}
	}
	return verdict
}

// enough tells whether a share of so many eligible rows means anything.
func (p joinsParams) enough(eligible int64) bool {
	return eligible > 0 && (p.MinEligible == nil || eligible >= *p.MinEligible)
}

// tooFew is the judgement on rows that are not enough.
func (p joinsParams) tooFew(c probe.Covered) judgement {
	j := judgement{outcome: NoData, message: "nothing to judge: no rows in the window"}
	switch {
	case c.Eligible > 0:
		j.message = fmt.Sprintf("only %s, %s wanted", counted(c.Eligible, "eligible row"), thousands(*p.MinEligible))
	case c.Total > 0:
		j.message = fmt.Sprintf("nothing to judge: %s without a key", counted(c.Total, "row"))
	}
	return j
}

// limits holds the counts against their limits.
func (p joinsParams) limits(c probe.Covered) judgement {
	over := func(n int64, limit *int64) bool { return limit != nil && n > *limit }
	switch {
	case over(c.Orphans, p.MaxOrphans):
		return judgement{outcome: Fail, reason: Orphans, message: fmt.Sprintf("%s of %s do not match %s, limit %s",
			counted(c.Orphans, "row"), counted(c.OrphanKeys, "key"), p.To, thousands(*p.MaxOrphans))}
	case over(c.NullKeys, p.MaxNullKeys):
		return judgement{outcome: Fail, reason: NullKeys, message: fmt.Sprintf("%s of %s without a key for %s, limit %s",
			thousands(c.NullKeys), counted(c.Total, "row"), p.To, thousands(*p.MaxNullKeys))}
	case over(c.DuplicateParentKeys, p.MaxDuplicateParentKeys):
		return judgement{outcome: Fail, reason: FanOut, message: fmt.Sprintf("%s more than once in %s (up to %d times), limit %s",
			counted(c.DuplicateParentKeys, "key"), p.To, c.MaxFanOut, thousands(*p.MaxDuplicateParentKeys))}
	}
	return judgement{outcome: Pass}
}
