package warehouse

import (
	"context"
	"errors"
	"time"
)

// Rights is what the user of a connection may do besides reading.
type Rights struct {
	// User is who asks, in the engine's words; "" where there are no users.
	User string
	// Beyond says, each in words that follow "it", by what that user could change
	// something: "is a superuser", "may write to tables (3, such as public.orders)".
	Beyond []string
	// Fence is what the engine answers to an attempt to write through a session of
	// ours, one that would change nothing if it succeeded; nil when it lets it pass.
	Fence error
}

// Entitled is a session of an engine that knows users and their rights.
type Entitled interface {
	Session
	// Rights tells the user's rights and tries the fence. It changes nothing.
	Rights(ctx context.Context) (Rights, error)
}

// Rights tells what the connection's user could change. It asks the engine's own
// records of rights: an attempt to write would fail at our read-only sessions, and
// so say nothing of the user.
func (s *Source) Rights(ctx context.Context, at time.Time) (r Rights, err error) {
	session, err := s.session(ctx, at)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, s.release(session)) }()
	ctx, cancel := s.bounded(ctx)
	defer cancel()
	if e, ok := session.(Entitled); ok {
		return e.Rights(ctx)
	}
	return r, errors.New("tell the rights of the connection's user: this engine does not say")
}
