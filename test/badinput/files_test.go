package badinput_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pipewatch-dev/pipewatch/checks"
	"github.com/pipewatch-dev/pipewatch/conf"
	"github.com/pipewatch-dev/pipewatch/dag"
	"github.com/pipewatch-dev/pipewatch/test/rig"
	"github.com/pipewatch-dev/pipewatch/test/seeded"
)

// problems are all that is wrong with a DAG file beside the steady one, as
// `validate` tells it.
func problems(t *testing.T, src string) []conf.Problem {
	t.Helper()
	known := dag.Known{Connections: map[string]bool{"wh": true}, Owners: map[string]bool{"data": true}, Zone: time.UTC, Calendars: map[string]dag.Calendar{}}
	g, found := dag.Load([]dag.File{{Name: "dags/shop.yaml", Src: []byte(src)}, {Name: "dags/steady.yaml", Src: []byte(sound(t, "steady.yaml"))}}, known)
	_, more := checks.Compile(g, checks.Builtin())
	found.Merge(more)
	sorted, _ := found.Err().(conf.Problems) // nil where nothing is wrong
	return sorted
}

// mostProblems is how many problems of one input are in its paragraph.
const mostProblems = 3

// placed are problems as they are said, each with its place in the file.
func placed(t *testing.T, name string, found []conf.Problem) []string {
	t.Helper()
	if len(found) == 0 {
		return []string{"fine"}
	}
	var out []string
	for n, p := range found {
		if n == mostProblems {
			out = append(out, fmt.Sprintf("… %d more", len(found)-n))
			break
		}
		if (p.Pos.Line == 0 || p.Pos.Col == 0) && !strings.HasPrefix(p.Msg, "the file has") {
			t.Errorf("%s: no line and column: %v", name, p)
		}
		said := strings.TrimSpace(strings.TrimPrefix(p.Error(), p.Pos.File+":"))
		if p.Hint != "" {
			said += " (" + p.Hint + ")"
		}
		out = append(out, said)
	}
	return out
}

// taken is what the service has taken up.
type taken struct {
	nodes  []string          // that are watched
	broken map[string]string // files that are not in use, and what it says of them
}

func (s *service) taken(t *testing.T) taken {
	t.Helper()
	var all struct {
		DAGs   []struct{ Nodes []string }
		Broken []struct{ File, Problem string }
	}
	s.ask(t, "/api/v1/dags", &all)
	out := taken{broken: map[string]string{}}
	for _, d := range all.DAGs {
		out.nodes = append(out.nodes, d.Nodes...)
	}
	for _, b := range all.Broken {
		out.broken[strings.TrimPrefix(b.File, s.dir+"/")] = strings.TrimPrefix(b.Problem, b.File+":")
	}
	return out
}

// reload has the files taken up.
func (s *service) reload(t *testing.T) (int, string) {
	t.Helper()
	code, body, err := rig.Post(t.Context(), s.page+"/-/reload")
	if err != nil {
		t.Fatal(s.process.WithLog(fmt.Errorf("the service does not answer any more: %w", err)))
	}
	return code, strings.ReplaceAll(string(body), s.dir+"/", "")
}

func TestASpoiltDAGFileIsExplainedAndItsLastGoodVersionStaysInUse(t *testing.T) {
	s := start(t, binary(t))
	all := read(t, "dag")
	said, wrong := s.spoilDAG(t, all)
	for _, w := range wrong {
		t.Error(w)
	}
	s.goesOn(t)
	s.bounded(t)
	compare(t, "dag", all, said)
}

// The control: a service that forgets the last good version must be seen to.
func TestControlAServiceThatForgetsTheLastGoodVersionIsFoundOut(t *testing.T) {
	ill := filepath.Join(built, "ill", "pipewatch")
	if err := seeded.Build(t.Context(), ill, "cmd/pipewatch", seeded.Named("last-good-forgotten").Bug); err != nil {
		t.Fatal(err)
	}
	if _, wrong := start(t, ill).spoilDAG(t, read(t, "dag")[:3]); len(wrong) == 0 {
		t.Error("nothing was found")
	}
}

