package tables

import (
	"bufio"
	"encoding/json"
	"io"
	"strings"
)

// ReadLines reads findings that are written as lines "t00007 stale".
func ReadLines(r io.Reader) (lines []string, err error) {
	s := bufio.NewScanner(r)
	for s.Scan() {
		if s.Text() != "" {
			lines = append(lines, s.Text())
		}
	}
	return lines, s.Err()
}

// ReadReport reads what `pipewatch check -o ndjson` says of these tables and returns
// the failed checks as the lines of [Failing], in no order. A check that neither
// passed nor failed is a line such as "t00007 freshness error", which is in no
// Failing.
func ReadReport(r io.Reader) (lines []string, err error) {
	s := bufio.NewScanner(r)
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		var c finding
		if err := json.Unmarshal(s.Bytes(), &c); err != nil {
			return nil, err
		}
		lines = append(lines, c.lines()...)
	}
	return lines, s.Err()
}

// finding is a check in a report.
type finding struct {
	ID, Kind, Verdict string
	Observed          struct {
		Rules []struct {
			Rule string
			Bad  int64
		}
	}
}

func (f finding) lines() (lines []string) {
	name := strings.Split(f.ID, "/")[1]
	switch {
	case f.Verdict == "pass":
		return nil
	case f.Verdict != "fail":
		return []string{name + " " + f.Kind + " " + f.Verdict}
	}
	switch f.Kind {
	case "freshness":
		return []string{name + " " + string(Stale)}
	case "row_count":
		return []string{name + " " + string(Few)}
	case "joins":
		return []string{name + " " + string(Orphans)}
	}
	for _, r := range f.Observed.Rules {
		if fault, ok := map[string]Fault{"not_null": Nulls, "unique": Duplicates}[r.Rule]; ok && r.Bad > 0 {
			lines = append(lines, name+" "+string(fault))
		}
	}
	return lines
}
