package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pipewatch-dev/pipewatch/test/seeded"
)

// bugs are the seeded ones by name.
var bugs = map[string]seeded.Bug{
	// What most others do: send, and write down afterwards that it was sent.
	"mark-after": {
		Pkg: "notify", File: "attempt.go",
		Right: "if err := d.save(append([]Post{p}, tells...)...); err != nil {\n\t\treturn err\n\t}",
		Wrong: "_ = tells",
	},
	// What the rest do: write down that it was sent, and send.
	"mark-first": {
		Pkg: "notify", File: "attempt.go",
		Right: "if err := d.save(append([]Post{p}, tells...)...)",
		Wrong: "marked := p\n\tmarked.Shown, marked.Intent = p.Want, Intent{}\n\tif err := d.save(append([]Post{marked}, tells...)...)",
	},
	// After an attempt of which nobody knows how it went, send again.
	"no-look-up": {
		Pkg: "notify", File: "destination.go",
		Right: "if p.Intent.IsZero() || d.oneWay {",
		Wrong: "if true {",
	},
}

func bugNames() []string { return slices.Sorted(maps.Keys(bugs)) }

// build compiles the real pipewatch, as go build does for anybody, with a
// seeded bug if one is named.
func build(ctx context.Context, binary, bug string) error {
	if bug == "" {
		return seeded.Build(ctx, binary, "cmd/pipewatch", nil)
	}
	b, ok := bugs[bug]
	if !ok {
		return fmt.Errorf("no seeded bug %q; there are: %s", bug, strings.Join(bugNames(), ", "))
	}
	return seeded.Build(ctx, binary, "cmd/pipewatch", &b)
}
