package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/pipewatch-dev/pipewatch/checks"
	"github.com/pipewatch-dev/pipewatch/dag"
)

// memories is the file of check --state: what checks remember between runs of
// a command that has no service behind it.
type memories map[dag.CheckID]memory

// memory is one check's, with the fingerprint of what the check meant then.
type memory struct {
	Fingerprint string          `json:"fingerprint"`
	Memory      json.RawMessage `json:"memory"`
}

// loadMemories reads the file; no name and no file are no memories.
func loadMemories(path string) (memories, error) {
	m := memories{}
	if path == "" {
		return m, nil
	}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return m, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read --state file: %w", err)
	}
	if err := json.Unmarshal(text, &m); err != nil {
		return nil, fmt.Errorf("--state file %s does not hold what check wrote (%w): delete it to begin anew", path, err)
	}
	return m, nil
}

// of gives the memories that still fit the checks.
func (m memories) of(cs []*checks.Check) map[dag.CheckID]checks.Memory {
	past := map[dag.CheckID]checks.Memory{}
	for _, c := range cs {
		if mem, ok := m[c.ID()]; ok && (c.MemoryOf == "" || mem.Fingerprint == c.MemoryOf) {
			past[c.ID()] = checks.Memory(mem.Memory)
		}
	}
	return past
}

// save writes the file anew with what the results remember; it is replaced in
// one step.
func (m memories) save(path string, s *checks.Suite, results []checks.Result) error {
	for _, r := range results {
		if r.Memory != nil {
			m[r.Check] = memory{Fingerprint: s.Check(r.Check).Fingerprint, Memory: json.RawMessage(r.Memory)}
		}
	}
	text, err := json.MarshalIndent(m, "", " ")
	if err != nil {
		return fmt.Errorf("write --state file: %w", err)
	}
	tmp := path + ".new"
	if err := os.WriteFile(tmp, text, 0o600); err != nil {
		return fmt.Errorf("write --state file: %w", err)
	}
	if err := os.Rename(tmp, path); err != nil {
		return fmt.Errorf("write --state file: %w", err)
	}
	return nil
}
