package conf

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// Source is the text of one file and the name that messages give it.
type Source struct {
	File string
	Data []byte
}

// ReadFile reads a regular file of at most [MaxFile] bytes. It looks before it
// reads: a pipe, a device or a folder is refused without waiting for it, and a file
// that is too large without reading it. A file that does not exist gives an error
// that is fs.ErrNotExist; every other refusal is a [Problem].
func ReadFile(name string) ([]byte, error) {
	f, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, reason(err))
	}
	defer f.Close()
	return readOpen(name, f, MaxFile)
}

func readOpen(name string, f *os.File, limit int64) ([]byte, error) {
	whole := Pos{File: name}
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, fmt.Errorf("read %s: %w", name, reason(err))
	case !info.Mode().IsRegular():
		return nil, Problem{Pos: whole, Msg: fmt.Sprintf("not a regular file but a %s", modeName(info.Mode())), Hint: "only plain files are read"}
	case info.Size() > limit:
		return nil, tooLarge(whole, info.Size(), limit)
	}
	// One byte more than allowed, in case the file grows while it is read.
	var text bytes.Buffer
	text.Grow(int(info.Size()) + bytes.MinRead)
	_, err = text.ReadFrom(io.LimitReader(f, limit+1))
	data := text.Bytes()
	switch {
	case err != nil:
		return nil, fmt.Errorf("read %s: %w", name, reason(err))
	case int64(len(data)) > limit:
		return nil, tooLarge(whole, int64(len(data)), limit)
	}
	return data, nil
}

func tooLarge(at Pos, size, limit int64) Problem {
	if limit < MaxFile {
		return Problem{Pos: at, Msg: "all files together have more than 32 MiB"}
	}
	return Problem{Pos: at, Msg: fmt.Sprintf("the file has %d bytes; the limit is 1 MiB", size), Hint: "split it into several files"}
}

func modeName(m fs.FileMode) string {
	switch {
	case m.IsDir():
		return "folder"
	case m&fs.ModeNamedPipe != 0:
		return "named pipe"
	case m&fs.ModeSocket != 0:
		return "socket"
	case m&fs.ModeDevice != 0:
		return "device"
	}
	return "special file"
}

// reason drops the operation and the path that the os package repeats.
func reason(err error) error {
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		return pe.Err
	}
	return err
}

// ReadGlob reads the files that the patterns name. Patterns follow [path.Match] with
// slashes and are relative to base unless absolute. Each pattern's own folder is its
// longest leading part without wildcards; a link that leads out of that folder is
// refused, also when the pattern matches it. Files come sorted by name and each only
// once. A pattern that matches nothing is a problem: nobody watches what was not read.
func ReadGlob(base string, patterns ...string) ([]Source, Problems) {
	var problems Problems
	found := map[string][]byte{}
	left := int64(MaxFiles)
	for _, pattern := range patterns {
		dir, rest := splitPattern(pattern)
		if !path.IsAbs(dir) {
			dir = path.Join(filepath.ToSlash(base), dir)
		}
		if err := readPattern(dir, rest, found, &left, &problems); err != nil {
			problems.Add(Problem{Pos: Pos{File: path.Join(dir, rest)}, Msg: err.Error(), Hint: "correct the pattern under dags:"})
		}
	}
	sources := make([]Source, 0, len(found))
	for name, data := range found {
		sources = append(sources, Source{name, data})
	}
	slices.SortFunc(sources, func(a, b Source) int { return cmp.Compare(a.File, b.File) })
	return sources, problems
}

// splitPattern cuts a glob before its first element that has a wildcard.
func splitPattern(pattern string) (dir, rest string) {
	pattern = path.Clean(filepath.ToSlash(pattern))
	if i := strings.IndexAny(pattern, `*?[\`); i >= 0 {
		slash := strings.LastIndexByte(pattern[:i], '/')
		return cmp.Or(pattern[:slash+1], "."), pattern[slash+1:]
	}
	return path.Split(pattern)
}

func readPattern(dir, rest string, found map[string][]byte, left *int64, problems *Problems) error {
	root, err := os.OpenRoot(filepath.FromSlash(dir))
	if err != nil {
		return fmt.Errorf("open folder: %w", reason(err))
	}
	defer root.Close()
	names := []string{rest}
	if strings.ContainsAny(rest, `*?[\`) {
		if names, err = fs.Glob(root.FS(), rest); err != nil {
			return fmt.Errorf("the pattern is malformed")
		}
	}
	if len(names) == 0 {
		return errors.New("no file matches")
	}
	for _, name := range names {
		shown := path.Join(dir, name)
		if _, twice := found[shown]; twice {
			continue
		}
		data, err := readInside(root, name, shown, min(*left, MaxFile))
		if err != nil {
			problems.Add(asProblem(shown, err))
			continue
		}
		*left -= int64(len(data))
		found[shown] = data
	}
	return nil
}

func readInside(root *os.Root, name, shown string, limit int64) ([]byte, error) {
	f, err := root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		if info, lerr := root.Lstat(name); lerr == nil && info.Mode()&fs.ModeSymlink != 0 && !errors.Is(err, fs.ErrNotExist) {
			return nil, Problem{Pos: Pos{File: shown}, Msg: "the link leads out of its folder", Hint: "put the file itself into the folder"}
		}
		return nil, reason(err)
	}
	defer f.Close()
	return readOpen(shown, f, limit)
}

func asProblem(file string, err error) Problem {
	if p, ok := errors.AsType[Problem](err); ok {
		return p
	}
	return Problem{Pos: Pos{File: file}, Msg: err.Error()}
}
