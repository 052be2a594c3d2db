// Command peers measures pipewatch beside other checkers: each looks at the same
// tables in the same PostgreSQL with the same five checks, in turn with pipewatch and
// the floor, and must find exactly what was planted.
//
// It installs the peers from PyPI, each into an environment of its own, writes the
// files with which a user of that peer would watch the tables, and runs its command.
// Their usage reporting is off. It is no test: figures depend on the machine.
//
// # Data model
//
// A [peer] knows how it is installed, what its project looks like, which commands a
// pass of it takes and where it writes what it found. A [project] is the folder, the
// tables and the server that a pass looks at. A lane is a program and what its rounds
// cost; the first lanes are the floor and pipewatch.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pipewatch-dev/pipewatch/bench/tables"
	"github.com/pipewatch-dev/pipewatch/warehouse/servertest"
)

var (
	only   = flag.String("peers", "", "run these, separated by commas (all that are or can be installed)")
	count  = flag.Int("tables", 100, "number of tables")
	rounds = flag.Int("rounds", 3, "how often each program runs")
	limit  = flag.Duration("limit", 20*time.Minute, "give a peer up after this long")
	envs   = flag.String("envs", "", "folder of the peers' environments, kept for the next call (a temporary one)")
	hurt   = flag.Bool("hurt", false, "instead: drop one healthy table and tell what each still finds")
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
	chosen, err := choose(*only)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "pipewatch-peers-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	where := *envs
	if where == "" {
		where = filepath.Join(dir, "envs")
	}
	if chosen, err = installed(ctx, chosen, where); err != nil {
		return err
	}
	if err := build(ctx, dir); err != nil {
		return err
	}
	db, title, err := openDatabase(ctx, *count)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.server.Stop()) }()
	r := race{dir: dir, envs: where, db: db}
	if *hurt {
		return r.hurt(ctx, chosen)
	}
	fmt.Printf("%s, %d tables, five checks each, %d rounds\n\n", title, *count, *rounds)
	for _, p := range chosen {
		c, err := r.compete(ctx, p)
		if err != nil {
			return err
		}
		fmt.Println(c)
	}
	return nil
}

// choose finds the named peers; all where none is named.
func choose(names string) (chosen []peer, err error) {
	if names == "" {
		return peers, nil
	}
	for name := range strings.SplitSeq(names, ",") {
		i := slices.IndexFunc(peers, func(p peer) bool { return p.name == name })
		if i < 0 {
			return nil, fmt.Errorf("-peers %s: %q is not one of %s", names, name, strings.Join(peerNames(), ", "))
		}
		chosen = append(chosen, peers[i])
	}
	return chosen, nil
}

// database is a server of our own that holds the tables.
type database struct {
	server *servertest.Server
	tables int
}

func (d database) dsn(port int) string {
	return fmt.Sprintf("postgres://postgres:none@127.0.0.1:%d/postgres?sslmode=disable", port)
}

// exec runs statements, one connection for all.
func (d database) exec(ctx context.Context, each func(exec func(string) error) error) error {
	conn, err := pgconn.Connect(ctx, d.dsn(d.server.Port))
	if err != nil {
		return err
	}
	defer conn.Close(ctx) //nolint:errcheck // nothing is lost
	return each(func(statement string) error {
		_, err := conn.Exec(ctx, statement).ReadAll()
		return err
	})
}

func openDatabase(ctx context.Context, count int) (d database, title string, err error) {
	d.tables = count
	if d.server, err = servertest.Postgres("shared_buffers=1GB", "autovacuum=off", "max_wal_size=8GB"); err != nil {
		return d, "", err
	}
	err = d.exec(ctx, func(exec func(string) error) error {
		return errors.Join(tables.Postgres.Fill(count, exec), exec("analyze"), exec("checkpoint"))
	})
	if err != nil {
		return d, "", errors.Join(err, d.server.Stop())
	}
	conn, err := pgconn.Connect(ctx, d.dsn(d.server.Port))
	if err != nil {
		return d, "", errors.Join(err, d.server.Stop())
	}
	return d, "PostgreSQL " + conn.ParameterStatus("server_version"), conn.Close(ctx)
}

// build makes pipewatch and the floor.
func build(ctx context.Context, dir string) error {
	for name, of := range map[string]string{"pipewatch": "./cmd/pipewatch", "floor": "./bench/floor/postgres"} {
		cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", filepath.Join(dir, name), of)
		if text, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("build %s (run this in the module's folder): %w\n%s", of, err, text)
		}
	}
	return nil
}
