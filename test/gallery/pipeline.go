package main

import (
	"cmp"
	"context"
	"database/sql"
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/pipewatch-dev/pipewatch/probe"
)

// pipeline is the company whose warehouse is watched: loaders that run every hour
// and builds that run every night, real statements on a real database file. It
// knows the faults of its exhibit and makes them happen; it knows nothing of
// pipewatch but the URL that one job calls.
type pipeline struct {
	exhibit  exhibit
	conn     *sql.Conn // to an engine that has the sources in memory
	path     string    // of the warehouse's file
	name     string    // of the warehouse in that engine
	data     string    // folder with the files that the sources were made of
	beat     func(job string, b probe.Beat) error
	now      time.Time            // everything before has happened
	bookmark map[string]time.Time // how far each job's data has come
	failures []string             // statements that failed, for -v
}

// event is one thing that happens in the company.
type event struct {
	at time.Time
	do func(context.Context) error
}

//go:embed start.sql
var startSQL string

// begin makes the warehouse as it is at a moment.
func (p *pipeline) begin(ctx context.Context, now time.Time) error {
	hour := now.Truncate(time.Hour)
	p.now, p.bookmark = hour.Add(-time.Minute), map[string]time.Time{}
	script := p.fill(startSQL, map[string]string{"now": moment(hour), "start": moment(hour.Add(-50 * 24 * time.Hour))})
	err := p.inWarehouse(ctx, func() error { return p.exec(ctx, script) })
	if err != nil {
		return err
	}
	// What ran in the days before, without its faults.
	sound := p.exhibit
	p.exhibit = exhibit{}
	defer func() { p.exhibit = sound }()
	return p.inWarehouse(ctx, func() error {
		for _, j := range jobs {
			if err := p.history(ctx, j, hour); err != nil {
				return err
			}
		}
		return nil
	})
}

// history is what a job did in the days before a moment. Hourly data is in the
// start script; the last build makes all days at once.
func (p *pipeline) history(ctx context.Context, j job, until time.Time) error {
	p.bookmark[j.name] = until.Add(-time.Hour)
	if j.daily {
		p.bookmark[j.name] = until.Add(-45 * 24 * time.Hour)
	}
	for due := j.next(until.Add(-50 * time.Hour)); due.Before(until); due = j.next(due) {
		var err error
		if j.daily && !j.next(due).Before(until) {
			err = p.run(ctx, j, due)
		} else {
			err = p.note(ctx, j, "", due, due.Add(j.took), "success")
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// advance lets everything happen up to a moment.
func (p *pipeline) advance(ctx context.Context, to time.Time) error {
	var events []event
	for _, j := range jobs {
		for due := j.next(p.now.Add(-24 * time.Hour)); !due.After(to); due = j.next(due) {
			events = append(events, p.attempts(j, due)...)
		}
	}
	for _, a := range p.exhibit.acts {
		events = append(events, event{a.at, func(ctx context.Context) error {
			return p.exec(ctx, p.fill(a.sql, map[string]string{"data": p.data}))
		}})
	}
	for _, a := range p.exhibit.away {
		events = append(events, event{a.from, func(context.Context) error { return os.Rename(p.path, p.path+".away") }},
			event{a.until, func(context.Context) error { return os.Rename(p.path+".away", p.path) }})
	}
	events = slices.DeleteFunc(events, func(e event) bool { return !e.at.After(p.now) || e.at.After(to) })
	slices.SortStableFunc(events, func(a, b event) int { return a.at.Compare(b.at) })
	p.now = to
	for len(events) > 0 { // files are moved while nobody has them open
		n := slices.IndexFunc(events, func(e event) bool { return p.moves(e.at) })
		switch {
		case n == 0:
			if err := events[0].do(ctx); err != nil {
				return err
			}
			events = events[1:]
			continue
		case n < 0:
			n = len(events)
		}
		if err := p.inWarehouse(ctx, func() error {
			for _, e := range events[:n] {
				if err := e.do(ctx); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			return err
		}
		events = events[n:]
	}
	return nil
}

// moves tells whether the file is moved at a moment.
func (p *pipeline) moves(at time.Time) bool {
	return slices.ContainsFunc(p.exhibit.away, func(s span) bool { return s.from.Equal(at) || s.until.Equal(at) })
}

// inWarehouse opens the warehouse's file for as long as do lasts.
func (p *pipeline) inWarehouse(ctx context.Context, do func() error) error {
	path := p.path
	if _, err := os.Stat(path + ".away"); err == nil {
		path += ".away"
	}
	if err := p.exec(ctx, "attach '"+path+"' as "+p.name+"; use "+p.name); err != nil {
		return err
	}
	err := do()
	return cmp.Or(err, p.exec(ctx, "use memory; detach "+p.name))
}

// exec runs statements.
func (p *pipeline) exec(ctx context.Context, statements string) error {
	if _, err := p.conn.ExecContext(ctx, statements); err != nil {
		return fmt.Errorf("%w in:\n%s", err, statements)
	}
	return nil
}

// fill puts values into a script; {today} is the day in New York.
func (p *pipeline) fill(script string, values map[string]string) string {
	var pairs []string
	for name, value := range values {
		pairs = append(pairs, "{"+name+"}", value)
	}
	return strings.NewReplacer(pairs...).Replace(script)
}

// moment writes a moment as SQL, date a day of New York.
func moment(t time.Time) string { return "timestamptz '" + t.UTC().Format(time.RFC3339) + "'" }
func date(t time.Time) string   { return "date '" + t.In(newYork).Format(time.DateOnly) + "'" }

//go:embed warehouse.sql
var sourcesSQL string

// openSources makes an engine that has in memory what happened in 2013.
func openSources(ctx context.Context, dir string) (*sql.DB, error) {
	if err := unpack(dir); err != nil {
		return nil, err
	}
	db, err := sql.Open("duckdb", "")
	if err != nil {
		return nil, err
	}
	script := strings.ReplaceAll(sourcesSQL, "'data/", "'"+filepath.Join(dir, "data")+"/")
	for _, s := range []string{"set global TimeZone = 'UTC'", "set threads = 1", script} {
		if _, err := db.ExecContext(ctx, s); err != nil {
			return nil, fmt.Errorf("make the sources: %w", err)
		}
	}
	return db, nil
}
