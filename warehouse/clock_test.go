package warehouse_test

import (
	"testing"
	"time"

	"github.com/pipewatch-dev/pipewatch/warehouse"
)

func TestAClockIsOffOnlyAsFarAsItSurelyIs(t *testing.T) {
	at := time.Date(2026, 6, 15, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name                string
		took, server, wants time.Duration // since it was sent
	}{
		{"between question and answer it may be right", 2 * time.Second, time.Second, 0},
		{"the moment of sending is between", 2 * time.Second, 0, 0},
		{"the moment of receiving too", 2 * time.Second, 2 * time.Second, 0},
		{"a clock that was read late in a slow statement is not ahead", 5 * time.Minute, 5 * time.Minute, 0},
		{"beyond the answer it is ahead", 2 * time.Second, 95 * time.Second, 93 * time.Second},
		{"before the question it is behind", 2 * time.Second, -time.Hour, -time.Hour},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := warehouse.Skew(at, at.Add(c.server).UnixMicro(), at.Add(c.took)); got != c.wants {
				t.Errorf("skew %s, want %s", got, c.wants)
			}
		})
	}
}
