package conf

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
	"go.yaml.in/yaml/v4/plugin/loaderlimits"
)

// Limits of one file, from the contract. They bound the work before any of it is
// done.
const (
	MaxFile    = 1 << 20   // bytes in one file
	MaxFiles   = 32 << 20  // bytes in all files that ReadGlob returns
	MaxDepth   = 64        // maps and lists inside one another
	MaxAliases = 100       // uses of anchors
	MaxScalar  = 256 << 10 // bytes in one scalar

	// Signs that begin or part values, over twice as many as a large file of short
	// nodes has: each may become a value that takes a few hundred bytes of memory.
	maxSigns = 400_000
)

// maxExpanded bounds how many nodes aliases may add to a document when each is
// counted as often as it is reached, which is what a bomb multiplies.
const maxExpanded = 100_000

// Parse reads one YAML document. file is only used in positions. When problems are
// returned the Value may be the part that could be read, or Absent.
func Parse(file string, src []byte) (Value, Problems) {
	if p, bad := checkBytes(file, src); bad {
		return Value{}, Problems{p}
	}
	root, problems := load(file, src)
	if root == nil {
		return Value{}, problems
	}
	b := builder{file: file, anchors: map[*yaml.Node]*node{}, sizes: map[*node]int{}, problems: problems}
	n := b.build(root, 1)
	if n == nil || !b.affordable(n) {
		return Value{}, b.problems
	}
	return Value{n: n}, b.problems
}

// checkBytes refuses what is not text at all.
func checkBytes(file string, src []byte) (Problem, bool) {
	if len(src) > MaxFile {
		return Problem{Pos: Pos{File: file}, Msg: fmt.Sprintf("the file has %d bytes; the limit is 1 MiB", len(src)),
			Hint: "split it into several files"}, true
	}
	line, col, signs := 1, 1, 0
	for i := 0; i < len(src); {
		r, size := utf8.DecodeRune(src[i:])
		at := Pos{File: file, Line: line, Col: col}
		if r < 0x80 && strings.IndexByte(",:-?[]{}'\"&*!|>\n", byte(r)) >= 0 {
			if signs++; signs > maxSigns {
				return Problem{Pos: at, Msg: fmt.Sprintf("the file has more than %d brackets, commas, colons, dashes, quotes and lines", maxSigns),
					Hint: "split it into several files"}, true
			}
		}
		switch {
		case r == utf8.RuneError && size == 1:
			return Problem{Pos: at, Msg: "the file is not UTF-8 text", Hint: "save it as UTF-8"}, true
		case r == '\n':
			line, col = line+1, 0
		case r == '\uFEFF' && i == 0:
			col = 0 // a byte order mark has no column
		case r < 0x20 && r != '\t' && r != '\r', r == 0x7f, r >= 0x80 && r < 0xa0 && r != 0x85:
			return Problem{Pos: at, Msg: fmt.Sprintf("control character U+%04X is not allowed", r),
				Hint: "remove it, or write it as an escape in a double-quoted string"}, true
		}
		i, col = i+size, col+1
	}
	return Problem{}, false
}

// load runs the YAML library with the depth limit and accepts exactly one document.
func load(file string, src []byte) (*yaml.Node, Problems) {
	limits := loaderlimits.New(loaderlimits.DepthValue(MaxDepth), loaderlimits.AliasNone())
	loader, err := yaml.NewLoader(bytes.NewReader(src), yaml.WithPlugin(limits))
	if err != nil {
		return nil, Problems{syntaxProblem(file, src, err)}
	}
	var doc, second yaml.Node
	switch err := loader.Load(&doc); {
	case errors.Is(err, io.EOF):
		return nil, Problems{{Pos: Pos{File: file, Line: 1, Col: 1}, Msg: "the file is empty"}}
	case err != nil:
		return nil, Problems{syntaxProblem(file, src, err)}
	}
	var problems Problems
	switch err := loader.Load(&second); {
	case errors.Is(err, io.EOF):
	case err != nil:
		problems.Add(syntaxProblem(file, src, err))
	default:
		problems.Add(Problem{Pos: Pos{File: file, Line: second.Line, Col: second.Column},
			Msg: "a second document starts here; a file holds exactly one", Hint: "remove the --- line, or use two files"})
	}
	if len(doc.Content) == 0 {
		return nil, append(problems, Problem{Pos: Pos{File: file, Line: 1, Col: 1}, Msg: "the file is empty"})
	}
	return doc.Content[0], problems
}

// builder turns the library's tree into nodes: aliases and merge keys resolved,
// duplicate keys and foreign tags found.
type builder struct {
	file     string
	aliases  int
	anchors  map[*yaml.Node]*node // anchored nodes; nil while being built, which is how a loop shows
	sizes    map[*node]int
	problems Problems
}

func (b *builder) complain(y *yaml.Node, msg, hint string) {
	b.problems.Add(Problem{Pos: Pos{File: b.file, Line: y.Line, Col: y.Column}, Width: width(y), Msg: msg, Hint: hint})
}

// build returns nil when the subtree cannot be used at all; the reason is then
// among the problems.
func (b *builder) build(y *yaml.Node, depth int) *node {
	if y.Kind == yaml.AliasNode {
		return b.alias(y)
	}
	if depth > MaxDepth {
		b.complain(y, fmt.Sprintf("nested deeper than %d levels", MaxDepth), "")
		return nil
	}
	if y.Anchor != "" {
		b.anchors[y] = nil
	}
	n := &node{file: b.file, line: y.Line, col: y.Column, width: width(y)}
	if !b.tag(y, n) {
		return nil
	}
	switch y.Kind {
	case yaml.MappingNode:
		b.mapping(y, n, depth)
	case yaml.SequenceNode:
		for _, item := range y.Content {
			if c := b.build(item, depth+1); c != nil {
				n.items = append(n.items, c)
			}
		}
	}
	if y.Anchor != "" {
		b.anchors[y] = n
	}
	return n
}

