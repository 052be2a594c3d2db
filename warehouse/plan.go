package warehouse

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/pipewatch-dev/pipewatch/conf"
	"github.com/pipewatch-dev/pipewatch/probe"
)

// statement is what is sent for one or more questions: usually one SELECT.
type statement struct {
	sql     []string
	answers []int // places of the questions that it answers
	// read turns the rows of each SELECT into one outcome for each of answers.
	read func(results [][][]any) []outcome
	// alone is the statement for the i-th of answers only; full is the same for one
	// whose outcome says again.
	alone, full func(i int) statement
	small       bool        // it answers one row, from small tables
	rows        int64       // of those
	shape       string      // the kinds of that row's values
	parts       []statement // what it was united from, or none
}

// outcome is a value or why there is none. Where again is true the statement asked too
// little to tell.
type outcome struct {
	value any
	err   error
	again bool
}

func (st statement) text() string { return strings.Join(st.sql, ";\n\n") }

// single is a statement for one question with one SELECT.
func single(place int, sql string, read func(rows [][]any) (any, error)) statement {
	return statement{
		sql:     []string{sql},
		answers: []int{place},
		read: func(results [][][]any) []outcome {
			value, err := read(results[0])
			return []outcome{{value: value, err: err}}
		},
	}
}

// table is a relation whose columns are known.
type table struct {
	name    string // for people
	from    string // for FROM
	columns []probe.Column
	keys    [][]string // enforced
	notNull bool       // enforced
	rows    int64      // estimated; 0 is unknown
}

// column finds a column by name: as written, or else but for its case, as most
// engines do.
func (t table) column(name string) (probe.Column, error) {
	if i := slices.IndexFunc(t.columns, func(c probe.Column) bool { return c.Name == name }); i >= 0 {
		return t.columns[i], nil
	}
	if i := slices.IndexFunc(t.columns, func(c probe.Column) bool { return strings.EqualFold(c.Name, name) }); i >= 0 {
		return t.columns[i], nil
	}
	names := make([]string, len(t.columns))
	for i, c := range t.columns {
		names[i] = c.Name
	}
	if near := conf.Nearest(name, names); near != "" {
		return probe.Column{}, refuse(probe.NoColumn, "%s has no column %q; did you mean %q? It has %s", t.name, name, near, strings.Join(names, ", "))
	}
	return probe.Column{}, refuse(probe.NoColumn, "%s has no column %q; it has %s", t.name, name, strings.Join(names, ", "))
}

// find looks several columns up.
func (t table) find(names []string) ([]probe.Column, error) {
	columns := make([]probe.Column, len(names))
	for i, name := range names {
		var err error
		if columns[i], err = t.column(name); err != nil {
			return nil, err
		}
	}
	return columns, nil
}

// planner makes the statements of one run.
type planner struct {
	d       Dialect
	at      time.Time
	free    bool
	session Session
	vetted  map[string]error
	tables  map[probe.Relation]Description
	tokens  map[probe.Relation]Token
	digests map[probe.Digest]int     // places in out of those that share an answer
	known   map[probe.Relation]table // those of tables that have been used
	fused   map[group][]piece
	order   []group
	out     []statement
}

// plan answers what needs no statement and returns the statements for the rest.
func (s *Source) plan(ctx context.Context, at time.Time, session Session, qs []probe.Question, answers []probe.Answer) []statement {
	_, statements := s.planned(ctx, at, session, qs, answers)
	return statements
}

