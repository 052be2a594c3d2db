package checks

import "github.com/pipewatch-dev/pipewatch/dag"

// dagSchemaID names the JSON Schema of a DAG file.
const dagSchemaID = "https://github.com/pipewatch-dev/pipewatch/blob/main/docs/schema/dag.schema.json"

// DAGSchema makes the JSON Schema of a DAG file whose checks are of these
// kinds, indented and the same for the same kinds.
func DAGSchema(kinds []Kind) ([]byte, error) {
	params := map[string]any{}
	for _, k := range kinds {
		params[k.Name] = k.Params
	}
	return dag.Schema(dagSchemaID, params)
}
