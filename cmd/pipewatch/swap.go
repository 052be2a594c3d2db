package main

import (
	"context"
	"sync"
	"time"

	"github.com/pipewatch-dev/pipewatch/probe"
)

// swapSource is a source that can be replaced while it is asked: the old one
// is closed when its last question is answered.
type swapSource struct {
	mu     sync.RWMutex
	source probe.Source
	close  func() error
}

func newSwapSource(source probe.Source, closeSource func() error) *swapSource {
	return &swapSource{source: source, close: closeSource}
}

// Ask asks the source of the moment.
func (s *swapSource) Ask(ctx context.Context, at time.Time, qs []probe.Question) []probe.Answer {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.source.Ask(ctx, at, qs)
}

// swap puts another source in its place, when nothing is being asked.
func (s *swapSource) swap(source probe.Source, closeSource func() error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.close
	s.source, s.close = source, closeSource
	return old()
}

// Close closes the source.
func (s *swapSource) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.close()
}
