package checks

// Builtin lists every kind of check, in the order in which people meet them.
// A new kind is one file of this package and one line here.
func Builtin() []Kind {
	return []Kind{
		freshness,
		rowCount,
		joins,
		version,
		labels,
		values,
		sqlCheck,
		job,
	}
}
