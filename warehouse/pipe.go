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
	places := dealt(qs, len(lanes))
	var wg sync.WaitGroup
	for n, lane := range lanes {
		if len(places[n]) > 0 {
			wg.Go(func() {
				for i, a := range s.runLane(ctx, at, lane, picked(qs, places[n])) {
					answers[places[n][i]] = a
				}
			})
		}
	}
	wg.Wait()
}

// dealt tells which questions are whose of some sessions.
func dealt(qs []probe.Question, sessions int) [][]int {
	places := make([][]int, sessions)
	for i, q := range qs {
		lane := laneOf(first(q), sessions)
		places[lane] = append(places[lane], i)
	}
	return places
}

func picked(qs []probe.Question, places []int) []probe.Question {
	own := make([]probe.Question, len(places))
	for i, place := range places {
		own[i] = qs[place]
	}
	return own
}

// laneOf is the lane of a relation, the same in every run.
func laneOf(of probe.Relation, lanes int) int {
	h := fnv.New32a()
	h.Write([]byte(string(of.Table) + of.Query)) //nolint:errcheck // it never fails
	return int(h.Sum32() % uint32(lanes))
}

// runLane answers questions over one lane. Statements that answer several questions
// and fail are taken apart and sent again; so are those that asked too little.
func (s *Source) runLane(ctx context.Context, at time.Time, lane Lane, qs []probe.Question) []probe.Answer {
	answers := make([]probe.Answer, len(qs))
	for send := s.plan(ctx, at, lane, qs, answers); len(send) > 0; {
		send = s.pipe(ctx, lane, send, answers)
	}
	return answers
}

// pipe sends statements over one lane and returns those to be sent next, each for
// fewer questions.
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
			next = append(next, st.apart()...)
		} else {
			next = append(next, st.settle(answers, results, failed, now.Add(-took), took)...)
		}
		results, failed, took = nil, nil, 0
	})
	return next
}
