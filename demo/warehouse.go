package demo

import (
	_ "embed"
	"encoding/csv"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/pipewatch-dev/pipewatch/examples"
)

// faultViews is the part of pipewatch.yaml that makes faults.csv show in the
// tables.
//
//go:embed faults.yaml
var faultViews string

// Warehouse is the folder that is watched.
type Warehouse struct {
	dir  string
	rows []row
}

// row is one line of faults.csv, see faults.yaml for what each kind means.
type row struct {
	Injection
	mended time.Time
}

// Injection is what is written to the warehouse for a fault.
type Injection struct {
	Kind, What   string
	Since, Until time.Time // Until is zero where the kind knows none
}

// Unpack writes the example into a folder, with the views that show faults, and
// no fault yet.
func Unpack(dir string) (*Warehouse, error) {
	err := fs.WalkDir(examples.Files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || name == "." {
			return err
		}
		to := filepath.Join(dir, filepath.FromSlash(name))
		if d.IsDir() {
			return os.MkdirAll(to, 0o755)
		}
		content, err := fs.ReadFile(examples.Files, name)
		if err != nil {
			return err
		}
		if name == "pipewatch.yaml" {
			if content, err = withFaults(content); err != nil {
				return err
			}
		}
		return os.WriteFile(to, content, 0o644)
	})
	if err != nil {
		return nil, fmt.Errorf("unpack the warehouse: %w", err)
	}
	w := &Warehouse{dir: dir}
	return w, w.write()
}

// withFaults adds the views to the init statements, which are the last part of
// the connection, before the owners.
func withFaults(config []byte) ([]byte, error) {
	before, after, found := strings.Cut(string(config), "\nowners:")
	if !found {
		return nil, errors.New("the example's pipewatch.yaml has no owners after its connections; put them there")
	}
	return []byte(before + faultViews + "\nowners:" + after), nil
}

// Config is the path of its pipewatch.yaml.
func (w *Warehouse) Config() string { return filepath.Join(w.dir, "pipewatch.yaml") }

// Break writes a fault; the next run sees it. What is broken already stays so.
func (w *Warehouse) Break(i Injection) error {
	for _, r := range w.rows {
		if r.mended.IsZero() && r.Kind == i.Kind && r.What == i.What && r.Until.Equal(i.Until) {
			return nil
		}
	}
	w.rows = append(w.rows, row{Injection: i})
	return w.write()
}

// Mend writes that a fault was put right at a moment.
func (w *Warehouse) Mend(i Injection, at time.Time) error {
	for n := range w.rows {
		if w.rows[n].Injection == i {
			w.rows[n].mended = at
		}
	}
	return w.write()
}

// MendAll writes that all faults were put right at a moment.
func (w *Warehouse) MendAll(at time.Time) error {
	for n := range w.rows {
		if w.rows[n].mended.IsZero() {
			w.rows[n].mended = at
		}
	}
	return w.write()
}

// write replaces faults.csv in one step.
func (w *Warehouse) write() error {
	var b strings.Builder
	c := csv.NewWriter(&b)
	records := [][]string{{"kind", "what", "since", "until", "mended"}}
	for _, r := range w.rows {
		records = append(records, []string{r.Kind, r.What, stamp(r.Since), stamp(r.Until), stamp(r.mended)})
	}
	if err := c.WriteAll(records); err != nil {
		return fmt.Errorf("write faults.csv: %w", err)
	}
	path := filepath.Join(w.dir, "faults.csv")
	if err := os.WriteFile(path+".new", []byte(b.String()), 0o644); err != nil {
		return fmt.Errorf("write faults.csv: %w", err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("write faults.csv: %w", err)
	}
	return nil
}

// stamp writes a moment as the engine reads it; never is an empty field.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
