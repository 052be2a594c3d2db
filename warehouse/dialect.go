package warehouse

import (
	"strings"
	"time"

	"github.com/pipewatch-dev/pipewatch/probe"
)

// Dialect is how one engine writes what SQL leaves open. Functions take and give
// SQL text. Statements are written with what all engines share: count(case when …),
// no filter clause; cast, no double colon.
type Dialect struct {
	Name string
	// Fingerprint names engine, version and hash expression: digests compare only
	// where it is the same.
	Fingerprint string

	Quote func(name string) string // an identifier
	Text  func(s string) string    // a string literal
	// ByBytes is a text that compares by its bytes; nil where all do.
	ByBytes func(expr string) string
	// Size is how many bytes a value of any type has; nil where that is those of its text.
	Size func(expr string) string
	// AsText turns a value of any type into text.
	AsText func(expr string) string

	// Literals: a moment (the instant of t, to the microsecond), the same without a
	// zone (the clock of t as it stands), a day.
	Moment func(t time.Time) string
	Naive  func(t time.Time) string
	Day    func(t time.Time) string

	// Plain turns a column of class Naive or Text into the engine's ordinary type of
	// that class, where it has several.
	Plain func(c probe.Column, expr string) string
	// Key turns a column into what equal keys of two tables compare as; nil where
	// columns of one class compare as they are.
	Key func(c probe.Column, expr string) string
	// InZone reads a naive timestamp as the clock of a zone and gives the moment;
	// Local gives what that clock shows at a moment; FirstOf gives a day's first
	// moment there. zone is an IANA name, never empty.
	InZone  func(expr, zone string) string
	Local   func(expr, zone string) string
	FirstOf func(day, zone string) string
	// Micros gives microseconds since 1970, of a moment or of a naive timestamp in
	// UTC; NULL for an infinite one.
	Micros func(expr string) string
	// Times: a moment costs less as it is, for the engine and to read, than in
	// microseconds.
	Times bool
	// Finite is the condition that a date or timestamp is neither infinite nor NULL.
	Finite func(expr string) string
	// Bucket cuts a naive timestamp or a day to the day on which its day, week or
	// month begins; a moment to its hour.
	Bucket func(per probe.Per, expr string) string
	// NextBucket is the day on which the following bucket begins.
	NextBucket func(per probe.Per, day string) string
	// Later is a moment plus whole seconds.
	Later func(expr, seconds string) string

	// AntiJoin: the engine has ANTI JOIN, and it is faster than NOT EXISTS.
	AntiJoin bool
	// Distinct counts the distinct values of columns together, without those rows in
	// which one is NULL, and of the rows that meet a condition, unless that is empty.
	Distinct func(cond string, columns []string) string

	// Together is how many scans of small tables go well in one statement; 0 or 1 is
	// one.
	Together int

	// SoundTokens: change tokens of tables can prove that nothing was written, so they
	// are worth asking for before a scan.
	SoundTokens bool
	// RowHash is an integer that hashes the columns' values of a row, NULLs and
	// order included, mixed once more so that sums of it are sound. of says how a
	// column is reached.
	RowHash func(columns []probe.Column, of func(name string) string) string
	// Canonical makes the digest that all engines make alike.
	Canonical Canonical
	// KeyHash is an unsigned 64-bit hash of expressions.
	KeyHash func(exprs []string) string

	explained explained
}

// name quotes the parts of a table's name.
func (d Dialect) name(parts probe.Names) string {
	var quoted []string
	for _, part := range parts.Items() {
		quoted = append(quoted, d.Quote(part))
	}
	return strings.Join(quoted, ".")
}

// from renders a relation for a FROM clause.
func (d Dialect) from(of probe.Relation) string {
	if of.Query == "" {
		return d.name(of.Table)
	}
	return "(\n" + of.Query + "\n) as q"
}

