package warehouse

import (
	"context"
	"hash/fnv"
	"sync"
	"time"

	"github.com/pipewatch-dev/pipewatch/probe"
)

// runLanes plans and executes a run over all lanes at once. What reads a table goes by
// the lane of that table in every run, so that the server learns about a table on one
// connection only; a lane sends while another one still reads columns.
func (s *Source) runLanes(ctx context.Context, at time.Time, lanes []Lane, qs []probe.Question, answers []probe.Answer) {
	places := make([][]int, len(lanes))
	for i, q := range qs {
		lane := laneOf(first(q), len(lanes))
		places[lane] = append(places[lane], i)
	}
	var wg sync.WaitGroup
	for n, lane := range lanes {
		if len(places[n]) > 0 {
			wg.Go(func() {
				own := make([]probe.Question, len(places[n]))
				for i, place := range places[n] {
					own[i] = qs[place]
				}
				for i, a := range s.runLane(ctx, at, lane, own) {
					answers[places[n][i]] = a
				}
			})
		}
	}
	wg.Wait()
}

// laneOf is the lane of a relation, the same in every run.
func laneOf(of probe.Relation, lanes int) int {
	h := fnv.New32a()
	h.Write([]byte(string(of.Table) + of.Query)) //nolint:errcheck // it never fails
	return int(h.Sum32() % uint32(lanes))
}

// runLane answers questions over one lane. Statements that answer several questions
// and fail are taken apart and sent again, once; so are those that asked too little.
func (s *Source) runLane(ctx context.Context, at time.Time, lane Lane, qs []probe.Question) []probe.Answer {
	answers := make([]probe.Answer, len(qs))
	for send := s.plan(ctx, at, lane, qs, answers); len(send) > 0; {
		send = s.pipe(ctx, lane, send, answers)
	}
	return answers
}

// pipe sends statements over one lane and returns those to be sent next, each for one
// question.
func (s *Source) pipe(ctx context.Context, lane Lane, statements []statement, answers []probe.Answer) (next []statement) {
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
	lane.Pipe(ctx, sql, func(i int, rows [][]any, err error) {
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
				next = append(next, st.alone(n))
			}
		} else {
			next = append(next, st.settle(answers, results, failed, now.Add(-took), took)...)
		}
		results, failed, took = nil, nil, 0
	})
	return next
}