// spoilDAG puts spoilt DAG files in the place of the sound one. It gives what is
// said of each, and what is wrong with how the service takes it.
func (s *service) spoilDAG(t *testing.T, all []spoilt) (said map[string][]string, wrong []string) {
	t.Helper()
	good := sound(t, "shop.yaml")
	said = map[string][]string{}
	if p := problems(t, good); len(p) > 0 {
		t.Fatalf("the sound file is not sound: %v", p)
	}
	was := s.taken(t).nodes
	complain := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	for _, c := range all {
		src := c.file(t, good)
		found := problems(t, src)
		said[c.name] = placed(t, c.name, found)
		s.write(t, "dags/shop.yaml", src)
		s.costs(t, c.name, func() {
			if code, body := s.reload(t); code != 200 {
				complain("%s: the reload answers %d: %s", c.name, code, body)
			}
		})
		is := s.taken(t)
		problem, isBroken := is.broken["dags/shop.yaml"]
		switch {
		case len(found) == 0 && len(is.broken) > 0 || len(found) > 0 && len(is.broken) != 1:
			complain("%s: the service says of the files: %v", c.name, is.broken)
		case len(found) > 0 && (!isBroken || !slices.ContainsFunc(found, func(p conf.Problem) bool { return strings.HasSuffix(p.Error(), problem) })):
			complain("%s: the service says %q of what is %q", c.name, problem, said[c.name])
		}
		if d := cmp.Diff(was, is.nodes); len(found) > 0 && d != "" {
			complain("%s: a broken file changed what is watched:\n%s", c.name, d)
		}
		if len(found) == 0 { // it is the last good version now
			s.write(t, "dags/shop.yaml", good)
			s.reload(t)
		}
	}
	s.write(t, "dags/shop.yaml", good)
	if code, body := s.reload(t); code != 200 || len(s.taken(t).broken) > 0 {
		complain("the sound file is not taken up any more: %d %s %v", code, body, s.taken(t).broken)
	}
	return said, wrong
}

func TestASpoiltOperatorsFileIsExplainedAndChangesNothing(t *testing.T) {
	s := start(t, binary(t))
	good, all, said := sound(t, "operator.yaml"), read(t, "operator"), map[string][]string{}
	was := s.taken(t).nodes
	for _, c := range all {
		s.write(t, "pipewatch.yaml", c.file(t, good))
		s.costs(t, c.name, func() {
			code, body := s.reload(t)
			said[c.name] = answer(code, body)
			for file, problem := range s.taken(t).broken {
				said[c.name] = []string{file + ":" + problem}
			}
		})
		if code, _ := s.reload(t); code != 200 && cmp.Diff(was, s.taken(t).nodes) != "" {
			t.Errorf("%s: a file that was refused changed what is watched", c.name)
		}
		s.write(t, "pipewatch.yaml", good)
		if code, body := s.reload(t); code != 200 {
			t.Fatalf("after %s the sound file is refused: %d %s", c.name, code, body)
		}
	}
	s.goesOn(t)
	s.bounded(t)
	compare(t, "operator", all, said)
}

// answer is what a reload says, a line for each problem with what to do; its
// excerpts of the file are left out.
func answer(code int, body string) []string {
	if code == 200 {
		return []string{"fine"}
	}
	var out []string
	for line := range strings.Lines(strings.TrimSpace(strings.TrimPrefix(body, "nothing was changed: "))) {
		line = strings.TrimSuffix(line, "\n")
		switch hint, hints := strings.CutPrefix(line, "    hint: "); {
		case hints:
			out[len(out)-1] += " (" + hint + ")"
		case !strings.HasPrefix(line, " "):
			out = append(out, line)
		}
	}
	if len(out) > mostProblems {
		out = append(out[:mostProblems], fmt.Sprintf("… %d more", len(out)-mostProblems))
	}
	return out
}