// DuckDB is the dialect of DuckDB; version is that of its library.
func DuckDB(version string) Dialect {
	quote := func(q string) func(string) string {
		return func(s string) string { return q + strings.ReplaceAll(s, q, q+q) + q }
	}
	text := quote("'")
	zoned := func(expr, zone string) string { return "timezone(" + text(zone) + ", " + expr + ")" }
	const tick = "interval 1 microsecond"
	return Dialect{
		Name:        "duckdb",
		Fingerprint: "duckdb/" + version + "/sum(hash(hash))/1",
		Quote:       quote(`"`),
		Text:        text,
		AsText:      func(expr string) string { return "cast(" + expr + " as varchar)" },
		ByBytes:     func(expr string) string { return expr + ` collate "C"` },
		Moment: func(t time.Time) string {
			return "timestamptz '" + t.UTC().Format("2006-01-02 15:04:05.999999") + "+00'"
		},
		Naive:  func(t time.Time) string { return "timestamp '" + t.Format("2006-01-02 15:04:05.999999") + "'" },
		Day:    func(t time.Time) string { return "date '" + t.Format(time.DateOnly) + "'" },
		Plain:  duckPlain,
		InZone: zoned,
		Local:  zoned,
		// The last tick of the day before is never ambiguous in the way that midnight
		// can be: the engine takes the later of two, and a day begins after it.
		FirstOf: func(day, zone string) string {
			return zoned("cast("+day+" as timestamp) - "+tick, zone) + " + " + tick
		},
		Micros: func(expr string) string { return "epoch_us(" + expr + ")" },
		Finite: func(expr string) string { return "isfinite(" + expr + ")" },
		Bucket: func(per probe.Per, expr string) string {
			cut := "date_trunc('" + string(per) + "', " + expr + ")"
			if per == probe.Hour {
				return cut
			}
			return "cast(" + cut + " as date)"
		},
		NextBucket: func(per probe.Per, day string) string {
			return "cast(" + day + " + interval 1 " + string(per) + " as date)"
		},
		Later:     func(expr, seconds string) string { return expr + " + interval " + seconds + " second" },
		AntiJoin:  true,
		Together:  10,
		Distinct:  distinctRows,
		RowHash:   duckRowHash,
		Canonical: duckCanonical,
		KeyHash:   func(exprs []string) string { return "hash(" + strings.Join(exprs, ", ") + ")" },
		explained: duckExplained,
	}
}

// duckPlain casts timestamps of other precisions, and enums, which refuse to be
// compared with a text that is not one of theirs.
func duckPlain(c probe.Column, expr string) string {
	switch {
	case c.Class == probe.Naive && c.Type != "TIMESTAMP":
		return "cast(" + expr + " as timestamp)"
	case c.Class == probe.Text && c.Type != "VARCHAR":
		return "cast(" + expr + " as varchar)"
	}
	return expr
}

// duckRowHash hashes twice, as a sum of single hashes misses swapped values. Nested
// values go by their JSON: hash() does not tell [] and [NULL] from NULL.
func duckRowHash(columns []probe.Column, of func(string) string) string {
	exprs := make([]string, len(columns))
	for i, c := range columns {
		exprs[i] = of(c.Name)
		switch {
		case strings.ContainsAny(c.Type, "[(") && c.Class == probe.Other, c.Type == "VARIANT":
			exprs[i] = "cast(to_json(" + exprs[i] + ") as varchar)"
		case c.Type == "INTERVAL":
			exprs[i] = "cast(" + exprs[i] + " as varchar)" // 30 days and 1 month hash alike
		}
	}
	return "hash(hash(" + strings.Join(exprs, ", ") + "))"
}

// distinctRows counts distinct rows of columns where rows are values.
func distinctRows(cond string, columns []string) string {
	value := columns[0]
	var conds []string
	if cond != "" {
		conds = append(conds, cond)
	}
	if len(columns) > 1 {
		value = "(" + strings.Join(columns, ", ") + ")"
		for _, c := range columns {
			conds = append(conds, c+" is not null")
		}
	}
	if len(conds) > 0 {
		value = when(all(conds), value)
	}
	return "count(distinct " + value + ")"
}
