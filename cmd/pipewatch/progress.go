package main

import (
	"fmt"
	"os"
	"time"

	"golang.org/x/term"
)

// progress shows that something is going on when it lasts: a line that is
// renewed on a terminal, nothing at all elsewhere.
type progress struct {
	done chan struct{}
	gone chan struct{}
}

// startProgress begins to show what is being done once that lasts two seconds.
func (a *app) startProgress(what string) *progress {
	p := &progress{done: make(chan struct{}), gone: make(chan struct{})}
	f, ok := a.stderr.(*os.File)
	if !ok || a.quiet || !term.IsTerminal(int(f.Fd())) {
		close(p.gone)
		return p
	}
	go func() {
		defer close(p.gone)
		began := time.Now()
		tick := time.NewTicker(200 * time.Millisecond)
		defer tick.Stop()
		const bar = "▏▎▍▌▋▊▉█"
		for n := 0; ; n++ {
			select {
			case <-p.done:
				if time.Since(began) > 2*time.Second {
					fmt.Fprint(f, "\r\033[K")
				}
				return
			case <-tick.C:
				if d := time.Since(began); d > 2*time.Second {
					fmt.Fprintf(f, "\r\033[K%c %s, %s", []rune(bar)[n%8], what, d.Round(time.Second))
				}
			}
		}
	}()
	return p
}

// stop ends the show and clears the line.
func (p *progress) stop() {
	close(p.done)
	<-p.gone
}
