package warehouse

import (
	"slices"

	"github.com/pipewatch-dev/pipewatch/probe"
)

// unique tells whether the engine lets no two rows have the same values in columns,
// and no NULL in any of them: they are exactly one of the keys that it enforces.
func (t table) unique(columns []probe.Column) bool {
	return slices.ContainsFunc(t.keys, func(key []string) bool {
		return len(key) == len(columns) && !slices.ContainsFunc(columns, func(c probe.Column) bool {
			return c.Nullable || !slices.Contains(key, c.Name)
		})
	})
}
