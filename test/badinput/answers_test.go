package badinput_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/pipewatch-dev/pipewatch/incident"
	"github.com/pipewatch-dev/pipewatch/notify"
	"github.com/pipewatch-dev/pipewatch/notify/slack"
)

// A message is never taken for delivered, or for not there, by an answer that does
// not say so: a post of which nothing is known is looked up before it is tried again.
func TestAnswersOfSlackThatAreWrongAreNeverTakenForGood(t *testing.T) {
	all, said := read(t, "answers"), map[string][]string{}
	for _, c := range all {
		url := speaker(t, c.of('=')[0])
		// Each call has a connection of its own: what is left on one spoils the next.
		client := func() *slack.Client {
			return slack.New(slack.Config{Token: "xoxb-1", APIURL: url + "/api/", Timeout: 20 * time.Second})
		}
		n := notify.Notice{ID: "inc-1/0", Seq: 1, Incident: incident.Incident{ID: "inc-1", Root: "steady/broken"}}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, post := client().Post(t.Context(), "C0ALERTS00", notify.Ref{}, n)
		edit := client().Update(t.Context(), notify.Ref{Channel: "C0ALERTS00", TS: "1.1"}, n)
		_, found, look := client().Find(t.Context(), "C0ALERTS00", notify.Ref{}, n.ID, time.Unix(1e9, 0))
		runtime.ReadMemStats(&after)
		said[c.name] = []string{"post: " + classed(url, post), "edit: " + classed(url, edit), "look-up: " + classed(url, look)}
		if found || look == nil {
			t.Errorf("%s: it is taken for a history (found: %v)", c.name, found)
		}
		// Each of the three calls has its own; a part is the collector's already.
		if took := after.TotalAlloc - before.TotalAlloc; took > 3*mostMemory {
			t.Errorf("%s: %d MiB were taken", c.name, took>>20)
		}
	}
	compare(t, "answers", all, said)
}

// classed is an error as the sender takes it.
func classed(url string, err error) string {
	if err == nil {
		return "delivered"
	}
	class, after := notify.ClassOf(err)
	word := string(class)
	if after > 0 {
		word += fmt.Sprintf(" after %v", after)
	}
	host := strings.TrimPrefix(url, "http://")
	if op, ok := errors.AsType[*net.OpError](err); ok { // which end notices first is chance
		return word + ": " + op.Op + " broke off"
	}
	return word + ": " + strings.ReplaceAll(err.Error(), host, "slack.test")
}

// speaker answers every request with the same bytes, whatever it asks.
func speaker(t *testing.T, answer string) (url string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go speak(conn, answer)
		}
	}()
	return "http://" + l.Addr().String()
}

func speak(conn net.Conn, answer string) {
	defer conn.Close()
	r, err := http.ReadRequest(bufio.NewReader(conn))
	if err != nil {
		return
	}
	_, _ = io.Copy(io.Discard, r.Body)   // all of it, or the connection is reset
	_, _ = io.WriteString(conn, answer)  // fails when enough was heard
	_ = conn.(*net.TCPConn).CloseWrite() // and then nothing
	_, _ = io.Copy(io.Discard, conn)     // until the other side has read it
}
