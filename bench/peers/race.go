package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pipewatch-dev/pipewatch/bench/cost"
	"github.com/pipewatch-dev/pipewatch/bench/delay"
	"github.com/pipewatch-dev/pipewatch/bench/tables"
)

// race is where programs meet.
type race struct {
	dir, envs string
	db        database
}

// lane is a program: how it is run once through a port of the server, and what that
// cost.
type lane struct {
	title string
	pass  func(ctx context.Context, s cost.Server, port int) (cost.Cost, error)
	costs []cost.Cost
	sent  cost.Cost // of a pass through a proxy that counts
}

// outcome is what became of a contest with a peer.
type outcome struct {
	tables int
	lanes  []lane        // floor, pipewatch and the peer
	gaveUp time.Duration // of the peer; 0: it finished
}

// compete lets the floor, pipewatch and a peer run in turn. The first pass of each
// is through a proxy that counts, is verified, and fills caches.
func (r race) compete(ctx context.Context, p peer) (o outcome, err error) {
	o = outcome{tables: r.db.tables, lanes: []lane{
		{title: "floor", pass: r.floor},
		{title: "pipewatch", pass: r.pipewatch},
		{title: p.title, pass: func(ctx context.Context, s cost.Server, port int) (cost.Cost, error) { return r.peer(ctx, p, s, port) }},
	}}
	server := cost.Server{PID: r.db.server.PID}
	if server.Proxy, err = delay.Listen(fmt.Sprintf("127.0.0.1:%d", r.db.server.Port), 0); err != nil {
		return o, err
	}
	for i := range o.lanes {
		if o.lanes[i].sent, err = o.lanes[i].pass(ctx, server, server.Proxy.Port()); err != nil {
			if errors.Is(err, context.DeadlineExceeded) {
				o.gaveUp, err = *limit, nil
			}
			return o, errors.Join(err, server.Proxy.Close())
		}
	}
	if err := server.Proxy.Close(); err != nil {
		return o, err
	}
	server.Proxy = nil
	for range *rounds {
		for i := range o.lanes {
			c, err := o.lanes[i].pass(ctx, server, r.db.server.Port)
			if err != nil {
				return o, err
			}
			o.lanes[i].costs = append(o.lanes[i].costs, c)
		}
	}
	return o, nil
}

// floor runs the least that finds the same.
func (r race) floor(ctx context.Context, s cost.Server, port int) (cost.Cost, error) {
	out := filepath.Join(r.dir, "floor.out")
	cmd := exec.CommandContext(ctx, filepath.Join(r.dir, "floor"), "-dsn", r.db.dsn(port), "-tables", strconv.Itoa(r.db.tables))
	return r.measure("floor", s, out, []*exec.Cmd{cmd}, func() ([]string, error) { return read(out, tables.ReadLines) })
}

// pipewatch runs `pipewatch check`.
func (r race) pipewatch(ctx context.Context, s cost.Server, port int) (cost.Cost, error) {
	dir, out := filepath.Join(r.dir, fmt.Sprintf("pipewatch-%d", port)), filepath.Join(r.dir, "pipewatch.out")
	if err := tables.Write(dir, r.db.tables, fmt.Sprintf("{driver: postgres, dsn: %q}", r.db.dsn(port))); err != nil {
		return cost.Cost{}, err
	}
	cmd := exec.CommandContext(ctx, filepath.Join(r.dir, "pipewatch"), "check", "-c", filepath.Join(dir, "pipewatch.yaml"), "-o", "ndjson")
	return r.measure("pipewatch", s, out, []*exec.Cmd{cmd}, func() ([]string, error) { return read(out, tables.ReadReport) })
}

