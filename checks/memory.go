package checks

import (
	"encoding/json"
	"fmt"
)

// remembered wraps what a kind remembers with the version of its format.
type remembered[T any] struct {
	Version int `json:"v"`
	Past    T   `json:"past"`
}

// remember makes a Memory in a kind's format of a version.
func remember[T any](version int, past T) Memory {
	b, err := json.Marshal(remembered[T]{version, past})
	if err != nil {
		panic(fmt.Sprintf("remember %T: %v", past, err)) // unreachable: memories are plain data
	}
	return b
}

// recall reads a Memory back; false at first sight, which a Memory of another
// version is too.
func recall[T any](m Memory, version int) (T, bool) {
	var r remembered[T]
	if len(m) == 0 || json.Unmarshal(m, &r) != nil || r.Version != version {
		return *new(T), false
	}
	return r.Past, true
}
