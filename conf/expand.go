package conf

import (
	"errors"
	"slices"
	"strings"
)

// ErrUnset is what a lookup given to [Value.Expand] returns for a name that has no
// value; a default written as ${NAME:-default} then takes its place.
var ErrUnset = errors.New("not set")

// Expand replaces each ${name} in the scalars of a document by what lookup returns.
// It works on parsed values, so what is looked up can never become YAML; keys are
// left alone, and $${ stands for a literal ${. The value handed to lookup is the
// scalar that asks, for positions. lookup is called once for each use; an error of
// it becomes a problem there, except that ErrUnset, or an empty text, gives way to a
// default. What is put in may be a secret: no message cites it. Decode passes over a value whose
// expansion failed, as that has been reported.
func (v Value) Expand(lookup func(name string, v Value) (string, error)) (Value, Problems) {
	x := expander{lookup: lookup, hidden: true}
	return x.value(v), x.problems
}

// ExpandOpen does what Expand does with texts that are no secrets, such as variables
// of the file itself: messages may cite them.
func (v Value) ExpandOpen(lookup func(name string, v Value) (string, error)) (Value, Problems) {
	x := expander{lookup: lookup}
	return x.value(v), x.problems
}

type expander struct {
	lookup   func(string, Value) (string, error)
	hidden   bool
	problems Problems
}

// asks tells whether anything in a tree is to be replaced; most trees are left as they
// are.
func asks(n *node) bool {
	if n.kind == String && strings.Contains(n.text, "${") {
		return true
	}
	return slices.ContainsFunc(n.items, asks) || slices.ContainsFunc(n.entries, func(e entry) bool { return asks(e.value) })
}

// value copies only the parts of the tree that change.
func (x *expander) value(v Value) Value {
	if !v.Exists() || !asks(v.n) {
		return v
	}
	switch v.Kind() {
	case String:
		if strings.Contains(v.n.text, "${") {
			return x.scalar(v)
		}
	case List:
		items, changed := make([]*node, 0, v.Len()), false
		for item := range v.Items() {
			after := x.value(item)
			items, changed = append(items, after.n), changed || after.n != item.n
		}
		if changed {
			list := *v.n
			list.items = items
			return Value{&list, v.key, v.path}
		}
	case Map:
		entries, changed := make([]entry, 0, v.Len()), false
		for key, field := range v.Fields() {
			after := x.value(field)
			entries, changed = append(entries, entry{key.n, after.n}), changed || after.n != field.n
		}
		if changed {
			m := *v.n
			m.entries = entries // same keys in the same order, so byKey still holds
			return Value{&m, v.key, v.path}
		}
	}
	return v
}

func (x *expander) scalar(v Value) Value {
	var out strings.Builder
	looked, failed := false, false
	for rest := v.n.text; ; {
		before, after, found := strings.Cut(rest, "${")
		out.WriteString(before)
		if !found {
			break
		}
		if strings.HasSuffix(before, "$") { // $${ is a literal ${, and before ends in its first $
			out.WriteString("{")
			rest = after
			continue
		}
		expr, tail, closed := strings.Cut(after, "}")
		if !closed || strings.Contains(expr, "${") {
			x.problems.Add(v.Problem("an interpolation that starts with ${ has no } of its own").
				WithHint("write $${ for a literal ${"))
			return v
		}
		looked = true
		text, err := x.resolve(expr, v)
		if err != nil {
			p := v.Problem("${%s}: %s", clean(expr), clean(err.Error()))
			if errors.Is(err, ErrUnset) {
				p = p.WithHint("set it, or write ${%s:-default}", clean(expr))
			}
			x.problems.Add(p)
			failed = true
		}
		out.WriteString(text)
		rest = tail
	}
	n := *v.n
	n.failed = failed
	n.text, n.expanded, n.hidden = out.String(), looked, looked && x.hidden
	return Value{&n, v.key, v.path}
}

func (x *expander) resolve(expr string, v Value) (string, error) {
	name, fallback, hasDefault := strings.Cut(expr, ":-")
	text, err := x.lookup(name, v)
	if hasDefault && (errors.Is(err, ErrUnset) || err == nil && text == "") {
		return fallback, nil
	}
	return text, err
}
