package warehouse

import (
	"math"
	"math/big"

	"github.com/pipewatch-dev/pipewatch/probe"
)

// scalar asks a person's SELECT for one value. The second row is asked for only to
// find out that there is one.
func (p *planner) scalar(place int, q probe.Scalar) error {
	sql := "select * from (\n" + p.sql(q.SQL) + "\n) as q\nlimit 2"
	p.out = append(p.out, single(place, sql, func(rows [][]any) (any, error) {
		if q.Truth {
			rows = asNumbers(rows)
		}
		return readScalar(rows)
	}))
	return nil
}

// asNumbers is rows with 1 and 0 for booleans.
func asNumbers(rows [][]any) [][]any {
	for _, row := range rows {
		for i, cell := range row {
			if truth, ok := cell.(bool); ok {
				row[i] = int64(0)
				if truth {
					row[i] = int64(1)
				}
			}
		}
	}
	return rows
}

func readScalar(rows [][]any) (any, error) {
	if len(rows) == 0 {
		return probe.ScalarValue{Null: true}, nil
	}
	if n := len(rows[0]); n != 1 {
		return nil, refuse(probe.BadAnswer, "the query answered %d columns; one number is expected", n)
	}
	if len(rows) > 1 {
		return nil, refuse(probe.BadAnswer, "the query answered several rows; one number is expected: aggregate it, as in select count(*)")
	}
	var number float64
	switch v := rows[0][0].(type) {
	case nil:
		return probe.ScalarValue{Null: true}, nil
	case int64:
		number = float64(v)
	case *big.Int:
		number, _ = new(big.Float).SetInt(v).Float64()
	case float64:
		number = v
	case bool:
		return nil, refuse(probe.BadAnswer, "the query answered a boolean; one number is expected: cast it as integer")
	default:
		return nil, refuse(probe.BadAnswer, "the query answered %s; one number is expected", kindOf(v))
	}
	if math.IsNaN(number) || math.IsInf(number, 0) {
		return nil, refuse(probe.BadAnswer, "the query answered %v; one finite number is expected", number)
	}
	return probe.ScalarValue{Number: number}, nil
}

func kindOf(v any) string {
	if _, ok := v.(string); ok {
		return "text"
	}
	return "a time"
}

// maxRuns is how many runs of a control table are read.
const maxRuns = "1000"

// lastRuns reads a control table by the names of its columns.
func (p *planner) lastRuns(place int, q probe.LastRuns) error {
	t, err := p.table(probe.Relation{Conn: q.Conn, Query: q.SQL})
	if err != nil {
		return err
	}
	columns, err := t.find([]string{"run_id", "started_at", "ended_at", "state"})
	if err != nil {
		return err
	}
	started, err := newClock(p.d, t, probe.TimeColumn{Name: "started_at", Zone: q.Zone})
	if err != nil {
		return err
	}
	ended, err := newClock(p.d, t, probe.TimeColumn{Name: "ended_at", Zone: q.Zone})
	if err != nil {
		return err
	}
	id, state := p.d.Quote(columns[0].Name), p.d.Quote(columns[3].Name)
	sql := "select " + p.d.AsText(id) + " as run_id, " + started.micros(started.native()) + " as started, " +
		ended.micros(ended.native()) + " as ended, " + p.d.AsText(state) + " as state\nfrom " + t.from +
		"\norder by case when " + p.d.Quote(started.column.Name) + " is null then 1 else 0 end, 2 desc, 1 desc\nlimit " + maxRuns
	p.out = append(p.out, single(place, sql, func(rows [][]any) (any, error) {
		runs := make([]probe.JobRun, len(rows))
		for i, row := range rows {
			c := &cells{row: row}
			runs[i].ID, runs[i].Started, runs[i].Ended, runs[i].State = c.text(), c.instant(), c.instant(), c.text()
			if c.err != nil {
				return nil, c.err
			}
		}
		return runs, nil
	}))
	return nil
}
