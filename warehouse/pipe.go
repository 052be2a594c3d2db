package warehouse

import (
	"context"
	"hash/fnv"
	"sync"
	"time"

	"github.com/pipewatch-dev/pipewatch/probe"
)

// pipe executes the statements of a run over all lanes at once. What reads a table
// goes by the lane of that table in every run, so that the server learns about a
// table on one connection only. Statements that answer several questions and fail
// are taken apart and sent again, once.
func (s *Source) pipe(ctx context.Context, session Piped, qs []probe.Question, statements []statement, answers []probe.Answer) {
	lanes := make([][]statement, session.Lanes())
	for _, st := range statements {
		of := first(qs[st.answers[0]])
		h := fnv.New32a()
		h.Write([]byte(string(of.Table) + of.Query)) //nolint:errcheck // it never fails
		lane := int(h.Sum32() % uint32(len(lanes)))
		lanes[lane] = append(lanes[lane], st)
	}
	var wg sync.WaitGroup
	for lane, all := range lanes {
		if len(all) > 0 {
			wg.Go(func() {
				if apart := s.pipeLane(ctx, session, lane, all, answers); len(apart) > 0 {
					s.pipeLane(ctx, session, lane, apart, answers)
				}
			})
		}
	}
	wg.Wait()
}

// pipeLane sends statements over one lane and returns those to be sent again, each
// for one question.
func (s *Source) pipeLane(ctx context.Context, session Piped, lane int, statements []statement, answers []probe.Answer) (apart []statement) {
	var sql []string
	var owner []int
	for i, st := range statements {
		for _, text := range st.sql {
			sql, owner = append(sql, text), append(owner, i)
		}
	}
	var results [][][]any
	var failed error
	var took time.Duration
	last := s.limits.Now()
	session.Pipe(ctx, lane, sql, func(i int, rows [][]any, err error) {
		now := s.limits.Now()
		took += now.Sub(last)
		last = now
		results = append(results, rows)
		if failed == nil {
			failed = err
		}
		st := statements[owner[i]]
		if len(results) < len(st.sql) {
			return
		}
		if failed != nil && len(st.answers) > 1 && ctx.Err() == nil {
			for n := range st.answers {
				apart = append(apart, st.alone(n))
			}
		} else {
			st.settle(answers, results, failed, now.Add(-took), took)
		}
		results, failed, took = nil, nil, 0
	})
	return apart
}
