//go:build linux

package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/pipewatch-dev/pipewatch/test/chronicle"
)

// writeWord as the first argument makes the process a writer.
const writeWord = "write-steps"

// writeAsChild is the child process: it writes steps to a file, from one on, and
// says each that is safe, until there is no power any more.
func writeAsChild() {
	if len(os.Args) != 4 || os.Args[1] != writeWord {
		return
	}
	from, err := strconv.Atoi(os.Args[3])
	if err == nil {
		err = chronicle.WriteSteps(os.Args[2], from, steps, os.Stdout)
	}
	if err == nil {
		select {} // wait for the end
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// writer is a running child.
type writer struct {
	cmd   *exec.Cmd
	safe  atomic.Int64  // steps that it said to be safe
	began chan struct{} // closed when it begins to write, or has ended
	over  chan struct{}
}

func startWriter(path string, from int) (*writer, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	w := &writer{cmd: exec.Command(self, writeWord, path, strconv.Itoa(from)), began: make(chan struct{}), over: make(chan struct{})}
	w.safe.Store(int64(from))
	out, err := w.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := w.cmd.Start(); err != nil {
		return nil, err
	}
	go w.listen(out)
	return w, nil
}

func (w *writer) listen(out io.Reader) {
	defer close(w.over)
	begin := sync.OnceFunc(func() { close(w.began) })
	defer begin()
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if n, err := strconv.ParseInt(lines.Text(), 10, 64); err == nil {
			w.safe.Store(n)
			begin()
		}
	}
}

// kill ends the child and gives the number of steps that it said to be safe.
func (w *writer) kill() int {
	_ = w.cmd.Process.Kill()
	<-w.over
	_ = w.cmd.Wait() // killed
	return int(w.safe.Load())
}
