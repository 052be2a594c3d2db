package conf

import (
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
)

// Kind says what a Value holds.
type Kind int

// The kinds of a Value. Absent is the zero Value: nothing stood there.
const (
	Absent Kind = iota
	Null
	String
	Number
	Bool
	List
	Map
)

// String names the kind as messages do.
func (k Kind) String() string {
	switch k {
	case Absent:
		return "nothing"
	case Null:
		return "an empty value"
	case String:
		return "text"
	case Number:
		return "a number"
	case Bool:
		return "true or false"
	case List:
		return "a list"
	case Map:
		return "a map of keys"
	}
	return "kind " + strconv.Itoa(int(k))
}

// node is one parsed value; it is never changed after Parse, Merge or Expand made it.
type node struct {
	file      string
	line, col int
	width     int
	kind      Kind
	text      string // of a scalar
	quoted    bool   // the scalar was not plain, so its type was meant to be text
	expanded  bool   // the text was interpolated, so it may stand for any type
	failed    bool   // the interpolation was reported; nothing more is to be said
	hidden    bool   // and came from outside the file: never cite it
	entries   []entry
	items     []*node
	byKey     map[string]int // only for larger maps
}

type entry struct{ key, value *node }

func (n *node) pos() Pos { return Pos{File: n.file, Line: n.line, Col: n.col} }

// index prepares look-ups by key where scanning would be slow.
func (n *node) index() {
	if len(n.entries) <= 8 {
		return
	}
	n.byKey = make(map[string]int, len(n.entries))
	for i, e := range n.entries {
		n.byKey[e.key.text] = i
	}
}

func (n *node) find(key string) (entry, bool) {
	if n.byKey != nil {
		i, ok := n.byKey[key]
		if !ok {
			return entry{}, false
		}
		return n.entries[i], true
	}
	for _, e := range n.entries {
		if e.key.text == key {
			return e, true
		}
	}
	return entry{}, false
}

// step is one part of a path, linked to the part before it.
type step struct {
	parent *step
	name   string
	index  int // -1 for a key
}

func (s *step) String() string {
	if s == nil {
		return ""
	}
	before := s.parent.String()
	switch {
	case s.index >= 0:
		return before + "[" + strconv.Itoa(s.index) + "]"
	case before == "":
		return s.name
	}
	return before + "." + s.name
}

// Value is one value of a file with its place and path. It is a small handle that is
// cheap to copy and safe for concurrent use. The zero Value is Absent.
type Value struct {
	n    *node
	key  *node // the key it stands under; for an absent value the nearest thing that exists
	path *step
}

// Exists reports whether there is a value, be it an empty one.
func (v Value) Exists() bool { return v.n != nil }

// Kind says what the value holds.
func (v Value) Kind() Kind {
	if v.n == nil {
		return Absent
	}
	return v.n.kind
}

// Pos is where the value starts. For an absent value it is the place that lacks it.
func (v Value) Pos() Pos {
	switch {
	case v.n != nil:
		return v.n.pos()
	case v.key != nil:
		return v.key.pos()
	}
	return Pos{}
}

// KeyPos is where the value's key starts; list items and the document have none and
// give [Value.Pos].
func (v Value) KeyPos() Pos {
	if v.key != nil {
		return v.key.pos()
	}
	return v.Pos()
}

// Path is where the value stands in its document, as in nodes.orders.joins[0].to.
func (v Value) Path() string { return v.path.String() }

// Name is the key under which the value stands, or "" for a list item.
func (v Value) Name() string {
	if v.path == nil || v.path.index >= 0 {
		return ""
	}
	return v.path.name
}

// Text is the text of a scalar of any kind, and "" for everything else.
func (v Value) Text() string {
	if v.n == nil {
		return ""
	}
	return v.n.text
}

// Quoted reports whether the value is a scalar in quotes or a block scalar.
func (v Value) Quoted() bool { return v.n != nil && v.n.quoted }

// Quote is the text as messages may cite it: quoted, cut, without control
// characters, and *** where it may be a secret.
func (v Value) Quote() string {
	if v.n == nil {
		return "nothing"
	}
	if v.n.hidden || v.secretive() {
		return Secret("").String()
	}
	if v.n.kind == List || v.n.kind == Map || v.n.kind == Null {
		return v.n.kind.String()
	}
	return quote(v.n.text)
}

// secretive reports whether a key on the way to the value is named like a secret.
func (v Value) secretive() bool {
	for s := v.path; s != nil; s = s.parent {
		if s.index < 0 && secretName(s.name) {
			return true
		}
	}
	return false
}

