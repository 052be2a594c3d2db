package warehouse

import (
	"time"

	"github.com/pipewatch-dev/pipewatch/probe"
)

// Clocked is a Session whose server has a clock of its own.
type Clocked interface {
	// Skew is how far the server's clock was last found to be ahead of ours, negative
	// where it is behind; 0 where it was not looked at.
	Skew() time.Duration
}

// Skew is how far a server's clock is surely off ours, by what it showed between two
// moments of ours, in microseconds since 1970: 0 where that lies between them. Half of
// the round trip is not taken off, as a statement that waits for a minute before it
// reads the clock would put a clock that is right half a minute behind.
func Skew(sent time.Time, micros int64, received time.Time) time.Duration {
	server := time.UnixMicro(micros)
	switch {
	case server.After(received):
		return server.Sub(received)
	case server.Before(sent):
		return server.Sub(sent)
	}
	return 0
}

// noteSkew tells in every answer of a run how far the clock of the server is off.
func noteSkew(session Session, answers []probe.Answer) {
	c, ok := session.(Clocked)
	if !ok {
		return
	}
	skew := c.Skew()
	for i := range answers {
		answers[i].Skew = skew
	}
}
