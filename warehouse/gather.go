package warehouse

import (
	"context"
	"fmt"
	"strings"

	"github.com/pipewatch-dev/pipewatch/probe"
)

// gather puts the scans of small tables together, most at a time, for engines on
// which a statement costs more than a small scan. Scans that answer as many columns
// fit together. A statement that fails is sent again scan by scan.
func gather(statements []statement, most int) []statement {
	if most < 2 {
		return statements
	}
	var out []statement
	waiting := make(map[int][]statement)
	for _, st := range statements {
		if !st.small {
			out = append(out, st)
			continue
		}
		all := append(waiting[st.width], st)
		if len(all) == most {
			out, all = append(out, unite(all)), nil
		}
		waiting[st.width] = all
	}
	for _, st := range statements { // the rest, in the order of the run
		if all := waiting[st.width]; st.small && len(all) > 0 {
			out = append(out, unite(all))
			delete(waiting, st.width)
		}
	}
	return out
}

// unite makes one statement of several; each row tells by its first column whose it
// is.
func unite(parts []statement) statement {
	if len(parts) == 1 {
		return parts[0]
	}
	var st statement
	texts := make([]string, len(parts))
	for i, part := range parts {
		texts[i] = fmt.Sprintf("select %d as part, * from (\n%s\n) as scan", i, part.text())
		st.answers = append(st.answers, part.answers...)
	}
	st.sql = []string{strings.Join(texts, "\nunion all\n")}
	st.parts = parts
	return st
}

// executeParts sends a united statement. Each answer shows the scan that it is from.
func (s *Source) executeParts(ctx context.Context, session Session, st statement, answers []probe.Answer) {
	started := s.limits.Now()
	rows, err := s.query(ctx, session, st.text())
	took := s.limits.Now().Sub(started)
	if err != nil && ctx.Err() == nil {
		for _, part := range st.parts {
			s.execute(ctx, session, part, answers)
		}
		return
	}
	own := make([][][]any, len(st.parts))
	for _, row := range rows {
		if i, ok := row[0].(int64); ok && i >= 0 && i < int64(len(own)) {
			own[i] = append(own[i], row[1:])
		}
	}
	for i, part := range st.parts {
		for _, more := range part.settle(answers, [][][]any{own[i]}, err, started, took) {
			s.execute(ctx, session, more, answers)
		}
	}
}
