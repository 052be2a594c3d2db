package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

// The projects are held against what a user of each peer would write; none of the
// peers runs here.
func TestAPeerGetsTheProjectOfOneOfItsUsers(t *testing.T) {
	for _, p := range peers {
		t.Run(p.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := p.write(project{dir: dir, port: 5432, tables: 1}); err != nil {
				t.Fatal(err)
			}
			got, err := archive(dir)
			if err != nil {
				t.Fatal(err)
			}
			want, err := os.ReadFile(filepath.Join("testdata", p.name+".txtar"))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Errorf("the project is not that of testdata/%s.txtar (-want +got):\n%s", p.name, diff)
			}
		})
	}
}

// archive is all files below a folder but programs.
func archive(dir string) ([]byte, error) {
	var a txtar.Archive
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(name, ".py") {
			return err
		}
		text, err := os.ReadFile(filepath.Join(dir, name))
		a.Files = append(a.Files, txtar.File{Name: name, Data: text})
		return err
	})
	return txtar.Format(&a), err
}

func TestEachTableHasItsFiveChecks(t *testing.T) {
	for _, p := range peers {
		t.Run(p.name, func(t *testing.T) {
			size := func(n int) int {
				dir := t.TempDir()
				if err := p.write(project{dir: dir, port: 5432, tables: n}); err != nil {
					t.Fatal(err)
				}
				text, err := archive(dir)
				if err != nil {
					t.Fatal(err)
				}
				for i := range n {
					if name := fmt.Sprintf("t%05d", i); !bytes.Contains(text, []byte(name)) {
						t.Errorf("table %s is in no file", name)
					}
				}
				return len(text)
			}
			one, two, twelve := size(1), size(2), size(12)
			if each := two - one; twelve-two != 10*each {
				t.Errorf("a project grows by %d bytes for the second table and by %d for ten more", each, twelve-two)
			}
		})
	}
}

func TestFindingsAreReadFromWhatAPeerWrites(t *testing.T) {
	tests := []struct {
		name  string
		peer  peer
		files map[string]string
		want  []string
	}{
		{
			"Soda 3 names checks by what they count", soda3,
			map[string]string{"result.json": `{"checks": [
				{"name": "freshness(ts) < 2d", "table": "t00007", "outcome": "fail"},
				{"name": "row_count >= 900", "table": "t00017", "outcome": "fail"},
				{"name": "missing_count(val) = 0", "table": "t00023", "outcome": "fail"},
				{"name": "duplicate_count(id) = 0", "table": "t00031", "outcome": "fail"},
				{"name": "values in (dim_id) must exist in dim (id)", "table": "t00043", "outcome": "fail"},
				{"name": "row_count >= 900", "table": "t00044", "outcome": "pass"},
				{"name": "row_count >= 900", "table": "t00045", "outcome": null}]}`},
			[]string{"t00007 stale", "t00017 few", "t00023 nulls", "t00031 duplicates", "t00043 orphans"},
		},
		{
			"what a small program wrote is taken as it is", soda4,
			map[string]string{"found.txt": "t00007 stale\nt00017 few\n"},
			[]string{"t00007 stale", "t00017 few"},
		},
		{
			"dbt tells freshness in one file and tests in another", dbt,
			map[string]string{
				"target/sources.json": `{"results": [
					{"unique_id": "source.peers.wh.t00007", "status": "error"},
					{"unique_id": "source.peers.wh.t00008", "status": "pass"},
					{"unique_id": "source.peers.wh.t00001", "status": "runtime error"}]}`,
				"target/run_results.json": `{"results": [
					{"unique_id": "test.peers.source_at_least_wh_t00017_900.0a1b", "status": "fail"},
					{"unique_id": "test.peers.source_not_null_wh_t00023_val.0a1b", "status": "fail"},
					{"unique_id": "test.peers.source_unique_wh_t00031_id.0a1b", "status": "fail"},
					{"unique_id": "test.peers.source_unique_wh_t00032_id.0a1b", "status": "pass"},
					{"unique_id": "test.peers.source_relationships_wh_t00043_dim_id__id__source_wh_dim_.0a1b", "status": "fail"}]}`,
			},
			[]string{"t00007 stale", "t00017 few", "t00023 nulls", "t00031 duplicates", "t00043 orphans"},
		},
		{
			"Bruin prints an asset and its error", bruin,
			map[string]string{output: "\n\nFailed 5 tasks in 1.2s\n" +
				"\n  public.t00007: custom check 'stale' has returned 1 instead of the expected 0\n" +
				"\n  public.t00017: custom check 'few' has returned 1 instead of the expected 0\n" +
				"\n  public.t00023: column 'val' has 10 null values\n" +
				"\n  public.t00031: column 'id' has 4 non-unique values\n" +
				"\n  public.t00043: custom check 'orphans' has returned 5 instead of the expected 0\n"},
			[]string{"t00007 stale", "t00017 few", "t00023 nulls", "t00031 duplicates", "t00043 orphans"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := project{dir: t.TempDir()}
			for name, text := range tt.files {
				if err := p.file(name, text); err != nil {
					t.Fatal(err)
				}
			}
			got, err := tt.peer.found(p.dir)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("found (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAPeerReportsItsUseToNobody(t *testing.T) {
	for _, p := range peers {
		cmd := p.command(t.Context(), "envs", "project", p.steps[0])
		for _, want := range append(slices.Clone(silence), "HOME=project") {
			if !slices.Contains(cmd.Env, want) {
				t.Errorf("%s runs without %s", p.title, want)
			}
		}
	}
}

func TestAnUnknownPeerIsNamedWithThoseThatExist(t *testing.T) {
	_, err := choose("soda3,sody4")
	if err == nil || !strings.Contains(err.Error(), `"sody4" is not one of bruin, soda3, soda4, gx, dbt`) {
		t.Errorf("choose says %v", err)
	}
}
