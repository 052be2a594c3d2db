package conf

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"

	"github.com/invopop/jsonschema"
)

// Schemer is a type whose schema its Go shape does not tell, such as one that reads
// both a name and a map. ConfSchema, which is called on the zero value, returns one
// sample value of a Go type for each form that is accepted.
type Schemer interface {
	ConfSchema() []any
}

// Object is the schema of a map whose keys come from several Go types and, where the
// types do not say it all, from a table of further keys. A further key replaces one
// of the types.
type Object struct {
	Of       []any          // structs, whose keys are joined
	Keys     map[string]any // a sample of what each further key holds
	Required []string       // further keys that must be there
	OneOf    []string       // keys of which exactly one must be there
	Nullable bool           // any key may be empty, which takes back a default
	Patterns map[string]any // a sample for all keys that match a regular expression
}

// ListOf is the schema of a list of one form.
type ListOf struct{ Of any }

// Literal is the schema of one value that cannot be any other.
type Literal struct{ Of any }

// MapOf is the schema of a map from any name to one form.
type MapOf struct{ Of any }

// Either is the schema of a value that has one of several forms.
type Either []any

// SchemaOf makes the JSON Schema (draft 2020-12) of a sample: a value of a Go type,
// read by the struct tags that [Value.Decode] follows, or an [Object], [MapOf],
// [ListOf], [Literal] or [Either] of them. id and title name the schema. Keys that are not available yet are
// left out, so an editor marks them as pipewatch would refuse them. The result is
// indented, ends in a line break and is the same for the same sample.
func SchemaOf(sample any, id, title string) ([]byte, error) {
	s := schemaOf(sample)
	s.Version = jsonschema.Version
	s.ID = jsonschema.ID(id)
	s.Title = title
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("make schema %s: %w", id, err)
	}
	return append(text, '\n'), nil
}

func schemaOf(sample any) *jsonschema.Schema {
	switch s := sample.(type) {
	case Object:
		return s.schema()
	case MapOf:
		return &jsonschema.Schema{Type: "object", AdditionalProperties: schemaOf(s.Of)}
	case ListOf:
		return &jsonschema.Schema{Type: "array", Items: schemaOf(s.Of)}
	case Literal:
		return &jsonschema.Schema{Const: s.Of}
	case Either:
		return anyOf(s)
	}
	return schemaFor(reflect.TypeOf(sample))
}

func (o Object) schema() *jsonschema.Schema {
	all := &jsonschema.Schema{Type: "object", Properties: jsonschema.NewProperties(), AdditionalProperties: jsonschema.FalseSchema}
	for _, part := range o.Of {
		s := schemaOf(part)
		for p := s.Properties.Oldest(); p != nil; p = p.Next() {
			all.Properties.Set(p.Key, p.Value)
		}
		all.Required = append(all.Required, s.Required...)
	}
	for _, key := range slices.Sorted(maps.Keys(o.Keys)) {
		s := schemaOf(o.Keys[key])
		if before, known := all.Properties.Get(key); known {
			s.Description = cmp.Or(s.Description, before.Description)
		}
		all.Properties.Set(key, s)
	}
	for _, key := range o.Required {
		if !slices.Contains(all.Required, key) {
			all.Required = append(all.Required, key)
		}
	}
	for _, key := range o.OneOf {
		all.OneOf = append(all.OneOf, &jsonschema.Schema{Required: []string{key}})
	}
	for p := all.Properties.Oldest(); o.Nullable && p != nil; p = p.Next() {
		all.Properties.Set(p.Key, nullable(p.Value))
	}
	for pattern, sample := range o.Patterns {
		if all.PatternProperties == nil {
			all.PatternProperties = map[string]*jsonschema.Schema{}
		}
		all.PatternProperties[pattern] = schemaOf(sample)
	}
	return all
}

// reference is ${…}, which stands for a value that an editor cannot know.
const reference = `\$\{[^}]+\}`

var (
	schemerType = reflect.TypeFor[Schemer]()
	// What the scalar types of this package accept, in the terms of JSON Schema.
	scalarSchemas = map[reflect.Type]*jsonschema.Schema{
		reflect.TypeFor[Percent]():   {Type: "string", Pattern: `^([0-9]{1,6}(\.[0-9]{1,6})?%|` + reference + `)$`},
		reflect.TypeFor[ClockTime](): {Type: "string", Pattern: `^(([01][0-9]|2[0-3]):[0-5][0-9]|` + reference + `)$`},
		reflect.TypeFor[Secret]():    {Type: "string"},
		reflect.TypeFor[Duration](): {OneOf: []*jsonschema.Schema{
			{Type: "string", Pattern: `^(([0-9]+[wdhms])+|` + reference + `)$`},
			{Const: json.Number("0")},
		}},
		reflect.TypeFor[StringList](): {OneOf: []*jsonschema.Schema{
			{Type: "string"},
			{Type: "array", Items: &jsonschema.Schema{Type: "string"}},
		}},
		reflect.TypeFor[Value](): {},
	}
)

// schemaFor reflects one type without its relatives: every type inside comes back
// here, so that unions, scalars and keys to come are treated at every depth. Each use
// of a scalar gets a copy, as the reflector writes descriptions into it.
func schemaFor(t reflect.Type) *jsonschema.Schema {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if s, ok := scalarSchemas[t]; ok {
		own := *s
		return &own
	}
	if t.Implements(schemerType) {
		return anyOf(reflect.Zero(t).Interface().(Schemer).ConfSchema())
	}
	if reflect.PointerTo(t).Implements(schemerType) {
		return anyOf(reflect.New(t).Interface().(Schemer).ConfSchema())
	}
	first := true
	r := jsonschema.Reflector{
		Anonymous: true, DoNotReference: true, ExpandedStruct: true, RequiredFromJSONSchemaTags: true, FieldNameTag: "yaml",
		Mapper: func(inner reflect.Type) *jsonschema.Schema {
			if first {
				first = false // the library's own treatment of t itself
				return nil
			}
			return schemaFor(inner)
		},
	}
	s := r.ReflectFromType(t)
	s.Version = ""
	if t.Kind() == reflect.Struct {
		for _, f := range structFields(t) {
			if f.later != "" {
				s.Properties.Delete(f.name)
			}
		}
	}
	return s
}

// nullable also accepts an empty value. The description moves to where editors look.
func nullable(s *jsonschema.Schema) *jsonschema.Schema {
	own := *s
	own.Description = ""
	return &jsonschema.Schema{Description: s.Description, AnyOf: []*jsonschema.Schema{&own, {Type: "null"}}}
}

func anyOf(samples []any) *jsonschema.Schema {
	var s jsonschema.Schema
	for _, sample := range samples {
		s.AnyOf = append(s.AnyOf, schemaOf(sample))
	}
	return &s
}
