package dag

import (
	"bytes"
	"maps"
	"reflect"
	"runtime"
	"slices"
	"sync"

	"github.com/pipewatch-dev/pipewatch/conf"
)

// Load reads DAG files and builds the graph over them. It returns every problem of
// every file and between them. The graph is never nil: it holds the DAGs of the files
// that no problem points at. What the others depend on in a broken file is not
// reported again; such edges are left out.
func Load(files []File, known Known) (*Graph, conf.Problems) {
	return new(Loader).Load(files, known)
}

// Loader loads one set of files after the other. A file that is the same as the time
// before is not read again, as long as what is known is the same: its DAG and nodes are
// those of before. All else is as if everything were loaded anew. It is not for
// concurrent use, and the texts of files must not change after.
type Loader struct {
	known Known
	kept  map[string]keptFile // by name
}

// keptFile is a file as it was read.
type keptFile struct {
	src []byte
	readFile
}

// Load is what the function of this name does.
func (l *Loader) Load(files []File, known Known) (*Graph, conf.Problems) {
	var problems conf.Problems
	var dags []*DAG
	broken := map[NodeID]bool{}
	for _, f := range l.readAll(files, known) {
		if f.dag != nil {
			dags = append(dags, f.dag)
		}
		maps.Copy(broken, f.broken)
		problems.Merge(f.problems)
	}
	g, between := newGraph(dags, broken)
	g.calendars = known.Calendars
	problems.Merge(between)
	if len(problems) == 0 {
		return g, nil
	}
	faulty := map[string]bool{}
	for _, p := range problems {
		faulty[p.Pos.File] = true
	}
	whole := g
	whole.lost = maps.Clone(broken)
	sound := slices.DeleteFunc(slices.Clone(dags), func(d *DAG) bool { return faulty[d.File] })
	for _, d := range dags {
		if faulty[d.File] {
			broken[anyNodeOf(d.Name)] = true
		}
	}
	g, _ = newGraph(sound, broken)
	g.whole, g.calendars = whole, known.Calendars
	return g, problems
}

// readFile is what was read from one file.
type readFile struct {
	dag      *DAG // nil where nothing could be
	broken   map[NodeID]bool
	problems conf.Problems
}

// readAll reads the files, in their order, by all processors at once.
func (l *Loader) readAll(files []File, known Known) []readFile {
	if !reflect.DeepEqual(l.known, known) {
		l.known, l.kept = known, nil
	}
	out := make([]readFile, len(files))
	free := make(chan struct{}, runtime.GOMAXPROCS(0))
	var wg sync.WaitGroup
	for i, f := range files {
		if before, is := l.kept[f.Name]; is && bytes.Equal(before.src, f.Src) {
			out[i] = before.readFile
			continue
		}
		wg.Go(func() {
			free <- struct{}{}
			defer func() { <-free }()
			r := reader{known: known, broken: map[NodeID]bool{}}
			d := r.file(f)
			out[i] = readFile{d, r.broken, once(r.problems)}
		})
	}
	wg.Wait()
	l.kept = make(map[string]keptFile, len(files))
	for i, f := range files {
		l.kept[f.Name] = keptFile{f.Src, out[i]}
	}
	return out
}
