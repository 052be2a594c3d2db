//go:build linux

package main

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// write is one pwrite64 to the state file.
type write struct {
	at   int64
	data []byte
}

// epoch is what was written between two syncs.
type epoch struct {
	durable []byte // before it
	size    int64  // of the file, at its end
	writes  []write
	safe    int // steps that were said to be safe before its sync
}

// record has a process write steps and gives the epochs of its state file.
func record(dir string, n int) ([]epoch, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	log, path := filepath.Join(dir, "strace.log"), filepath.Join(dir, "state.db")
	cmd := exec.Command("strace", "-f", "-y", "-xx", "-s", "1048576", "-o", log,
		"-e", "trace=pwrite64,fdatasync,fsync,ftruncate,write", self, writeWord, path, strconv.Itoa(n))
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("strace: %w: %.2000s", err, out)
	}
	f, err := os.Open(log)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	p := &parser{path: path, halves: map[string]string{}}
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		if err := p.line(lines.Text()); err != nil {
			return nil, err
		}
	}
	if len(p.now.writes) > 0 {
		p.epochs = append(p.epochs, p.now)
	}
	return p.epochs, lines.Err()
}

// parser reads the log. Calls that another thread interrupts are in two lines.
type parser struct {
	path   string
	halves map[string]string // the beginning of a call, by thread
	now    epoch
	epochs []epoch
}

var (
	call    = regexp.MustCompile(`^(\w+)\((\d+)<((?:\\x[0-9a-f]{2})*|[^>]*)>(?:, (.*))?\) += (-?\d+)`)
	resumed = regexp.MustCompile(`^<\.\.\. \w+ resumed>`)
)

func (p *parser) line(line string) error {
	thread, rest, _ := strings.Cut(line, " ")
	rest = strings.TrimLeft(rest, " ")
	if begun, cut := strings.CutSuffix(rest, " <unfinished ...>"); cut {
		p.halves[thread] = begun
		return nil
	}
	if m := resumed.FindString(rest); m != "" {
		rest = p.halves[thread] + rest[len(m):]
	}
	m := call.FindStringSubmatch(rest)
	if m == nil {
		return nil // a signal, an exit
	}
	name, fd, file, args := m[1], m[2], unhex(m[3]), m[4]
	if name == "write" && fd == "1" {
		text, _, err := data(args)
		if err != nil {
			return err
		}
		p.now.safe, err = strconv.Atoi(strings.TrimSpace(string(text)))
		return err
	}
	if file != p.path {
		return nil
	}
	return p.call(name, args)
}

// call takes one call on the state file.
func (p *parser) call(name, args string) error {
	switch name {
	case "pwrite64", "write":
		b, more, err := data(args)
		if err != nil {
			return err
		}
		fields := strings.Split(more, ", ")
		at := int64(0)
		if name == "pwrite64" {
			if at, err = strconv.ParseInt(fields[len(fields)-1], 10, 64); err != nil {
				return fmt.Errorf("read offset of %.80s: %w", more, err)
			}
		}
		p.now.writes = append(p.now.writes, write{at, b})
		p.now.size = max(p.now.size, at+int64(len(b)))
	case "ftruncate":
		n, err := strconv.ParseInt(args, 10, 64)
		if err != nil {
			return err
		}
		p.now.size = n
	case "fdatasync", "fsync":
		if len(p.now.writes) == 0 {
			return nil
		}
		p.epochs = append(p.epochs, p.now)
		p.now = epoch{durable: apply(p.now.durable, p.now.writes), size: p.now.size, safe: p.now.safe}
	}
	return nil
}

// apply gives a new image with writes on it.
func apply(image []byte, writes []write) []byte {
	out := append([]byte(nil), image...)
	for _, w := range writes {
		if end := int(w.at) + len(w.data); end > len(out) {
			out = append(out, make([]byte, end-len(out))...)
		}
		copy(out[w.at:], w.data)
	}
	return out
}

// data reads a quoted argument in hex, and gives what follows it.
func data(args string) ([]byte, string, error) {
	text, more, closed := strings.Cut(strings.TrimPrefix(args, `"`), `"`)
	if !closed || strings.HasPrefix(more, "...") {
		return nil, "", fmt.Errorf("strace cut an argument short: %.80s", args)
	}
	b, err := hex.DecodeString(strings.ReplaceAll(text, `\x`, ""))
	return b, more, err
}

func unhex(s string) string {
	b, err := hex.DecodeString(strings.ReplaceAll(s, `\x`, ""))
	if err != nil || !strings.HasPrefix(s, `\x`) {
		return s
	}
	return string(b)
}
