package main

import (
	"slices"

	"github.com/pipewatch-dev/pipewatch/checks"
	"github.com/pipewatch-dev/pipewatch/conf"
	"github.com/pipewatch-dev/pipewatch/incident"
)

// taken is what became of the DAG files.
type taken struct {
	suite  *checks.Suite
	used   map[string][]byte // the text in use, by file
	broken []incident.Broken
}

// takeUp compiles DAG files, each on its own: one that is broken is replaced by
// its last good version, and left out where there is none, while the others are
// taken up as they are. Replacing one file can break another that needs what
// the first no longer has; then that one stays behind, too.
func (l *loader) takeUp(files []conf.Source, unread conf.Problems, good map[string][]byte, cfg config) taken {
	t := taken{used: map[string][]byte{}}
	replaced := map[string]bool{}
	current := slices.Clone(files)
	note := func(problems conf.Problems) bool {
		changed := false
		for _, p := range problems {
			file := p.Pos.File
			if replaced[file] {
				continue
			}
			replaced[file], changed = true, true
			t.broken = append(t.broken, incident.Broken{File: file, Problem: p.Error()})
			n := slices.IndexFunc(current, func(s conf.Source) bool { return s.File == file })
			text, known := good[file]
			switch {
			case known && n >= 0:
				current[n].Data = text
			case known:
				current = append(current, conf.Source{File: file, Data: text})
			case n >= 0:
				current = slices.Delete(current, n, n+1)
			}
		}
		return changed
	}
	note(unread)
	for {
		suite, problems := l.compile(current, cfg)
		if len(problems) == 0 || !note(problems) {
			// What is still wrong now is wrong with last good versions among
			// each other; the suite holds what is sound.
			t.suite = suite
			break
		}
	}
	for _, s := range current {
		t.used[s.File] = s.Data
	}
	return t
}
