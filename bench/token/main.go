// Command token measures what change tokens save: a pass of version checks over many
// tables of PostgreSQL, of which none, few or all were written, and how soon a write is
// seen that its session has not counted yet.
//
// It starts its own PostgreSQL, or uses an empty database that was named. It fails when
// a pass does not find exactly the tables that were written. It is no test: figures
// depend on the machine.
//
// # Data model
//
// A pass asks and judges one version check for each of the tables of package tables, as
// the service does, with what the checks remember. Its cost is its wall time and the
// processor time of this process; the server's is not in it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pipewatch-dev/pipewatch/bench/tables"
	"github.com/pipewatch-dev/pipewatch/checks"
	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/warehouse"
	"github.com/pipewatch-dev/pipewatch/warehouse/postgres"
	"github.com/pipewatch-dev/pipewatch/warehouse/servertest"
	"github.com/pipewatch-dev/pipewatch/watch"
)

var (
	count  = flag.Int("tables", 10_000, "how many tables are watched")
	share  = flag.Int("changed", 100, "one table in so many is written between two passes")
	rounds = flag.Int("rounds", 3, "how often each pass is made")
	dsn    = flag.String("dsn", "", "use this empty PostgreSQL database and leave the tables there")
	waits  = flag.Bool("delays", true, "also measure how soon a write is seen")
)

func main() {
	flag.Parse()
	log.SetFlags(0)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		stop()
		log.Fatal(err)
	}
}

func run(ctx context.Context) (err error) {
	address := *dsn
	if address == "" {
		s, err := servertest.Postgres("shared_buffers=2GB", "autovacuum=off", "max_wal_size=8GB")
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, s.Stop()) }()
		address = fmt.Sprintf("postgres://postgres@127.0.0.1:%d/postgres?sslmode=disable", s.Port)
	}
	conn, err := pgconn.Connect(ctx, address)
	if err != nil {
		return err
	}
	defer conn.Close(ctx) //nolint:errcheck // nothing is lost
	b := &bench{writer: conn, address: address}
	if err := tables.Postgres.Fill(*count, func(sql string) error { return b.write(ctx, sql) }); err != nil {
		return err
	}
	if _, err := conn.Exec(ctx, "analyze").ReadAll(); err != nil { // alone, as each table is then a transaction of its own
		return err
	}
	if err := b.open(); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.source.Close()) }()
	fmt.Printf("PostgreSQL %s, %d tables of 1,000 rows, %d rounds\n\n", conn.ParameterStatus("server_version"), *count, *rounds)
	if err := b.passes(ctx); err != nil {
		return err
	}
	if !*waits {
		return nil
	}
	return b.delays(ctx)
}

// bench is the tables, their checks, and what those remember.
type bench struct {
	address string
	writer  *pgconn.PgConn
	source  *warehouse.Source
	checks  []*checks.Check
	past    map[dag.CheckID]checks.Memory
}

// write runs statements in the writer's session, which counts them at once.
func (b *bench) write(ctx context.Context, sql string) error {
	_, err := b.writer.Exec(ctx, sql+"; select pg_stat_force_next_flush()").ReadAll()
	return err
}

func (b *bench) open() (err error) {
	b.source, err = postgres.Open(postgres.Options{DSN: b.address, Limits: warehouse.Limits{MaxQueries: 4, StatementTimeout: 5 * time.Minute, Now: time.Now}})
	if err != nil {
		return err
	}
	var src strings.Builder
	src.WriteString("version: 1\ndag: b\nconnection: wh\nnodes:\n")
	for n := range *count {
		fmt.Fprintf(&src, "  %[1]s: {table: %[1]s, version: {}}\n", tables.Name(n))
	}
	graph, problems := dag.Load([]dag.File{{Name: "b.yaml", Src: []byte(src.String())}}, dag.Known{})
	suite, more := checks.Compile(graph, checks.Builtin())
	problems.Merge(more)
	if err := problems.Err(); err != nil {
		return err
	}
	for n := range *count {
		b.checks = append(b.checks, suite.Check(dag.CheckID("b/"+tables.Name(n)+"/version")))
	}
	return nil
}

// cost is what a pass took.
type cost struct{ wall, cpu time.Duration }

// pass evaluates checks and tells which tables changed.
func (b *bench) pass(ctx context.Context, some []*checks.Check, fresh bool) (c cost, changed []string, err error) {
	past := b.past
	if fresh {
		past = nil
	}
	cpu, started := processorTime(), time.Now()
	results := watch.Evaluate(ctx, b.source, some, past, nil, started)
	c = cost{time.Since(started), processorTime() - cpu}
	if b.past == nil {
		b.past = map[dag.CheckID]checks.Memory{}
	}
	for i, r := range results {
		if r.Verdict.Outcome != checks.Pass {
			return c, nil, fmt.Errorf("%s: %s", r.Check, r.Verdict.Message)
		}
		if r.Memory != nil {
			b.past[r.Check] = r.Memory
		}
		if r.Verdict.Reason == checks.ContentChanged {
			changed = append(changed, some[i].Node.ID.Name())
		}
	}
	return c, changed, nil
}

func processorTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// passes compares a pass over tables that were all read with passes over tables of
// which none or few were written.
func (b *bench) passes(ctx context.Context) error {
	names := []string{"all are read", "none was written", fmt.Sprintf("one in %d was written", *share)}
	costs := make([][]cost, len(names))
	for round := range *rounds {
		for i := range names {
			var want []string
			if i == 2 {
				for n := round; n < *count; n += *share {
					want = append(want, tables.Name(n))
					if err := b.write(ctx, "update "+tables.Name(n)+" set note = note || '!' where id = 500"); err != nil {
						return err
					}
				}
			}
			c, changed, err := b.pass(ctx, b.checks, i == 0)
			if err != nil {
				return err
			}
			if !slices.Equal(changed, want) {
				return fmt.Errorf("%s: %d tables changed, found were %d", names[i], len(want), len(changed))
			}
			costs[i] = append(costs[i], c)
		}
	}
	fmt.Println("| tables | wall | of all read | CPU here |\n|---|---|---|---|")
	all := median(costs[0], wall)
	for i, name := range names {
		w := median(costs[i], wall)
		fmt.Printf("| %s | %s | %.1f %% | %s |\n", name, w.Round(time.Millisecond), 100*float64(w)/float64(all), median(costs[i], cpu).Round(time.Millisecond))
	}
	return nil
}

func wall(c cost) time.Duration { return c.wall }
func cpu(c cost) time.Duration  { return c.cpu }

func median(costs []cost, of func(cost) time.Duration) time.Duration {
	var all []time.Duration
	for _, c := range costs {
		all = append(all, of(c))
	}
	slices.Sort(all)
	return all[len(all)/2]
}

// delays measures how long after its commit a write is seen by a check that looks
// every second.
func (b *bench) delays(ctx context.Context) error {
	fmt.Println("\n| the writer | seen after |\n|---|---|")
	for i, w := range []struct {
		does string
		then func(ctx context.Context, conn *pgconn.PgConn, seen <-chan struct{}) error
	}{
		{"commits and stays idle", func(_ context.Context, _ *pgconn.PgConn, seen <-chan struct{}) error { <-seen; return nil }},
		{"commits and leaves", func(ctx context.Context, conn *pgconn.PgConn, seen <-chan struct{}) error {
			err := conn.Close(ctx)
			<-seen
			return err
		}},
		{"commits and goes on writing elsewhere", func(ctx context.Context, conn *pgconn.PgConn, seen <-chan struct{}) error {
			for {
				select {
				case <-seen:
					return nil
				default:
					if _, err := conn.Exec(ctx, "update dim set name = name where id = 1").ReadAll(); err != nil {
						return err
					}
				}
			}
		}},
	} {
		took, err := b.delay(ctx, i, w.then)
		if err != nil {
			return err
		}
		fmt.Printf("| %s | %.1f s |\n", w.does, took.Seconds())
	}
	return nil
}

func (b *bench) delay(ctx context.Context, n int, then func(context.Context, *pgconn.PgConn, <-chan struct{}) error) (time.Duration, error) {
	conn, err := pgconn.Connect(ctx, b.address)
	if err != nil {
		return 0, err
	}
	defer conn.Close(ctx) //nolint:errcheck // nothing is lost
	one := b.checks[n : n+1]
	look := func() (seen bool, err error) {
		_, changed, err := b.pass(ctx, one, false)
		return len(changed) > 0, err
	}
	update := func() error {
		_, err := conn.Exec(ctx, "update "+tables.Name(n)+" set note = note || '!' where id = 500").ReadAll()
		return err
	}
	if _, err := look(); err != nil {
		return 0, err
	}
	// A session that has just told what it counted, as this one when it began, tells no
	// more within a second: this write waits.
	if err := update(); err != nil {
		return 0, err
	}
	written, second := time.Now(), time.NewTicker(time.Second)
	defer second.Stop()
	found, ended := make(chan struct{}), make(chan error, 1)
	go func() { ended <- then(ctx, conn, found) }()
	for seen := false; !seen; {
		if seen, err = look(); err != nil {
			break
		}
		if !seen && time.Since(written) > 90*time.Second {
			err = errors.New("a write was not seen within 90 s")
			break
		}
		if !seen {
			<-second.C
		}
	}
	took := time.Since(written)
	close(found)
	return took, errors.Join(err, <-ended)
}