// planned is plan with the planner, which knows the tables.
func (s *Source) planned(ctx context.Context, at time.Time, session Session, qs []probe.Question, answers []probe.Answer) (*planner, []statement) {
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	p := &planner{d: s.db.Dialect(), at: at, free: s.limits.FreeSQL, session: session,
		vetted: make(map[string]error), tables: make(map[probe.Relation]Description), digests: make(map[probe.Digest]int), known: make(map[probe.Relation]table), fused: make(map[group][]piece)}
	p.readTokens(ctx, qs) // before anything is read of the tables
	var need []probe.Relation
	for i, q := range qs {
		switch token, unchanged := p.unchanged(q); {
		case unchanged:
			answers[i] = probe.Answer{Value: token.onto(probe.Digests{Unchanged: true}), Statement: token.Statement}
		default:
			if answers[i].Err = p.vet(ctx, q); answers[i].Err == nil {
				need = append(need, relations(q)...)
			}
		}
	}
	p.describe(ctx, need)
	for i, q := range qs {
		if answers[i].Err != nil || answers[i].Value != nil {
			continue
		}
		if value, err := p.render(i, q); value != nil || err != nil {
			answers[i].Value, answers[i].Err = value, err
			answers[i].Statement = cmp.Or(p.tokens[first(q)].Statement, p.tables[first(q)].Statement)
		}
	}
	for _, g := range p.order {
		st := fuse(p.d, g, p.fused[g])
		st.small, st.rows = p.known[g.of].small(), st.rows+p.known[g.of].rows
		p.out = append(p.out, st)
	}
	return p, gather(p.out, p.d.Together)
}

// relations lists what a question reads.
func relations(q probe.Question) []probe.Relation {
	switch q := q.(type) {
	case probe.Columns:
		return []probe.Relation{q.Of}
	case probe.Watermark:
		return []probe.Relation{q.Of}
	case probe.Rows:
		return []probe.Relation{q.Of}
	case probe.Buckets:
		return []probe.Relation{q.Of}
	case probe.Coverage:
		return []probe.Relation{q.Child, q.Parent}
	case probe.Keys:
		return []probe.Relation{q.Of}
	case probe.Digest:
		return []probe.Relation{q.Of}
	case probe.Cohorts:
		return []probe.Relation{q.Of, q.Labels}
	case probe.BadRows:
		return []probe.Relation{q.Of}
	case probe.LastRuns:
		return []probe.Relation{{Conn: q.Conn, Query: q.SQL}}
	}
	return nil
}

func first(q probe.Question) probe.Relation {
	if of := relations(q); len(of) > 0 {
		return of[0]
	}
	return probe.Relation{}
}

// condition is what a person wrote after where.
func condition(q probe.Question) string {
	switch q := q.(type) {
	case probe.Watermark:
		return q.Where
	case probe.Rows:
		return q.Where
	case probe.Buckets:
		return q.Where
	case probe.Coverage:
		return q.Where
	case probe.Keys:
		return q.Where
	case probe.Digest:
		return q.Where
	case probe.Cohorts:
		return q.Where
	case probe.BadRows:
		return q.Where
	}
	return ""
}

// vet refuses what may not be asked, before anything is sent for it.
func (p *planner) vet(ctx context.Context, q probe.Question) error {
	selects := make([]string, 0, 2)
	for _, of := range relations(q) {
		switch {
		case of.Conn != q.On():
			return refuse(probe.Refused, "a question over two connections (%s and %s) is not available yet; name tables of one connection", q.On(), of.Conn)
		case of.Query != "":
			selects = append(selects, of.Query)
		case of.Table == "" && !isRuns(q):
			return refuse(probe.Statement, "a question names neither a table nor a query")
		case of.Table == "":
			return refuse(probe.Statement, "job %q has no control table on connection %s: give runs: a SELECT of run_id, started_at, ended_at, state", q.(probe.LastRuns).Job, q.On())
		}
	}
	if scalar, ok := q.(probe.Scalar); ok {
		selects = append(selects, scalar.SQL)
	}
	if len(selects) > 0 && !p.free {
		return refuse(probe.Refused, "connection %s has free_sql: false, which forbids sql checks, query nodes and control tables; ask its operator, or use the other checks", q.On())
	}
	for _, sql := range selects {
		if err := p.vetText(ctx, Select, sql); err != nil {
			return err
		}
	}
	if where := condition(q); where != "" {
		return p.vetText(ctx, Condition, where)
	}
	return nil
}

func isRuns(q probe.Question) bool { _, ok := q.(probe.LastRuns); return ok }

func (p *planner) vetText(ctx context.Context, kind Text, sql string) error {
	sql = p.sql(sql)
	key := string(kind) + "\n" + sql
	err, known := p.vetted[key]
	if !known {
		err = p.session.Vet(ctx, kind, sql)
		p.vetted[key] = err
	}
	return err
}

