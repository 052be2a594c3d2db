package conf

import (
	"encoding/json"
	"fmt"
	"reflect"

	"github.com/invopop/jsonschema"
)

// Schemer is a type whose schema its Go shape does not tell, such as one that reads
// both a name and a map. ConfSchema, which is called on the zero value, returns one
// sample value of a Go type for each form that is accepted.
type Schemer interface {
	ConfSchema() []any
}

// SchemaOf makes the JSON Schema (draft 2020-12) of the type of v, from the struct
// tags that [Value.Decode] follows. id and title name the schema. Keys that are not
// available yet are left out, so an editor marks them as pipewatch would refuse them.
// The result is indented, ends in a line break and is the same for the same type.
func SchemaOf(v any, id, title string) ([]byte, error) {
	s := schemaFor(reflect.TypeOf(v))
	s.Version = jsonschema.Version
	s.ID = jsonschema.ID(id)
	s.Title = title
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("make schema %s: %w", id, err)
	}
	return append(text, '\n'), nil
}

var (
	schemerType = reflect.TypeFor[Schemer]()
	// What the scalar types of this package accept, in the terms of JSON Schema.
	scalarSchemas = map[reflect.Type]*jsonschema.Schema{
		reflect.TypeFor[Percent]():   {Type: "string", Pattern: `^[0-9]{1,6}(\.[0-9]{1,6})?%$`},
		reflect.TypeFor[ClockTime](): {Type: "string", Pattern: `^([01][0-9]|2[0-3]):[0-5][0-9]$`},
		reflect.TypeFor[Secret]():    {Type: "string"},
		reflect.TypeFor[Duration](): {OneOf: []*jsonschema.Schema{
			{Type: "string", Pattern: `^([0-9]+[wdhms])+$`},
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

func anyOf(samples []any) *jsonschema.Schema {
	var s jsonschema.Schema
	for _, sample := range samples {
		s.AnyOf = append(s.AnyOf, schemaFor(reflect.TypeOf(sample)))
	}
	return &s
}
