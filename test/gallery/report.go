package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
)

// report prints the verdicts.
type report struct {
	out               io.Writer
	verbose, messages bool
}

// print shows the table and the summary; it tells whether all is as it should be.
func (r report) print(verdicts []verdict) bool {
	var sum summary
	w := tabwriter.NewWriter(r.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "FAULT\tROOT\tKNOWABLE\tFOUND\tLATE\tROOT SAID\tMESSAGES\tLINES")
	for _, v := range verdicts {
		sum.add(v)
		for n, f := range v.faults {
			name, at, late := v.exhibit.name, "-", "-"
			if n > 0 {
				name = " and"
			}
			if !f.at.IsZero() {
				at, late = clockOf(f.at), fmt.Sprint(f.late)
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%d\t%d\n", name, f.root, clockOf(f.knowable), at, late, yes(f.named), len(v.said), v.lines)
		}
	}
	fmt.Fprintln(w, "\t\t\t\t\t\t\t\nQUIET STRETCH\tFROM\tUNTIL\t\t\t\tMESSAGES\tLINES")
	for _, v := range verdicts {
		if len(v.faults) == 0 {
			fmt.Fprintf(w, "%s\t%s\t%s\t\t\t\t%d\t%d\n", v.exhibit.name, clockOf(v.exhibit.from), clockOf(v.exhibit.until), len(v.said), v.lines)
		}
	}
	_ = w.Flush() // a report that nobody can read is no reason to fail
	for _, v := range verdicts {
		r.details(v)
	}
	sum.print(r.out)
	return sum.unexplained == 0 && sum.needless == 0
}

// details says what is not as it should be with an exhibit.
func (r report) details(v verdict) {
	if len(v.wrong) > 0 || v.exhibit.missed != "" {
		fmt.Fprintf(r.out, "\n%s: %s\n", v.exhibit.name, v.exhibit.what)
		for _, w := range v.wrong {
			fmt.Fprintf(r.out, "  - %s\n", w)
		}
		if v.exhibit.missed != "" {
			fmt.Fprintf(r.out, "  why: %s\n", v.exhibit.missed)
		}
	}
	if r.verbose {
		fmt.Fprintf(r.out, "\n%s: what was found\n", v.exhibit.name)
		for _, f := range append(v.failures, v.ledger.findings...) {
			fmt.Fprintf(r.out, "  %s\n", f)
		}
	}
	if !r.messages {
		return
	}
	fmt.Fprintf(r.out, "\n%s: %s\n", v.exhibit.name, v.exhibit.what)
	for _, m := range v.ledger.messages {
		indent := "  "
		if m.ThreadTS != "" {
			indent = "      "
		}
		fmt.Fprintf(r.out, "%s%s  %s\n", indent, clockOf(m.Posted), plain(m.Text))
		if m.ThreadTS == "" && len(m.History) > 0 {
			first := m.History[0]
			fmt.Fprintf(r.out, "%sat first: %s\n", indent, plain(first.Text))
			for _, a := range first.Attachments {
				b, _ := json.Marshal(a["blocks"])
				fmt.Fprintf(r.out, "%s  | %s\n", indent, strings.Join(texts(b), "\n"+indent+"  | "))
			}
		}
	}
}

// texts are the words of some blocks.
func texts(blocks []byte) []string {
	var all []string
	var walk func(any)
	walk = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, x := range v {
				walk(x)
			}
		case map[string]any:
			if t, ok := v["text"].(string); ok {
				all = append(all, strings.Split(plain(t), "\n")...)
				return
			}
			for _, key := range []string{"text", "fields", "elements"} {
				walk(v[key])
			}
		}
	}
	var v any
	if json.Unmarshal(blocks, &v) == nil {
		walk(v)
	}
	return all
}

// summary is the score of the whole gallery.
type summary struct {
	exhibits, faults, found, first, named, exact, unexplained int
	messages, lines, needless                                 int
	runs                                                      int
	quiet                                                     time.Duration // without a fault
	alarms                                                    int           // in that time
}

func (s *summary) add(v verdict) {
	s.runs += v.runs
	s.needless += v.needless()
	if (len(v.wrong) > 0) != (v.exhibit.missed != "") {
		s.unexplained++ // or explained in vain
	}
	if len(v.faults) == 0 {
		s.quiet += v.exhibit.until.Sub(v.exhibit.from)
		s.alarms += len(v.said)
		return
	}
	s.exhibits++
	s.messages += len(v.said)
	s.lines += v.lines
	if v.exact() {
		s.exact++
	}
	for _, f := range v.faults {
		s.faults++
		if f.named {
			s.named++
		}
		if f.at.IsZero() {
			continue
		}
		s.found++
		if f.late == 0 {
			s.first++
		}
	}
	s.quiet += v.exhibit.broke().Sub(v.exhibit.from)
	for _, m := range v.said {
		if m.at.Before(v.exhibit.broke()) {
			s.alarms++
		}
	}
}

func (s *summary) print(out io.Writer) {
	weeks := s.quiet.Hours() / 24 / 7
	fmt.Fprintf(out, `
%d faults in %d exhibits: %d found, %d of them at the first evaluation at which they could be known; %d named at once.
%d of %d exhibits (%.0f%%) were told in exactly one message a fault, which named the root.
%d messages and %d lines in their threads; %d about nothing.
%.1f weeks without a fault, %d messages in them: %.2f a week. %d evaluations in all.
`, s.faults, s.exhibits, s.found, s.first, s.named, s.exact, s.exhibits, 100*float64(s.exact)/float64(max(s.exhibits, 1)),
		s.messages, s.lines, s.needless, weeks, s.alarms, float64(s.alarms)/max(weeks, 0.01), s.runs)
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "NO"
}
