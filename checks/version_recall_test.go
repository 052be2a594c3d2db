package checks_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/pipewatch-dev/pipewatch/checks"
	"github.com/pipewatch-dev/pipewatch/probe"
)

// A check keeps what it last read of a Memory. One that has judged much says of any
// Memory what one says that has judged nothing yet.
func TestVersionSaysTheSameWhateverItJudgedBefore(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		used := diamondCheck(t, "d/t/version")
		memories := []checks.Memory{nil}
		at := moment(t, "2013-06-15T12:00:00Z")
		for range rapid.IntRange(2, 8).Draw(rt, "steps") {
			at.Now = at.Now.Add(time.Duration(rapid.IntRange(1, 90).Draw(rt, "minutes")) * time.Minute)
			// Mostly the newest, as in the service; now and then an older one.
			m := memories[max(0, len(memories)-1-rapid.SampledFrom([]int{0, 0, 0, 1, 3}).Draw(rt, "back"))]
			var answers []probe.Answer
			for _, of := range []string{"t", "a", "b", "x"} {
				answers = append(answers, probe.Answer{Value: content(fmt.Sprint(of, rapid.IntRange(1, 2).Draw(rt, of)))})
			}
			answers = append(answers, probe.Answer{Value: []probe.JobRun(nil)})
			fresh := diamondCheck(t, "d/t/version")
			if got, want := unlesses(used, m, at), unlesses(fresh, m, at); got != want {
				rt.Fatalf("asks unless %s, want %s", got, want)
			}
			got, next := allSaid(rt, used, answers, m, at)
			want, _ := allSaid(rt, fresh, answers, m, at)
			if diff := cmp.Diff(want, got); diff != "" {
				rt.Fatalf("(-fresh +used):\n%s", diff)
			}
			if next != nil {
				memories = append(memories, next)
			}
		}
		if len(memories) < 2 {
			rt.Fatal("nothing was ever remembered: this proves nothing")
		}
	})
}

// allSaid is all that a check says, as text.
func allSaid(t rapid.TB, c *checks.Check, answers []probe.Answer, m checks.Memory, at checks.Moment) (string, checks.Memory) {
	v, next := c.Judge(answers, m, at)
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b) + "\n" + string(next), next
}