// Get returns the value under a key of a map, and Absent when there is none or v is
// no map.
func (v Value) Get(key string) Value {
	missing := Value{key: v.key, path: &step{v.path, key, -1}}
	if v.n == nil {
		return missing
	}
	if missing.key == nil {
		missing.key = v.n
	}
	if v.n.kind != Map {
		return missing
	}
	if e, ok := v.n.find(key); ok {
		return Value{e.value, e.key, missing.path}
	}
	return missing
}

// Fields walks a map in the order of the file: each key, as a value of its own, and
// what stands under it.
func (v Value) Fields() iter.Seq2[Value, Value] {
	return func(yield func(Value, Value) bool) {
		if v.n == nil || v.n.kind != Map {
			return
		}
		for _, e := range v.n.entries {
			path := &step{v.path, e.key.text, -1}
			if !yield(Value{e.key, e.key, path}, Value{e.value, e.key, path}) {
				return
			}
		}
	}
}

// Items walks a list in order.
func (v Value) Items() iter.Seq[Value] {
	return func(yield func(Value) bool) {
		if v.n == nil || v.n.kind != List {
			return
		}
		for i, item := range v.n.items {
			if !yield(Value{n: item, path: &step{v.path, "", i}}) {
				return
			}
		}
	}
}

// Len is the number of a list's items or a map's keys, and 0 for everything else.
func (v Value) Len() int {
	if v.n == nil {
		return 0
	}
	return len(v.n.items) + len(v.n.entries)
}

// Problem makes a problem that points at the value.
func (v Value) Problem(format string, args ...any) Problem {
	p := Problem{Pos: v.Pos(), Path: v.Path(), Msg: fmt.Sprintf(format, args...)}
	switch {
	case v.n != nil:
		p.Width = v.n.width
	case v.key != nil:
		p.Width = v.key.width
	}
	return p
}

// KeyProblem makes a problem that points at the key under which the value stands,
// or at the value where there is no key.
func (v Value) KeyProblem(format string, args ...any) Problem {
	p := v.Problem(format, args...)
	if v.key != nil {
		p.Pos, p.Width = v.key.pos(), v.key.width
	}
	return p
}

// Any is the value as plain Go data: nil, bool, int64, float64, string, []any or
// map[string]any. A number too large for both is its text.
func (v Value) Any() any {
	switch v.Kind() {
	case Bool:
		return strings.EqualFold(v.n.text, "true")
	case Number:
		if i, ok := parseInt(v.n.text); ok {
			return i
		}
		if f, err := strconv.ParseFloat(v.n.text, 64); err == nil {
			return f
		}
		return v.n.text
	case String:
		return v.n.text
	case List:
		list := make([]any, 0, v.Len())
		for item := range v.Items() {
			list = append(list, item.Any())
		}
		return list
	case Map:
		fields := make(map[string]any, v.Len())
		for key, value := range v.Fields() {
			fields[key.Text()] = value.Any()
		}
		return fields
	}
	return nil
}

// Merge lays over on top of base, as defaults under a node: maps merge key by key,
// everything else replaces, and a null in over removes what base has under that key.
// Each value keeps the position of the file it came from; the result has the path
// and key of over.
func Merge(base, over Value) Value {
	switch {
	case !over.Exists():
		return Value{base.n, base.key, over.path}.orPath(base)
	case !base.Exists():
		return over
	}
	return Value{mergeNodes(base.n, over.n), over.key, over.path}
}

// orPath keeps base's own path where the missing side had none.
func (v Value) orPath(base Value) Value {
	if v.path == nil {
		v.path = base.path
	}
	return v
}

func mergeNodes(base, over *node) *node {
	if base.kind != Map || over.kind != Map {
		return over
	}
	merged := *over
	merged.entries = nil
	for _, e := range over.entries {
		below, inherited := base.find(e.key.text)
		switch {
		case !inherited:
			merged.entries = append(merged.entries, e)
		case e.value.kind != Null:
			merged.entries = append(merged.entries, entry{e.key, mergeNodes(below.value, e.value)})
		}
	}
	for _, e := range base.entries {
		if _, given := over.find(e.key.text); !given {
			merged.entries = append(merged.entries, e)
		}
	}
	merged.byKey = nil
	merged.index()
	return &merged
}

// Without returns a map without the given keys, and every other value unchanged.
func (v Value) Without(keys ...string) Value {
	return v.keep(func(key string) bool { return !slices.Contains(keys, key) })
}

// Only returns a map with no keys but the given ones, and every other value unchanged.
func (v Value) Only(keys ...string) Value {
	return v.keep(func(key string) bool { return slices.Contains(keys, key) })
}

func (v Value) keep(wanted func(key string) bool) Value {
	if v.Kind() != Map {
		return v
	}
	rest := *v.n
	rest.entries, rest.byKey = nil, nil
	for _, e := range v.n.entries {
		if wanted(e.key.text) {
			rest.entries = append(rest.entries, e)
		}
	}
	rest.index()
	return Value{&rest, v.key, v.path}
}
