package warehouse

import (
	"fmt"
	"strings"
	"time"

	"github.com/pipewatch-dev/pipewatch/probe"
)

// gather puts the scans of small tables together, most at a time, for engines on
// which a statement costs more than a small scan. Scans that answer values of the same
// kinds fit together, as long as all of them read no more rows than a small table has.
func gather(statements []statement, most int) []statement {
	if most < 2 {
		return statements
	}
	var out []statement
	waiting := make(map[string][]statement) // by shape
	rows := make(map[string]int64)
	for _, st := range statements {
		if !st.small {
			out = append(out, st)
			continue
		}
		all := waiting[st.shape]
		if len(all) == most || len(all) > 0 && rows[st.shape]+st.rows > fewRows {
			out, all = append(out, unite(all)), nil
			rows[st.shape] = 0
		}
		waiting[st.shape] = append(all, st)
		rows[st.shape] += st.rows
	}
	for _, st := range statements { // the rest, in the order of the run
		if all := waiting[st.shape]; st.small && len(all) > 0 {
			out = append(out, unite(all))
			delete(waiting, st.shape)
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
	st := statement{parts: parts}
	texts := make([]string, len(parts))
	for i, part := range parts {
		texts[i] = fmt.Sprintf("%s%d as part,\n  %s", selecting, i, strings.TrimPrefix(part.text(), selecting))
		st.answers = append(st.answers, part.answers...)
	}
	st.sql = []string{strings.Join(texts, "\nunion all\n")}
	return st
}

// apart is what is sent instead of a statement for several questions that failed: what
// it was united from, or one for each question.
func (st statement) apart() []statement {
	if len(st.parts) > 0 {
		return st.parts
	}
	each := make([]statement, len(st.answers))
	for i := range each {
		each[i] = st.alone(i)
	}
	return each
}

// settleParts gives each part of a united statement its rows. Each answer shows the
// scan that it is from.
func (st statement) settleParts(answers []probe.Answer, rows [][]any, err error, started time.Time, took time.Duration) (again []statement) {
	own := make([][][]any, len(st.parts))
	for _, row := range rows {
		if i, ok := row[0].(int64); ok && i >= 0 && i < int64(len(own)) {
			own[i] = append(own[i], row[1:])
		}
	}
	for i, part := range st.parts {
		again = append(again, part.settle(answers, [][][]any{own[i]}, err, started, took)...)
	}
	return again
}