// peer runs the steps of a peer's pass in a project of its own.
func (r race) peer(ctx context.Context, p peer, s cost.Server, port int) (cost.Cost, error) {
	ctx, cancel := context.WithTimeout(ctx, *limit)
	defer cancel()
	dir := filepath.Join(r.dir, fmt.Sprintf("%s-%d", p.name, port))
	if err := os.RemoveAll(dir); err != nil {
		return cost.Cost{}, err
	}
	if err := p.write(project{dir: dir, port: port, tables: r.db.tables}); err != nil {
		return cost.Cost{}, err
	}
	var cmds []*exec.Cmd
	for _, step := range p.steps {
		cmds = append(cmds, p.command(ctx, r.envs, dir, step))
	}
	c, err := r.measure(p.title, s, filepath.Join(dir, output), cmds, func() ([]string, error) { return p.found(dir) })
	return c, cmp.Or(ctx.Err(), err)
}

// output is the file with what the steps of a peer printed.
const output = "output.txt"

// measure runs commands, one after the other, and holds what they found against what
// was planted. How they end says nothing: some end with an error where data fails.
func (r race) measure(title string, s cost.Server, out string, cmds []*exec.Cmd, found func() ([]string, error)) (sum cost.Cost, err error) {
	file, err := os.Create(out)
	if err != nil {
		return sum, err
	}
	defer file.Close() //nolint:errcheck // it is read below
	for _, cmd := range cmds {
		cmd.Stdout, cmd.Stderr = file, file
		c, err := s.Run(cmd)
		if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited {
			return sum, err
		}
		sum = sum.Plus(c)
	}
	lines, err := found()
	if err != nil {
		return sum, fmt.Errorf("%s: %w\nit printed:\n%s", title, err, tail(out))
	}
	slices.Sort(lines)
	if want := tables.Failing(r.db.tables); !slices.Equal(lines, want) {
		return sum, differs{title, lines, want, tail(out)}
	}
	return sum, nil
}

// differs says that a program did not find what was planted.
type differs struct {
	title       string
	found, want []string
	printed     string
}

func (d differs) Error() string {
	return fmt.Sprintf("%s finds %d faults and %d were planted; found: %.300q, planted: %.300q\nit printed:\n%s",
		d.title, len(d.found), len(d.want), d.found, d.want, d.printed)
}

// sorted tells what was found that was planted, and what was not.
func (d differs) sorted() (right, other []string) {
	for _, line := range d.found {
		if slices.Contains(d.want, line) {
			right = append(right, line)
		} else {
			other = append(other, line)
		}
	}
	return right, other
}

// tail is the end of a file, for a message.
func tail(file string) string {
	text, _ := os.ReadFile(file) // the message says the rest
	return strings.ToValidUTF8(string(text[max(0, len(text)-2000):]), "")
}

// hurt drops one healthy table and tells what each program still finds of the faults
// of the others, and how it ends.
func (r race) hurt(ctx context.Context, chosen []peer) error {
	gone := tables.Name(1)
	err := r.db.exec(ctx, func(exec func(string) error) error { return exec("drop table " + gone) })
	if err != nil {
		return err
	}
	fmt.Printf("%d tables, of which %s, healthy, was dropped; %d faults are planted in the others\n\n", r.db.tables, gone, len(tables.Failing(r.db.tables)))
	server := cost.Server{PID: r.db.server.PID}
	_, err = r.pipewatch(ctx, server, r.db.server.Port)
	fmt.Println(what("pipewatch", err))
	for _, p := range chosen {
		_, err := r.peer(ctx, p, server, r.db.server.Port)
		fmt.Println(what(p.title, err))
	}
	return ctx.Err()
}

// what tells the outcome of a pass over hurt tables.
func what(title string, err error) string {
	d, differ := errors.AsType[differs](err)
	switch {
	case err == nil:
		return title + ": all found"
	case differ:
		right, other := d.sorted()
		return fmt.Sprintf("%s: %d of %d found; says also: %s", title, len(right), len(d.want), cmp.Or(strings.Join(other, ", "), "nothing"))
	}
	return fmt.Sprintf("%s: no result: %.400s", title, err)
}

// read reads a file of findings.
func read(file string, of func(io.Reader) ([]string, error)) ([]string, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // read only
	return of(f)
}
