package main

import (
	"encoding/json"
	"slices"

	"github.com/pipewatch-dev/pipewatch/dag"
)

// trendLength is how many runs the small picture in a message shows.
const trendLength = 20

// trend is what a check has seen in its last runs as one number each, oldest
// first; nothing where it sees no such number, or where the past cannot be read.
func (s *service) trend(id dag.CheckID) []float64 {
	runs, err := s.store.History(id.Node(), trendLength)
	if err != nil {
		s.log.Warn("no picture of the past in a message", "check", id, "err", err)
		return nil
	}
	var values []float64
	for _, run := range slices.Backward(runs) {
		for _, r := range run.Results {
			raw, _ := r.Verdict.Observed.(json.RawMessage)
			var seen map[string]any
			if r.Check != id || json.Unmarshal(raw, &seen) != nil {
				continue
			}
			for _, name := range figures {
				if v, ok := seen[name].(float64); ok {
					values = append(values, v)
					break
				}
			}
		}
	}
	return values
}
