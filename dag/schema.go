package dag

import (
	"maps"

	"github.com/pipewatch-dev/pipewatch/conf"
)

// Schema makes the JSON Schema of a DAG file under an id. params holds, by kind of
// check, a value of the type that its own keys are decoded into; kinds that are
// missing have no place in the schema.
func Schema(id string, params map[string]any) ([]byte, error) {
	block := func(kind string, required ...string) any {
		return conf.Object{Of: []any{commonKeys{}, params[kind]}, Required: required}
	}
	checks := map[string]any{}
	for _, kind := range checkKinds {
		switch {
		case params[kind.kind] == nil:
		case kind.listedBy != "":
			one := block(kind.kind)
			checks[kind.key] = conf.Either{one, conf.ListOf{Of: one}}
		default:
			checks[kind.key] = block(kind.kind)
		}
	}
	if params["sql"] != nil {
		checks["checks"] = conf.ListOf{Of: block("sql", "name")}
	}
	blocks := maps.Clone(checks)
	delete(blocks, "job")
	return conf.SchemaOf(conf.Object{
		Of: []any{fileKeys{}},
		Keys: map[string]any{
			"version": conf.Literal{Of: 1},
			"vars":    conf.MapOf{Of: conf.Either{"", 0.0, false}},
			"nodes":   conf.MapOf{Of: conf.Object{Of: []any{nodeKeys{}}, Keys: checks, OneOf: typeNames, Nullable: true}},
			// What a node is cannot be a default, so only its other keys are there.
			"defaults": conf.Object{Of: []any{settableKeys{}}, Keys: blocks},
		},
		Patterns: map[string]any{"^x-": conf.Value{}},
	}, id, "pipewatch DAG file")
}
