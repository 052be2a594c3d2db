package conf_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/pipewatch-dev/pipewatch/conf"
)

func compiled(t *testing.T, v any) *jsonschema.Schema {
	t.Helper()
	const id = "https://example.com/shop.json"
	text, err := conf.SchemaOf(v, id, "Shop")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource(id, doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile(id)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// instance is a YAML document as the schema validator wants it.
func instance(t *testing.T, src string) any {
	t.Helper()
	text, err := json.Marshal(parse(t, src).Any())
	if err != nil {
		t.Fatal(err)
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestTheSchemaAcceptsWhatDecodeAccepts(t *testing.T) {
	schema := compiled(t, shop{})
	cases := []struct {
		name, src string
		ok        bool
	}{
		{"all forms at once", "nodes: {a: {severity: warn, timeout: 1h30m, retries: 3, enabled: true, limit: 4}}\njoins: [{to: a, on: x, min_match: 99.5%}, {to: b, on: {left: x, right: y}}]\nopens: \"07:30\"\ntags: a\nlevel: 3\nrest: {any: thing}\nplain: [1]\nslack: {token: x}\n", true},
		{"a list where one text would do", "tags: [a, b]", true},
		{"a bare zero duration", "nodes: {a: {timeout: 0}}", true},
		{"a bare number is no duration", "nodes: {a: {timeout: 5}}", false},
		{"an unknown key", "nodes: {a: {colour: red}}", false},
		{"a key that is not built yet", "nodes: {a: {drift: {}}}", false},
		{"a word outside the set", "nodes: {a: {severity: fatal}}", false},
		{"a missing key", "joins: [{on: x}]", false},
		{"a missing key of a union", "joins: [{to: a, on: {left: x}}]", false},
		{"a percentage without sign", "joins: [{to: a, min_match: 98}]", false},
		{"a number above its bound", "level: 11", false},
		{"a text that does not match", "name: UPPER", false},
		{"too few items", "joins: []", false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var s shop
			decoded := parse(t, c.src).Decode(&s).Err()
			validated := schema.Validate(instance(t, c.src))
			if (decoded == nil) != c.ok {
				t.Errorf("Decode says %v", decoded)
			}
			if (validated == nil) != c.ok {
				t.Errorf("the schema says %v", validated)
			}
		})
	}
}

func TestSchemasAreComposedOfTypesAndKeys(t *testing.T) {
	schema := compiled(t, conf.Object{
		Of: []any{slack{}, common{}},
		Keys: map[string]any{
			"nodes": conf.MapOf{Of: conf.Object{Of: []any{common{}}, Keys: map[string]any{"joins": conf.Either{join{}, []join{}}}}},
		},
		Required: []string{"nodes"},
		Patterns: map[string]any{"^x-": conf.Value{}},
	})
	cases := []struct {
		name, src string
		ok        bool
	}{
		{"keys of both types and of the map", "token: x\nseverity: warn\nnodes: {a: {timeout: 5s, joins: {to: b}}, b: {joins: [{to: a}]}}\nx-any: [1]\n", true},
		{"a key of neither", "nodes: {}\ncolour: red\n", false},
		{"a wrong key inside the table", "nodes: {a: {colour: red}}\n", false},
		{"neither form", "nodes: {a: {joins: text}}\n", false},
		{"a missing key", "token: x\n", false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if err := schema.Validate(instance(t, c.src)); (err == nil) != c.ok {
				t.Errorf("the schema says %v", err)
			}
		})
	}
}

func TestASchemaIsTheSameEveryTime(t *testing.T) {
	first, err := conf.SchemaOf(shop{}, "id", "Shop")
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		again, err := conf.SchemaOf(shop{}, "id", "Shop")
		if err != nil || !bytes.Equal(first, again) {
			t.Fatalf("it differs, %v", err)
		}
	}
}
