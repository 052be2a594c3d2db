// Package delay puts a network between a client and a PostgreSQL server: a TCP proxy
// that holds every byte back for half a round trip each way, and counts what passes.
//
// It changes nothing, it limits no bandwidth and it loses nothing. It reads no more
// of the protocol than it needs to count.
//
// # Data model
//
// A connection is two streams of chunks, each with the time at which it may leave. A
// round trip is counted when the client sends something after it has received
// something: what a client sends without waiting for answers is one trip.
package delay

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Proxy is a running proxy.
type Proxy struct {
	// Connections, Statements (Parse and simple queries) and Trips count since the
	// last Reset.
	Connections, Statements, Trips atomic.Int64

	listener net.Listener
	target   string
	half     time.Duration
	open     sync.WaitGroup
}

// Listen starts a proxy on a loopback port, in front of target (host:port), with the
// given round-trip time; 0 delays nothing.
func Listen(target string, roundTrip time.Duration) (*Proxy, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &Proxy{listener: l, target: target, half: roundTrip / 2}
	p.open.Go(p.accept)
	return p, nil
}

// Port is where the proxy listens.
func (p *Proxy) Port() int { return p.listener.Addr().(*net.TCPAddr).Port }

// Reset sets all counts to zero.
func (p *Proxy) Reset() {
	p.Connections.Store(0)
	p.Statements.Store(0)
	p.Trips.Store(0)
}

// Close stops listening and waits until the open connections have ended.
func (p *Proxy) Close() error {
	err := p.listener.Close()
	p.open.Wait()
	return err
}

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.open.Go(func() { p.serve(client) })
	}
}

func (p *Proxy) serve(client net.Conn) {
	defer client.Close() //nolint:errcheck // both ends are gone then
	server, err := net.Dial("tcp", p.target)
	if err != nil {
		return
	}
	defer server.Close()     //nolint:errcheck // as above
	<-time.After(2 * p.half) // what it takes to connect
	p.Connections.Add(1)
	var answered atomic.Bool // since the client last sent
	answered.Store(true)
	count := &messages{begun: false}
	var both sync.WaitGroup
	both.Go(func() {
		p.copy(server, client, func(chunk []byte) {
			if answered.Swap(false) {
				p.Trips.Add(1)
			}
			p.Statements.Add(count.statements(chunk))
		})
	})
	both.Go(func() { p.copy(client, server, func([]byte) { answered.Store(true) }) })
	both.Wait()
}

// chunk is bytes and when they may leave.
type chunk struct {
	bytes []byte
	due   time.Time
}

// copy moves bytes until the source ends, each after half a round trip, and then
// ends the other side.
func (p *Proxy) copy(to, from net.Conn, seen func([]byte)) {
	way := make(chan chunk, 4096)
	go func() {
		defer close(way)
		for {
			buffer := make([]byte, 32<<10)
			n, err := from.Read(buffer)
			if n > 0 {
				way <- chunk{buffer[:n], time.Now().Add(p.half)}
			}
			if err != nil {
				return
			}
		}
	}()
	for c := range way {
		if wait := time.Until(c.due); wait > 0 {
			<-time.After(wait)
		}
		seen(c.bytes)
		if _, err := to.Write(c.bytes); err != nil && !errors.Is(err, io.EOF) {
			break
		}
	}
	to.(*net.TCPConn).CloseWrite() //nolint:errcheck // it may be closed already
	for range way {                // the reader must not wait for ever
	}
}

// messages follows the client's side of the protocol.
type messages struct {
	begun bool   // the start-up message, which has no type byte, is over
	rest  []byte // of a message's head
	skip  int    // bytes of the current message's body yet to come
}

// statements counts the Parse and Query messages that begin in a chunk.
func (m *messages) statements(chunk []byte) (n int64) {
	for len(chunk) > 0 {
		if m.skip > 0 {
			step := min(m.skip, len(chunk))
			m.skip, chunk = m.skip-step, chunk[step:]
			continue
		}
		head := 5
		if !m.begun {
			head = 4
		}
		step := min(head-len(m.rest), len(chunk))
		m.rest, chunk = append(m.rest, chunk[:step]...), chunk[step:]
		if len(m.rest) < head {
			return n
		}
		m.skip = int(binary.BigEndian.Uint32(m.rest[head-4:])) - 4
		if m.begun && (m.rest[0] == 'P' || m.rest[0] == 'Q') {
			n++
		}
		// Eight bytes without a type ask for encryption; the start-up message, which is
		// longer, is yet to come.
		m.begun, m.rest = m.begun || m.skip > 4, m.rest[:0]
	}
	return n
}
