package main

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/pipewatch-dev/pipewatch/bench/cost"
)

// contest is what some programs took for the same tables.
type contest struct {
	tables int
	rtt    time.Duration
	lanes  []lane // the floor first
}

type lane struct {
	name  string
	costs []cost.Cost
}

// median is the middle one of a figure of the lane.
func (l lane) median(of func(cost.Cost) float64) float64 {
	values := make([]float64, len(l.costs))
	for i, c := range l.costs {
		values[i] = of(c)
	}
	slices.Sort(values)
	return values[len(values)/2]
}

// The figures of a run, in the units in which they are printed.
func wall(c cost.Cost) float64       { return c.Wall.Seconds() }
func client(c cost.Cost) float64     { return float64(c.Client.Microseconds()) }
func server(c cost.Cost) float64     { return c.Server.Seconds() }
func memory(c cost.Cost) float64     { return float64(c.Memory) / (1 << 20) }
func statements(c cost.Cost) float64 { return float64(c.Statements) }
func trips(c cost.Cost) float64      { return float64(c.Trips) }

const row = "%7s %6s  %-13s %8s %6s %12s %8s %8s %7s %7s\n"

var heading = fmt.Sprintf(row, "tables", "rtt", "program", "wall s", "ratio", "client µs/t", "server s", "rss MiB", "stmts", "trips")

// String is a line a program. The ratio is the median of the ratios within a round:
// what slows a minute down slows both.
func (c contest) String() string {
	var b strings.Builder
	for _, l := range c.lanes {
		ratios := lane{costs: slices.Clone(l.costs)}
		for i := range ratios.costs {
			ratios.costs[i].Wall = time.Duration(1e9 * wall(l.costs[i]) / wall(c.lanes[0].costs[i]))
		}
		fmt.Fprintf(&b, row, fmt.Sprint(c.tables), c.rtt.String(), l.name,
			fmt.Sprintf("%.3f", l.median(wall)), fmt.Sprintf("%.2f", ratios.median(wall)),
			fmt.Sprintf("%.0f", l.median(client)/float64(c.tables)), dash("%.2f", l.median(server)),
			fmt.Sprintf("%.0f", l.median(memory)), dash("%.0f", l.median(statements)), dash("%.0f", l.median(trips)))
	}
	return b.String()
}

// dash prints a figure that may be unknown.
func dash(format string, v float64) string {
	if v == 0 {
		return "-"
	}
	return fmt.Sprintf(format, v)
}

// growth is how time and memory grow with the number of tables: the exponent
// between the smallest and the largest contest.
func growth(all []contest) string {
	if len(all) < 2 {
		return ""
	}
	small, large := all[0], all[len(all)-1]
	steps := math.Log(float64(large.tables) / float64(small.tables))
	var b strings.Builder
	fmt.Fprintf(&b, "\ngrowth from %d to %d tables, as an exponent\n", small.tables, large.tables)
	for i, l := range small.lanes {
		fmt.Fprintf(&b, "  %-13s wall %.2f, memory %.2f\n", l.name,
			math.Log(large.lanes[i].median(wall)/l.median(wall))/steps, math.Log(large.lanes[i].median(memory)/l.median(memory))/steps)
	}
	return b.String()
}
