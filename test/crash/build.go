package main

import (
	"context"

	"github.com/pipewatch-dev/pipewatch/test/seeded"
)

// bugs are the seeded ones that a kill test can show: what others do (send, and
// write down afterwards that it was sent; or the other way round), and sending
// again after an attempt of which nobody knows how it went.
var bugs = []string{"mark-after", "mark-first", "no-look-up"}

// build compiles the real pipewatch, as go build does for anybody, with a
// seeded bug if one is named.
func build(ctx context.Context, binary, bug string) error {
	if bug == "" {
		return seeded.Build(ctx, binary, "cmd/pipewatch", nil)
	}
	ill := seeded.Named(bug).Bug
	return seeded.Build(ctx, binary, "cmd/pipewatch", &ill)
}
