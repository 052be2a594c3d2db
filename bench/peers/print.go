package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pipewatch-dev/pipewatch/bench/cost"
)

// String is a line a program: medians, and how many times pipewatch's cost that is.
func (o outcome) String() string {
	var b strings.Builder
	const row = "%-26s %8s %10s %10s %8s %10s %9s %10s %9s\n"
	fmt.Fprintf(&b, row, "program", "wall s", "/floor", "/pipewatch", "CPU s", "/pipewatch", "RSS MiB", "stmts/tbl", "sessions")
	for i, l := range o.lanes {
		if i == len(o.lanes)-1 && o.gaveUp > 0 {
			fmt.Fprintf(&b, "%-26s > %v\n", l.title, o.gaveUp)
			break
		}
		fmt.Fprintf(&b, row, l.title, fmt.Sprintf("%.2f", median(l.costs, wall)), o.times(i, 0, wall), o.times(i, 1, wall),
			fmt.Sprintf("%.2f", median(l.costs, cpu)), o.times(i, 1, cpu), fmt.Sprintf("%.0f", median(l.costs, memory)),
			fmt.Sprintf("%.1f", float64(l.sent.Statements)/float64(o.tables)), fmt.Sprint(l.sent.Sessions))
	}
	return b.String()
}

// times is the median of the ratios of two lanes within a round: what slows a minute
// down slows both.
func (o outcome) times(i, base int, of func(cost.Cost) float64) string {
	if i <= base {
		return ""
	}
	var ratios []float64
	for n, c := range o.lanes[i].costs {
		ratios = append(ratios, of(c)/of(o.lanes[base].costs[n]))
	}
	slices.Sort(ratios)
	return fmt.Sprintf("%.1f", ratios[len(ratios)/2])
}

func median(costs []cost.Cost, of func(cost.Cost) float64) float64 {
	values := make([]float64, len(costs))
	for i, c := range costs {
		values[i] = of(c)
	}
	slices.Sort(values)
	return values[len(values)/2]
}

// The figures, in the units in which they are printed.
func wall(c cost.Cost) float64   { return c.Wall.Seconds() }
func cpu(c cost.Cost) float64    { return c.Total().Seconds() }
func memory(c cost.Cost) float64 { return float64(c.Memory) / (1 << 20) }
