package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

const module = "github.com/pipewatch-dev/pipewatch"

// seeded is a bug put into pipewatch on purpose: a piece of one of its source
// files, and what is compiled in its place. The file itself is never touched,
// and pipewatch needs no hook for it.
type seeded struct {
	pkg, file    string
	right, wrong string
}

// bugs are the seeded ones by name.
var bugs = map[string]seeded{
	// What most others do: send, and write down afterwards that it was sent.
	"mark-after": {
		"notify", "attempt.go",
		"save[0] = p\n\tif err := d.save(save...); err != nil {\n\t\treturn err\n\t}",
		"save[0] = p",
	},
	// What the rest do: write down that it was sent, and send.
	"mark-first": {
		"notify", "attempt.go",
		"save[0] = p\n",
		"save[0] = p\n\tsave[0].Shown, save[0].Intent = p.Want, Intent{}\n",
	},
	// After an attempt of which nobody knows how it went, send again.
	"no-look-up": {
		"notify", "destination.go",
		"if p.Intent.IsZero() {",
		"if true {",
	},
}

func bugNames() []string { return slices.Sorted(maps.Keys(bugs)) }

// build compiles the real pipewatch, as go build does for anybody, with a
// seeded bug if one is named.
func build(ctx context.Context, binary, bug string) error {
	if err := os.MkdirAll(filepath.Dir(binary), 0o755); err != nil {
		return err
	}
	args := []string{"build", "-o", binary}
	if bug != "" {
		overlay, err := infect(ctx, filepath.Dir(binary), bug)
		if err != nil {
			return err
		}
		args = append(args, "-overlay", overlay)
	}
	cmd := exec.CommandContext(ctx, "go", append(args, module+"/cmd/pipewatch")...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build pipewatch: %w\n%s", err, out)
	}
	return nil
}

// infect writes the source file with the bug and the overlay that has the
// compiler read it. A bug that does not fit the source any more is an error: it
// would prove nothing.
func infect(ctx context.Context, dir, bug string) (overlay string, err error) {
	b, ok := bugs[bug]
	if !ok {
		return "", fmt.Errorf("no seeded bug %q; there are: %s", bug, strings.Join(bugNames(), ", "))
	}
	out, err := exec.CommandContext(ctx, "go", "list", "-f", "{{.Dir}}", module+"/"+b.pkg).Output()
	if err != nil {
		return "", fmt.Errorf("find package %s: %w", b.pkg, err)
	}
	original := filepath.Join(string(bytes.TrimSpace(out)), b.file)
	src, err := os.ReadFile(original)
	if err != nil {
		return "", err
	}
	if n := bytes.Count(src, []byte(b.right)); n != 1 {
		return "", fmt.Errorf("the seeded bug %s fits %s/%s in %d places and should in one: bring it up to date", bug, b.pkg, b.file, n)
	}
	ill := filepath.Join(dir, bug+"-"+b.file)
	if err := os.WriteFile(ill, bytes.Replace(src, []byte(b.right), []byte(b.wrong), 1), 0o600); err != nil {
		return "", err
	}
	replace, err := json.Marshal(map[string]map[string]string{"Replace": {original: ill}})
	if err != nil {
		return "", err
	}
	overlay = filepath.Join(dir, bug+".json")
	return overlay, os.WriteFile(overlay, replace, 0o600)
}