var asOf = regexp.MustCompile(`\{\{\s*as_of\s*\}\}`)

// sql is what a person wrote with the moment of the run in it, as a typed literal
// that this package made, so that the statement can be pasted and run; and without
// the semicolon at its end, as it becomes part of a larger one.
func (p *planner) sql(text string) string {
	if strings.Contains(text, "{{") {
		text = asOf.ReplaceAllLiteralString(text, p.d.Moment(p.at))
	}
	return strings.TrimRight(text, "; \t\r\n")
}

// resolved is a relation with its query ready to send.
func (p *planner) resolved(of probe.Relation) probe.Relation {
	of.Query = p.sql(of.Query)
	return of
}

// describe reads the columns of all relations at once.
func (p *planner) describe(ctx context.Context, need []probe.Relation) {
	var ask, keys []probe.Relation
	for _, of := range need {
		if _, known := p.tables[of]; !known {
			p.tables[of] = Description{}
			keys = append(keys, of)
			ask = append(ask, p.resolved(of))
		}
	}
	if len(ask) == 0 {
		return
	}
	for i, description := range p.session.Describe(ctx, ask) {
		p.tables[keys[i]] = description
	}
}

// table is a described relation.
func (p *planner) table(of probe.Relation) (table, error) {
	if t, known := p.known[of]; known {
		return t, nil
	}
	description := p.tables[of]
	if description.Err != nil {
		return table{}, description.Err
	}
	t := table{name: strings.Join(of.Table.Items(), "."), from: p.d.from(p.resolved(of)), columns: description.Columns, keys: description.Keys, notNull: description.NotNull, rows: description.Rows}
	if of.Query != "" {
		t.name = "the query"
	}
	p.known[of] = t
	return t, nil
}

// render plans one question: it returns its value where the columns tell it, an
// error, or neither when a statement will answer.
func (p *planner) render(place int, q probe.Question) (any, error) {
	switch q := q.(type) {
	case probe.Columns:
		t, err := p.table(q.Of)
		return columnsOf(t), err
	case probe.Watermark:
		return nil, p.watermark(place, q)
	case probe.Rows:
		return nil, p.rows(place, q)
	case probe.Buckets:
		return nil, p.buckets(place, q)
	case probe.Coverage:
		return nil, p.coverage(place, q)
	case probe.Keys:
		return nil, p.keys(place, q)
	case probe.Digest:
		return p.digest(place, q)
	case probe.Cohorts:
		return nil, p.cohorts(place, q)
	case probe.BadRows:
		return nil, p.badRows(place, q)
	case probe.Scalar:
		return nil, p.scalar(place, q)
	case probe.LastRuns:
		return nil, p.lastRuns(place, q)
	}
	return nil, refuse(probe.Refused, "a warehouse cannot answer %T", q)
}

// columnsOf keeps a table without columns apart from no answer.
func columnsOf(t table) any {
	if t.columns == nil {
		return nil
	}
	return t.columns
}

// conditions gathers what a WHERE clause holds: the person's own condition, on
// lines of its own so that a comment in it ends there, and the window's.
func (p *planner) conditions(t table, where string, w probe.Window) ([]string, error) {
	var conds []string
	if where != "" {
		conds = append(conds, "(\n"+p.sql(where)+"\n)")
	}
	if w.From.IsZero() && w.To.IsZero() {
		return conds, nil
	}
	c, err := newClock(p.d, t, w.By)
	return append(conds, c.within(w.From, w.To)...), err
}

// whereClause renders conditions, or nothing.
func whereClause(conds []string) string {
	if len(conds) == 0 {
		return ""
	}
	return "\nwhere " + strings.Join(conds, "\n  and ")
}

// all joins conditions into one; none is true.
func all(conds []string) string {
	if len(conds) == 0 {
		return "1 = 1"
	}
	return strings.Join(conds, " and ")
}

func countWhen(cond string) string { return "count(case when " + cond + " then 1 end)" }

func when(cond, value string) string { return "case when " + cond + " then " + value + " end" }

// numbered makes the names k1, k2, … of key parts.
func numbered(prefix string, n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("%s%d", prefix, i+1)
	}
	return names
}