func (b *builder) alias(y *yaml.Node) *node {
	b.aliases++
	if b.aliases > MaxAliases {
		if b.aliases == MaxAliases+1 {
			b.complain(y, fmt.Sprintf("more than %d aliases", MaxAliases), "put the shared part under defaults:")
		}
		return nil
	}
	n, known := b.anchors[y.Alias]
	if n == nil {
		if known {
			b.complain(y, fmt.Sprintf("alias %s stands inside the anchor that it refers to", quote("*"+y.Value)), "")
		}
		return nil
	}
	return n
}

// coreTags are the tags that a node may have, and what they make of it. A date is
// text: what it means depends on who reads it.
var coreTags = map[yaml.Kind]map[string]Kind{
	yaml.MappingNode:  {"!!map": Map},
	yaml.SequenceNode: {"!!seq": List},
	yaml.ScalarNode: {"!!str": String, "!!int": Number, "!!float": Number, "!!bool": Bool, "!!null": Null,
		"!!timestamp": String, "!!merge": String},
}

// tag settles the node's kind and refuses every tag but YAML's core ones.
func (b *builder) tag(y *yaml.Node, n *node) bool {
	tag := y.ShortTag()
	kind, ok := coreTags[y.Kind][tag]
	if explicit := y.Style&yaml.TaggedStyle != 0; !ok || explicit && (tag == "!!timestamp" || tag == "!!merge") {
		b.complain(y, fmt.Sprintf("tag %s is not allowed", quote(tag)), "remove the tag; pipewatch needs none")
		return false
	}
	n.kind = kind
	if y.Kind == yaml.ScalarNode {
		if len(y.Value) > MaxScalar {
			b.complain(y, fmt.Sprintf("a value of %d bytes; the limit is 256 KiB", len(y.Value)), "")
			return false
		}
		n.text = y.Value
		n.quoted = y.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) != 0
	}
	return true
}

func (b *builder) mapping(y *yaml.Node, n *node, depth int) {
	n.entries = make([]entry, 0, len(y.Content)/2)
	first := map[string]*node{}
	var merged []*node
	for i := 0; i+1 < len(y.Content); i += 2 {
		yk, yv := y.Content[i], y.Content[i+1]
		if yk.Kind != yaml.ScalarNode {
			b.complain(yk, "a key must be a plain word", "")
			continue
		}
		key := b.build(yk, depth+1)
		value := b.build(yv, depth+1)
		if key == nil {
			continue
		}
		if yk.ShortTag() == "!!merge" {
			merged = append(merged, b.mergeSources(yv, value)...)
			continue
		}
		if key.kind == Null || key.text == "" {
			b.complain(yk, "a key is empty", "")
			continue
		}
		if before := first[key.text]; before != nil {
			b.complain(yk, fmt.Sprintf("key %s is given twice; the first is at line %d, column %d",
				quote(key.text), before.line, before.col), "remove or rename one of them")
			continue
		}
		first[key.text] = key
		if value != nil {
			n.entries = append(n.entries, entry{key, value})
		}
	}
	for _, source := range merged {
		for _, e := range source.entries {
			if first[e.key.text] == nil {
				first[e.key.text] = e.key
				n.entries = append(n.entries, e)
			}
		}
	}
	n.index()
}

// mergeSources lists the maps that a << key brings in, nearest first.
func (b *builder) mergeSources(y *yaml.Node, value *node) []*node {
	if value == nil {
		return nil
	}
	sources := []*node{value}
	if value.kind == List {
		sources = value.items
	}
	for _, s := range sources {
		if s.kind != Map {
			b.complain(y, "<< needs a map, an alias of a map, or a list of them", "")
			return nil
		}
	}
	return sources
}

// affordable counts the document with every alias spelled out, each node once, and
// refuses what a reader could not walk.
func (b *builder) affordable(root *node) bool {
	if b.aliases == 0 {
		return true
	}
	const saturated = 1 << 40
	var size func(n *node) int
	size = func(n *node) int {
		if s, done := b.sizes[n]; done {
			return s
		}
		sum := 1
		for _, e := range n.entries {
			sum = min(sum+1+size(e.value), saturated)
		}
		for _, item := range n.items {
			sum = min(sum+size(item), saturated)
		}
		b.sizes[n] = sum
		return sum
	}
	if expanded := size(root); expanded-len(b.sizes) > maxExpanded {
		b.problems.Add(Problem{Pos: root.pos(), Msg: "the aliases of this file multiply to more than it may hold",
			Hint: "repeat less; aliases inside aliases grow exponentially"})
		return false
	}
	return true
}

// width is how many characters of the source line a scalar covers, as far as that
// can be told from the parsed text.
func width(y *yaml.Node) int {
	if y.Kind == yaml.AliasNode {
		return utf8.RuneCountInString(y.Value) + 1
	}
	if y.Kind != yaml.ScalarNode || strings.ContainsAny(y.Value, "\n\r") {
		return 1
	}
	n := utf8.RuneCountInString(y.Value)
	switch {
	case y.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0:
		n += 2
	case y.Style&(yaml.LiteralStyle|yaml.FoldedStyle|yaml.TaggedStyle) != 0:
		return 1
	}
	return max(n, 1)
}
