package warehouse

import (
	"cmp"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/pipewatch-dev/pipewatch/probe"
)

// cohortQuery is a Cohorts question with everything it names looked up.
type cohortQuery struct {
	probe.Cohorts
	d          Dialect
	of, labels table
	keys       []probe.Column // of of
	labelKeys  []probe.Column
	event      bucketing
	labelledAt clock
	value      string         // quoted, or empty
	digested   []probe.Column // of labels
	ages       []string       // in microseconds
	conds      []string       // on the examples
}

func (p *planner) cohorts(place int, q probe.Cohorts) error {
	c, err := p.cohortQuery(q)
	if err != nil {
		return err
	}
	schema := schemaHash(c.digested)
	p.out = append(p.out, single(place, c.sql(), func(rows [][]any) (any, error) { return c.read(schema, rows) }))
	return nil
}

func (p *planner) cohortQuery(q probe.Cohorts) (c cohortQuery, err error) {
	c = cohortQuery{Cohorts: q, d: p.d}
	if c.of, err = p.table(q.Of); err != nil {
		return c, err
	}
	if c.labels, err = p.table(q.Labels); err != nil {
		return c, err
	}
	if c.keys, c.labelKeys, err = keyPairs(c.of, q.Keys, c.labels, q.LabelKeys); err != nil {
		return c, err
	}
	event, err := newDayClock(p.d, c.of, q.EventTime, q.Zone)
	if err != nil {
		return c, err
	}
	if c.event, err = newBucketing(event, q.Per, q.Zone, q.From, q.To); err != nil {
		return c, err
	}
	if event.column.Class == probe.Date && len(q.Ages.Items()) > 0 && (c.event.zone != event.zone || q.Per == probe.Hour) {
		return c, refuse(probe.Statement, "coverage by age of the date %q needs days of its own zone %s, not %s of %s", event.column.Name, event.zone, q.Per, c.event.zone)
	}
	if c.labelledAt, err = newClock(p.d, c.labels, q.LabelledAt); err != nil {
		return c, err
	}
	if q.At.IsZero() {
		return c, refuse(probe.Statement, "label cohorts need a moment to be judged at")
	}
	c.digested = append(slices.Clone(c.labelKeys), c.labelledAt.column)
	if q.Value != "" {
		value, err := c.labels.column(q.Value)
		if err != nil {
			return c, err
		}
		c.value = p.comparable(value, p.d.Plain(value, p.d.Quote(value.Name))) // 'Spam' is not 'spam' anywhere
		c.digested = append(c.digested, value)
	}
	for _, age := range q.Ages.Items() {
		seconds, err := strconv.ParseInt(age, 10, 64)
		if err != nil || seconds < 0 || seconds > math.MaxInt64/1_000_000 {
			return c, refuse(probe.Statement, "%q is not an age in whole seconds", age)
		}
		c.ages = append(c.ages, strconv.FormatInt(seconds*1_000_000, 10))
	}
	if c.conds, err = p.conditions(c.of, q.Where, probe.Window{}); err != nil {
		return c, err
	}
	return c, nil
}

// sql renders one SELECT: what is known about each key's labels, the examples with
// their cohort, and both joined; the figures over all labels stand in every row, so
// that they are there even when there is no cohort.
func (c cohortQuery) sql() string {
	var b strings.Builder
	b.WriteString("with label as (\n" + c.labelSQL() + "\n), example as (\n" + c.exampleSQL() + "\n)")
	if len(c.ages) > 0 {
		b.WriteString(", cohort as (\nselect cohort, " + c.end() + " as ends_at\nfrom (select distinct cohort from example) as started\n)")
	}
	b.WriteString(", feed as (\n" + c.feedSQL() + "\n), covered as (\n" + c.coveredSQL() + "\n)\n")
	b.WriteString("select feed.*, covered.*\nfrom feed left join covered on 1 = 1")
	return b.String()
}

// known is the condition that a label's time is at or before the moment; native is
// an expression of the column's comparing type.
func (c cohortQuery) known(native string) string { return c.labelledAt.cond(native, "<=", c.At) }

// labelSQL has one row a key, with the first time of any label.
func (c cohortQuery) labelSQL() string {
	quoted, named, whole := c.d.keyed(c.labelKeys)
	at := c.labelledAt.native()
	list := append(named, "min("+at+") as first_at")
	if c.value != "" {
		list = append(list, "count(distinct "+when(c.known(at), c.value)+") as answers")
	}
	if c.Digest {
		list = append(list, countWhen(c.known(at))+" as n_labels",
			"coalesce(sum("+when(c.known(at), c.d.RowHash(c.digested, c.d.Quote))+"), 0) as digest")
	}
	return "select " + strings.Join(list, ",\n  ") + "\nfrom " + c.labels.from + "\nwhere " + strings.Join(whole, " and ") +
		" and " + c.d.Quote(c.labelledAt.column.Name) + " is not null\ngroup by " + strings.Join(quoted, ", ")
}

