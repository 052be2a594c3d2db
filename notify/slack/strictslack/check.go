package strictslack

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// Violation is one thing that Slack would refuse in a payload, in the shape
// in which blocks.validate reports it.
type Violation struct {
	Pointer    string         `json:"pointer"` // JSON pointer to the culprit, such as /blocks/0/text/text
	Code       string         `json:"code"`    // one of the code constants below
	Message    string         `json:"message"`
	Constraint map[string]any `json:"constraint,omitempty"` // the limit that was broken, where there is one
}

// String is the violation as it stands in an answer's errors.
func (v Violation) String() string {
	return v.Message + " [json-pointer:" + v.Pointer + "]"
}

// Codes of a violation.
const (
	codeConstraint  = "failed_constraint"
	codeMissing     = "missing_field"
	codeUnknown     = "unknown_field"
	codeType        = "invalid_type"
	codeUnsupported = "unsupported_type"
	codeDuplicate   = "duplicate_id"
	codeMrkdwn      = "invalid_mrkdwn" // ours: Slack shows such text as it is
)

// check collects the violations of one message and what must be counted or be
// unique across all of it.
type check struct {
	found     []Violation
	ids       map[string]string // kind and id -> pointer of its first use
	blocks    int
	tables    int
	tableText int
	markdown  int
}

func newCheck() *check { return &check{ids: map[string]string{}} }

func (c *check) refuse(at, code, format string, args ...any) {
	c.found = append(c.found, Violation{Pointer: at, Code: code, Message: fmt.Sprintf(format, args...)})
}

func (c *check) exceed(at, kind string, limit, actual int, message string) {
	c.found = append(c.found, Violation{
		Pointer: at, Code: codeConstraint, Message: message,
		Constraint: map[string]any{"type": kind, "limit": limit, "actual": actual},
	})
}

// rule judges one decoded JSON value that stands at a JSON pointer.
type rule func(c *check, at string, v any)

// fields are the rules of an object's fields; a trailing ? marks one that may
// be left out. A field that is not named is refused.
type fields map[string]rule

// object accepts a JSON object of these fields; more judges the whole.
func object(fs fields, more ...rule) rule {
	return func(c *check, at string, v any) {
		o, ok := v.(map[string]any)
		if !ok {
			c.refuse(at, codeType, "must provide an object")
			return
		}
		for _, name := range slices.Sorted(maps.Keys(fs)) {
			key, optional := strings.CutSuffix(name, "?")
			if value, has := o[key]; has {
				fs[name](c, at+"/"+key, value)
			} else if !optional {
				c.refuse(at, codeMissing, "missing required field: %s", key)
			}
		}
		for _, key := range slices.Sorted(maps.Keys(o)) {
			if fs[key] == nil && fs[key+"?"] == nil {
				c.refuse(at, codeUnknown, "invalid additional property: %s", key)
			}
		}
		for _, r := range more {
			r(c, at, v)
		}
	}
}

// byType hands an object to the rule that its type names.
func byType(rules map[string]rule) rule {
	return func(c *check, at string, v any) {
		o, ok := v.(map[string]any)
		if !ok {
			c.refuse(at, codeType, "must provide an object")
			return
		}
		kind, ok := o["type"].(string)
		if !ok {
			c.refuse(at, codeMissing, "missing required field: type")
			return
		}
		r := rules[kind]
		if r == nil {
			c.found = append(c.found, Violation{
				Pointer: at + "/type", Code: codeUnsupported, Message: "unsupported type: " + kind,
				Constraint: map[string]any{"type": "enum", "expected": slices.Sorted(maps.Keys(rules)), "got": kind},
			})
			return
		}
		r(c, at, v)
	}
}

// list accepts an array of least to most items.
func list(least, most int, each rule) rule {
	return func(c *check, at string, v any) {
		items, ok := v.([]any)
		switch {
		case !ok:
			c.refuse(at, codeType, "must provide an array")
			return
		case len(items) < least:
			c.exceed(at, "min_items", least, len(items), fmt.Sprintf("no less than %d items allowed", least))
		case len(items) > most:
			c.exceed(at, "max_items", most, len(items), fmt.Sprintf("no more than %d items allowed", most))
		}
		for i, item := range items {
			each(c, fmt.Sprintf("%s/%d", at, i), item)
		}
	}
}

// str accepts a string of 1 to most characters: Slack takes no empty ones.
func str(most int) rule {
	return func(c *check, at string, v any) {
		s, ok := v.(string)
		if !ok {
			c.refuse(at, codeType, "must provide a string")
			return
		}
		if s == "" {
			c.exceed(at, "min_length", 1, 0, "must be more than 0 characters")
		}
		if n := utf8.RuneCountInString(s); n > most {
			c.exceed(at, "max_length", most, n, fmt.Sprintf("must be less than %d characters", most+1))
		}
		c.characters(at, s)
	}
}

// characters refuses what a cut in the middle of a character or a careless
// copy of binary data leaves in a text.
func (c *check) characters(at, s string) {
	for _, r := range s {
		switch {
		case r == utf8.RuneError:
			c.refuse(at, codeConstraint, "holds half a character: cut the text between characters")
			return
		case r < ' ' && r != '\n' && r != '\t' && r != '\r', r == 0x7f:
			c.refuse(at, codeConstraint, "holds the control character U+%04X", r)
			return
		}
	}
}

// enum accepts one of a few words.
func enum(words ...string) rule {
	return func(c *check, at string, v any) {
		if s, ok := v.(string); !ok || !slices.Contains(words, s) {
			c.found = append(c.found, Violation{
				Pointer: at, Code: codeConstraint, Message: "must be one of: " + strings.Join(words, ", "),
				Constraint: map[string]any{"type": "enum", "expected": words, "got": v},
			})
		}
	}
}

func boolean(c *check, at string, v any) {
	if _, ok := v.(bool); !ok {
		c.refuse(at, codeType, "must provide a boolean")
	}
}

func integer(least, most int64) rule {
	return func(c *check, at string, v any) {
		n, ok := v.(json.Number)
		if !ok {
			c.refuse(at, codeType, "must provide a number")
			return
		}
		if i, err := n.Int64(); err != nil || i < least || i > most {
			c.refuse(at, codeConstraint, "must be a whole number from %d to %d", least, most)
		}
	}
}

// anything accepts every value: some other rule has judged it.
func anything(*check, string, any) {}

// anyOf wants at least one of the fields, oneOf exactly one.
func anyOf(names ...string) rule {
	return func(c *check, at string, v any) {
		if present(v, names) == 0 {
			c.refuse(at, codeMissing, "must define at least one of: %s", strings.Join(names, ", "))
		}
	}
}

func oneOf(names ...string) rule {
	return func(c *check, at string, v any) {
		if present(v, names) != 1 {
			c.refuse(at, codeConstraint, "must define exactly one of: %s", strings.Join(names, ", "))
		}
	}
}

func present(v any, names []string) int {
	o, _ := v.(map[string]any)
	n := 0
	for _, name := range names {
		if _, has := o[name]; has {
			n++
		}
	}
	return n
}

// id accepts a name that may stand only once in a message.
func id(kind string) rule {
	return func(c *check, at string, v any) {
		str(maxID)(c, at, v)
		s, _ := v.(string)
		if first, used := c.ids[kind+" "+s]; used && s != "" {
			c.refuse(at, codeDuplicate, "`%s` already exists: %q is used at %s", kind, s, first)
			return
		}
		c.ids[kind+" "+s] = at
	}
}
