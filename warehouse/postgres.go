package warehouse

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/pipewatch-dev/pipewatch/probe"
)

// Postgres is the dialect of PostgreSQL 14 and later; version is the server's major
// version. Sessions must have standard_conforming_strings on, the zone UTC and the
// ISO style of dates: literals and hashes depend on them.
func Postgres(version string) Dialect {
	text := func(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
	zoned := func(expr, zone string) string { return "timezone(" + text(zone) + ", " + expr + ")" }
	const tick = "interval '1 microsecond'"
	return Dialect{
		Name:        "postgres",
		Fingerprint: "postgres/" + version + "/sum(hashint8extended(0, xor))/1",
		Quote:       func(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` },
		Text:        text,
		AsText:      func(expr string) string { return "cast(" + expr + " as text)" },
		Moment: func(t time.Time) string {
			return "timestamptz '" + t.UTC().Format("2006-01-02 15:04:05.999999") + "+00'"
		},
		Naive:  func(t time.Time) string { return "timestamp '" + t.Format("2006-01-02 15:04:05.999999") + "'" },
		Day:    func(t time.Time) string { return "date '" + t.Format(time.DateOnly) + "'" },
		Plain:  postgresPlain,
		Key:    postgresPlain,
		InZone: zoned,
		Local:  zoned,
		// As for DuckDB: midnight may be twice or missing, the tick before it is not.
		FirstOf: func(day, zone string) string {
			return "(" + zoned("cast("+day+" as timestamp) - "+tick, zone) + " + " + tick + ")"
		},
		Micros: func(expr string) string {
			return "cast(extract(epoch from nullif(nullif(" + expr + ", 'infinity'), '-infinity')) * 1000000 as bigint)"
		},
		Times:  true,
		Finite: func(expr string) string { return "isfinite(" + expr + ")" },
		Bucket: func(per probe.Per, expr string) string {
			cut := "date_trunc('" + string(per) + "', " + expr + ")"
			if per == probe.Hour {
				return cut
			}
			return "cast(" + cut + " as date)"
		},
		NextBucket: func(per probe.Per, day string) string {
			return "cast(" + day + " + interval '1 " + string(per) + "' as date)"
		},
		Later:       func(expr, seconds string) string { return expr + " + " + seconds + " * interval '1 second'" },
		Together:    10,
		Distinct:    distinctRows,
		SoundTokens: true,
		ByBytes:     func(expr string) string { return expr + ` collate "C"` },
		RowHash:     postgresRowHash,
		Canonical:   postgresCanonical,
		explained:   postgresExplained,
		// By the types' own equality, so that 1.0 and 1.00 are one key; never negative.
		KeyHash: func(exprs []string) string {
			return "cast(hash_record_extended(row(" + strings.Join(exprs, ", ") + "), 0) as numeric) + 9223372036854775808"
		},
	}
}

// postgresPlain casts what is text by its class but not by its type: an enum has no
// comparison with text, and a blank-padded text ignores blanks.
func postgresPlain(c probe.Column, expr string) string {
	if c.Class == probe.Text && c.Type != "text" && !strings.HasPrefix(c.Type, "character varying") {
		return "cast(" + expr + " as text)"
	}
	return expr
}

// postgresRowHash combines seeded hashes of the columns and mixes the result, since
// a sum of unmixed hashes misses swapped values. hashint8extended folds its value to
// 32 bits but mixes all 64 bits of its seed: what is hashed goes in as the seed.
func postgresRowHash(columns []probe.Column, of func(string) string) string {
	parts := make([]string, len(columns))
	for i, c := range columns {
		seed := strconv.Itoa(i + 1)
		parts[i] = fmt.Sprintf("coalesce(%s, %d)", postgresHash(c, of(c.Name), seed), 7046029254386353131-int64(i))
	}
	return "hashint8extended(0, " + strings.Join(parts, " # ") + ")"
}

// postgresHash hashes one value by its type's own function, and by its text where
// equality is wider than being the same: 30 days are no month.
func postgresHash(c probe.Column, expr, seed string) string {
	byText := "hashtextextended(cast(" + expr + ` as text) collate "C", ` + seed + ")"
	switch c.Class {
	case probe.Integer:
		return "hashint8extended(" + seed + ", cast(" + expr + " as bigint))"
	case probe.Decimal:
		return "hash_numeric_extended(" + expr + ", " + seed + ")"
	case probe.Float:
		return "hashfloat8extended(" + expr + ", " + seed + ")"
	case probe.Boolean:
		return "hashint8extended(" + seed + ", cast(cast(" + expr + " as integer) + 1 as bigint))"
	case probe.Date:
		return "case when isfinite(" + expr + ") then hashint4extended(" + expr + " - date '2000-01-01', " + seed + ") else " + byText + " end"
	case probe.Zoned: // the zone UTC gives the same by an addition, a cast by way of a calendar
		return "timestamp_hash_extended(timezone(interval '0', " + expr + "), " + seed + ")"
	case probe.Naive:
		return "timestamp_hash_extended(cast(" + expr + " as timestamp), " + seed + ")"
	}
	return byText
}
