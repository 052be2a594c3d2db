package postgres_test

import (
	"testing"
	"time"

	"github.com/pipewatch-dev/pipewatch/probe"
	"github.com/pipewatch-dev/pipewatch/warehouse"
)

// Every answer says how far the server's clock is off ours. The server's is that of
// this machine; it is ours that is set here.
func TestAnswersTellHowFarTheClockOfTheServerIsOff(t *testing.T) {
	address := dsn("postgres", fresh(t, "create table t as select 1 as a"))
	for _, c := range []struct {
		name string
		ours time.Duration // ahead of this machine's
	}{
		{"the same clock", 0},
		{"the server is an hour behind", time.Hour},
		{"the server is an hour ahead", -time.Hour},
	} {
		t.Run(c.name, func(t *testing.T) {
			source := open(t, address, warehouse.Limits{MaxQueries: 2, FreeSQL: true, Now: func() time.Time { return time.Now().Add(c.ours) }})
			for _, a := range ask(t, source, probe.Rows{Of: rel("t")}, probe.Columns{Of: rel("t")}, probe.Rows{Of: rel("absent")}) {
				if off := a.Skew + c.ours; off.Abs() > time.Minute {
					t.Errorf("skew %s, want about %s", a.Skew, -c.ours)
				}
			}
		})
	}
}
