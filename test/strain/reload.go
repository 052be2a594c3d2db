package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/pipewatch-dev/pipewatch/test/rig"
)

const watched = 20 // nodes, of which the last fails all the time

// edited is the DAG file as written the k-th time; what it means stays.
func edited(k int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "version: 1\ndag: shop\ndescription: Written %d times\nconnection: wh\nschedule: \"@every 1s\"\nnodes:\n", k)
	for n := range watched - 1 {
		fmt.Fprintf(&b, "  n%d: {table: t, row_count: {min: 1}}\n", n)
	}
	fmt.Fprintf(&b, "  bad: {table: root, row_count: {min: 1}}\n")
	return b.String()
}

// reload has files change n times, 30 % of them broken, one in ten the
// operator's. Promised: no state is lost (what was open stays the same
// incident, nothing becomes unknown), nothing grows, slots are met within 1 s
// (99 %).
func reload(ctx context.Context, s *stage, o options) (*result, error) {
	shut, err := s.open("root", "t")
	if err != nil {
		return nil, err
	}
	defer shut()
	if err := s.prepare(edited(0)); err != nil {
		return nil, err
	}
	if err := s.fill("root", 0); err != nil {
		return nil, err
	}
	p, err := s.serve(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.until(ctx, patience, "the incident", func() (bool, error) { k, err := s.opened(ctx); return k == 1, err }); err != nil {
		return nil, err
	}
	l := &reloading{stage: s, random: rand.New(rand.NewPCG(o.seed, 1))}
	if err := l.some(ctx, max(10, o.n/20)); err != nil { // caches fill, pools open
		return nil, err
	}
	was, err := l.level(ctx)
	if err != nil {
		return nil, err
	}
	if err := l.some(ctx, o.n); err != nil {
		return nil, err
	}
	is, err := l.level(ctx)
	if err != nil {
		return nil, err
	}
	return l.judge(o.n, was, is), p.Stop()
}

// reloading is the state of the strain.
type reloading struct {
	*stage
	random *rand.Rand
	count  int
	lags   []float64
	broken int
}

// some makes n changes and has each taken up.
func (l *reloading) some(ctx context.Context, n int) error {
	for range n {
		l.count++
		text := edited(l.count)
		if l.random.IntN(10) < 3 {
			l.broken++
			text = text[:len(text)/2] + "\n  : ["
		}
		if err := l.write("dags/shop.yaml", text); err != nil {
			return err
		}
		if l.random.IntN(10) == 0 { // another connection of the same name
			more := fmt.Sprintf("      - \"create view v%d as select 1\"\n", l.count)
			if err := l.write("pipewatch.yaml", l.config(more, "root", "t")); err != nil {
				return err
			}
		}
		if _, _, err := rig.Post(ctx, l.page+"/-/reload"); err != nil {
			return rig.WithLog(l.file("serve.log"), err)
		}
		if l.count%10 == 0 {
			m, err := rig.Metrics(ctx, l.page)
			if err != nil {
				return err
			}
			l.lags = append(l.lags, m[`pipewatch_schedule_lag_seconds{dag="shop"}`])
		}
	}
	return nil
}

// level is what must not grow, and what must not change.
type level struct {
	goroutines, files float64
	incident          string
	nodes             map[string]string // health
}

// level reads it once the file is whole again and its last run is over.
func (l *reloading) level(ctx context.Context) (level, error) {
	l.count++
	var out level
	if err := l.write("dags/shop.yaml", edited(l.count)); err != nil {
		return out, err
	}
	if code, body, err := rig.Post(ctx, l.page+"/-/reload"); err != nil || code != 200 {
		return out, fmt.Errorf("reload answers %d: %s (%v)", code, body, err)
	}
	least := func(v *float64, now float64) { *v = min(*v, now) }
	first := true
	for end := time.Now().Add(3 * time.Second); time.Now().Before(end); <-time.After(100 * time.Millisecond) {
		m, err := rig.Metrics(ctx, l.page)
		if err != nil {
			return out, err
		}
		if first {
			out.goroutines, out.files, first = m["go_goroutines"], m["process_open_fds"], false
		}
		least(&out.goroutines, m["go_goroutines"])
		least(&out.files, m["process_open_fds"])
	}
	var err error
	if out.incident, err = l.dataIncident(ctx); err != nil {
		return out, err
	}
	out.nodes, err = l.healths(ctx)
	return out, err
}

// dataIncident is the id of the one that is open about data.
func (s *stage) dataIncident(ctx context.Context) (string, error) {
	_, body, err := rig.Get(ctx, s.page+"/api/v1/incidents?open=true")
	if err != nil {
		return "", err
	}
	var all struct {
		Incidents []struct{ ID, Kind, Status string }
	}
	if err := json.Unmarshal(body, &all); err != nil {
		return "", fmt.Errorf("read incidents: %w: %s", err, body)
	}
	var ids []string
	for _, i := range all.Incidents {
		if i.Kind == "data" && i.Status == "open" {
			ids = append(ids, i.ID)
		}
	}
	return strings.Join(ids, " "), nil
}

// healths is how each node is.
func (s *stage) healths(ctx context.Context) (map[string]string, error) {
	_, body, err := rig.Get(ctx, s.page+"/api/v1/nodes")
	if err != nil {
		return nil, err
	}
	var all struct{ Nodes []struct{ ID, Health string } }
	if err := json.Unmarshal(body, &all); err != nil {
		return nil, fmt.Errorf("read nodes: %w: %s", err, body)
	}
	out := map[string]string{}
	for _, n := range all.Nodes {
		out[n.ID] = n.Health
	}
	return out, nil
}

func (l *reloading) judge(n int, was, is level) *result {
	r := &result{}
	slices.Sort(l.lags)
	late := 0.0
	if len(l.lags) > 0 {
		late = l.lags[min(len(l.lags)-1, len(l.lags)*99/100)]
	}
	r.figure("%d reloads (%d of them broken files): goroutines %.0f then %.0f, open files %.0f then %.0f, slots met within %.0f ms (99 %%)",
		n, l.broken, was.goroutines, is.goroutines, was.files, is.files, late*1000)
	r.want(is.goroutines <= was.goroutines+2, "goroutines grew from %.0f to %.0f", was.goroutines, is.goroutines)
	r.want(is.files <= was.files+2, "open files grew from %.0f to %.0f", was.files, is.files)
	// A short run beside other tests says nothing of time.
	r.want(late < 1 || n < 1000, "the 99th of 100 slots was met after %.2f s", late)
	r.want(was.incident != "" && was.incident == is.incident, "what was open was %q and is %q", was.incident, is.incident)
	r.want(len(is.nodes) == watched, "%d nodes are watched, not %d", len(is.nodes), watched)
	for id, health := range is.nodes {
		r.want(health == was.nodes[id], "%s was %s and is %s", id, was.nodes[id], health)
	}
	return r
}
