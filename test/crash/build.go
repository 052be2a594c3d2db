package main

import (
	"context"

	"github.com/pipewatch-dev/pipewatch/test/seeded"
)

// bugs are the seeded ones that a kill test can show: what others do (send, and
// write down afterwards that it was sent; or the other way round), sending again
// after an attempt of which nobody knows how it went, and telling a secret.
var bugs = []string{"mark-after", "mark-first", "no-look-up", "secret-logged"}

// build compiles the real pipewatch, as go build does for anybody, with seeded
// bugs if any are named.
func build(ctx context.Context, binary string, names ...string) error {
	var ill []seeded.Bug
	for _, name := range names {
		ill = append(ill, seeded.Named(name).Bug)
	}
	return seeded.Build(ctx, binary, "cmd/pipewatch", ill...)
}