// exampleSQL has one row an example of the cohorts asked for.
func (c cohortQuery) exampleSQL() string {
	_, named, _ := c.d.keyed(c.keys)
	conds := append(slices.Clone(c.conds), c.event.inside()...)
	list := append(named, c.event.moment(c.event.native())+" as happened", c.event.key()+" as cohort")
	return "select " + strings.Join(list, ",\n  ") + "\nfrom " + c.of.from + whereClause(conds)
}

// end is the moment at which a cohort ends, by the clock of its zone.
func (c cohortQuery) end() string {
	if c.event.per == probe.Hour {
		return "cohort + 3600000000" // the key of an hour is microseconds
	}
	return c.d.Micros(c.d.FirstOf(c.d.NextBucket(c.event.per, "cohort"), c.event.zone))
}

// feedSQL is the figures over all labels. An orphan label is one whose key no
// example has, whatever the condition on examples.
func (c cohortQuery) feedSQL() string {
	_, labelNamed, _ := c.d.keyed(c.labelKeys)
	quoted, named, whole := c.d.keyed(c.keys)
	at := "labelled_at"
	orphan := c.known(at) + " and keyed.k1 is null"
	return "select " + countWhen(c.known(at)) + " as labels,\n  " + countWhen(orphan) + " as orphan_labels,\n  " +
		c.labelledAt.micros("max("+when(c.known(at), at)+")") + " as newest_label,\n  " +
		countWhen(c.labelledAt.cond(at, ">", c.At)) + " as future_labels\n" +
		"from (\nselect " + strings.Join(labelNamed, ", ") + ", " + c.labelledAt.native() + " as labelled_at\nfrom " + c.labels.from + "\n) as labelled\n" +
		"left join (\nselect " + strings.Join(named, ", ") + "\nfrom " + c.of.from + "\nwhere " + strings.Join(whole, " and ") +
		"\ngroup by " + strings.Join(quoted, ", ") + "\n) as keyed on " + equalKeys("labelled", "keyed", len(c.keys))
}

// coveredSQL counts each cohort.
func (c cohortQuery) coveredSQL() string {
	first := "label.first_at"
	list := []string{
		"example.cohort",
		"count(*) as eligible",
		countWhen(c.known(first)) + " as labelled",
		countWhen(c.labelledAt.moment(first)+" < example.happened") + " as early",
	}
	if c.value != "" {
		list = append(list, countWhen("label.answers > 1")+" as conflicting")
	}
	from := "example left join label on " + equalKeys("example", "label", len(c.keys))
	for i, age := range c.ages {
		list = append(list, countWhen(c.known(first)+" and "+c.labelledAt.micros(first)+" <= cohort.ends_at + "+age)+
			" as by_age_"+strconv.Itoa(i+1))
	}
	if len(c.ages) > 0 {
		from += "\njoin cohort on cohort.cohort = example.cohort"
	}
	if c.Digest {
		list = append(list, "coalesce(sum(label.n_labels), 0) as n_labels", "coalesce(sum(label.digest), 0) as digest")
	}
	return "select " + strings.Join(list, ",\n  ") + "\nfrom " + from + "\ngroup by example.cohort"
}

func (c cohortQuery) read(schema string, rows [][]any) (any, error) {
	var answer probe.CohortList
	if c.Digest {
		answer.Fingerprint = c.d.Fingerprint
	}
	merged := make(map[probe.Instant]*counted)
	for _, row := range rows {
		r := &cells{row: row}
		answer.Labels, answer.OrphanLabels, answer.LabelWatermark, answer.FutureLabels = r.count(), r.count(), r.instant(), r.count()
		if key := r.next(); key != nil {
			start, ok, err := c.event.start(key)
			if err != nil {
				return nil, err
			}
			if ok {
				at := instantOf(start)
				if merged[at] == nil {
					merged[at] = &counted{Cohort: probe.Cohort{Start: at, End: instantOf(endOf(c.Per, start, c.event.loc)),
						AtAge: make([]int64, len(c.ages))}, sum: new(big.Int)}
				}
				merged[at].add(c, r)
			}
		}
		if r.err != nil {
			return nil, r.err
		}
	}
	if len(rows) == 0 {
		return nil, refuse(probe.BadAnswer, "the cohorts came back without the figures over all labels")
	}
	for _, m := range merged {
		if c.Digest {
			m.Cohort.Digest = version(schema, m.labels, m.sum)
		}
		if len(m.AtAge) == 0 {
			m.AtAge = nil
		}
		answer.Cohorts = append(answer.Cohorts, m.Cohort)
	}
	slices.SortFunc(answer.Cohorts, func(a, b probe.Cohort) int { return cmp.Compare(a.Start, b.Start) })
	return answer, nil
}

// counted is a cohort while its rows are read: dates of another zone than the
// cohort's may come in parts.
type counted struct {
	probe.Cohort
	labels int64
	sum    *big.Int
}

func (m *counted) add(c cohortQuery, r *cells) {
	m.Eligible += r.count()
	m.Labelled += r.count()
	m.Early += r.count()
	if c.value != "" {
		m.Conflicting += r.count()
	}
	for i := range c.ages {
		m.AtAge[i] += r.count()
	}
	if c.Digest {
		m.labels += r.count()
		m.sum.Add(m.sum, r.sum())
	}
}
