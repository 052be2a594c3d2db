package main

import (
	"context"

	"github.com/pipewatch-dev/pipewatch/test/seeded"
)

const hits = `"github.com/pipewatch-dev/pipewatch/test/points/hit"`

// points are the named ones, in the order of a message's life.
var points = []string{"committing", "committed", "intending", "intended", "posted", "marking", "marked", "editing", "edited", "looked"}

// laid are the edits of the source that lay the points. After each a line of
// pipewatch stands as it was.
var laid = []seeded.Bug{
	{Pkg: "store", File: "store.go", Right: "import (\n", Wrong: "import (\n\t" + hits + "\n"},
	{
		Pkg: "store", File: "store.go",
		Right: "	err := d.bolt.Update(func(tx *bbolt.Tx) error {\n		refused = tallying(tx, fn)\n		return refused\n	})\n",
		Wrong: `	var err error
	hit.OnOneThread(func() {
		err = d.bolt.Update(func(tx *bbolt.Tx) error {
			if refused = tallying(tx, fn); refused == nil {
				refused = hit.At("committing")
			}
			return refused
		})
	})
	if err == nil {
		err = hit.At("committed")
	}
`,
	},
	{Pkg: "notify", File: "attempt.go", Right: "import (\n", Wrong: "import (\n\t" + hits + "\n"},
	after("	p.Intent = Intent{Attempt: p.Attempts, Started: time.Now()}\n", "intending"),
	before("	bounded, cancel := d.bounded(ctx)\n	ref, err := d.way.Post(", "intended"),
	after("	ref, err := d.way.Post(bounded, p.Channel, thread, n)\n	cancel()\n", "posted"),
	before("	if err := d.save(p); err != nil {\n		return err\n	}\n	return d.relief()\n", "marking"),
	before("	return d.relief()\n", "marked"),
	before("	err := d.update(ctx, p.Ref, n)\n", "editing"),
	after("	err := d.update(ctx, p.Ref, n)\n", "edited"),
	after("	ref, found, err := d.way.Find(bounded, p.Channel, thread, p.ID(), p.Intent.Started)\n	cancel()\n", "looked"),
}

func call(point string) string {
	return "	if err := hit.At(\"" + point + "\"); err != nil {\n		return err\n	}\n"
}

func before(line, point string) seeded.Bug {
	return seeded.Bug{Pkg: "notify", File: "attempt.go", Right: line, Wrong: call(point) + line}
}

func after(line, point string) seeded.Bug {
	return seeded.Bug{Pkg: "notify", File: "attempt.go", Right: line, Wrong: line + call(point)}
}

// build compiles pipewatch with its points, and with seeded bugs if any are named.
func build(ctx context.Context, binary string, bugs ...string) error {
	var edits []seeded.Bug
	for _, name := range bugs {
		edits = append(edits, seeded.Named(name).Bug)
	}
	return seeded.Build(ctx, binary, "cmd/pipewatch", append(edits, laid...)...)
}
