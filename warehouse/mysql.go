package warehouse

import (
	"slices"
	"strings"
	"time"

	"github.com/pipewatch-dev/pipewatch/probe"
)

// MySQL is the dialect of MySQL and MariaDB; server is what the server calls
// itself, such as 10.11.19-MariaDB. It stands on a session whose zone is UTC and
// whose sql_mode leaves the backslash an escape: package mysql makes both so.
func MySQL(server string) Dialect {
	text := func(s string) string {
		return "'" + strings.NewReplacer(`\`, `\\`, "'", "''").Replace(s) + "'"
	}
	moment := func(t time.Time) string { return "timestamp'" + t.Format("2006-01-02 15:04:05.999999") + "'" }
	convert := func(expr, from, to string) string {
		if from == to {
			return expr
		}
		return "convert_tz(" + expr + ", " + text(from) + ", " + text(to) + ")"
	}
	const utc, tick = "+00:00", "interval 1 microsecond"
	zoned := func(zone string) string {
		if zone == "UTC" {
			return utc
		}
		return zone
	}
	return Dialect{
		Name:        "mysql",
		Fingerprint: "mysql/" + server + "/sum(md5)/1",
		Quote:       func(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" },
		Text:        text,
		AsText:      func(expr string) string { return "cast(" + expr + " as char)" },
		Size:        func(expr string) string { return "length(" + expr + ")" },
		Moment:      func(t time.Time) string { return moment(t.UTC()) },
		Naive:       moment,
		Day:         func(t time.Time) string { return "date'" + t.Format(time.DateOnly) + "'" },
		Plain:       mysqlPlain,
		InZone:      func(expr, zone string) string { return convert(expr, zoned(zone), utc) },
		Local:       func(expr, zone string) string { return convert(expr, utc, zoned(zone)) },
		// As in DuckDB: the last tick of the day before is never ambiguous.
		FirstOf: func(day, zone string) string {
			if zone == "UTC" {
				return "cast(" + day + " as datetime)"
			}
			return convert("cast("+day+" as datetime(6)) - "+tick, zone, utc) + " + " + tick
		},
		Micros: func(expr string) string {
			return "timestampdiff(microsecond, timestamp'1970-01-01 00:00:00', " + expr + ")"
		},
		// 0000-00-00 is what old applications write for "never".
		Finite:     func(expr string) string { return expr + " >= date'0001-01-01'" },
		Bucket:     mysqlBucket,
		NextBucket: func(per probe.Per, day string) string { return day + " + interval 1 " + string(per) },
		Later:      func(expr, seconds string) string { return expr + " + interval " + seconds + " second" },
		Distinct:   mysqlDistinct,
		RowHash:    mysqlRowHash,
		Canonical:  mysqlCanonical,
		explained:  mysqlExplained,
		KeyHash: func(exprs []string) string {
			parts := make([]string, len(exprs))
			for i, expr := range exprs {
				parts[i] = sized("cast(" + expr + " as char)")
			}
			return mysqlHash(parts)
		},
	}
}

// mysqlPlain compares text by its bytes, as the other engines do: collations of
// this one find 'Paid' among the accepted 'paid', and 'é' among 'e'.
func mysqlPlain(c probe.Column, expr string) string {
	if c.Class == probe.Text {
		return "cast(convert(" + expr + " using utf8mb4) as binary)"
	}
	return expr
}

// mysqlDistinct needs no rows: here count(distinct) takes several columns.
func mysqlDistinct(cond string, columns []string) string {
	values := slices.Clone(columns)
	for i := range values {
		if cond != "" {
			values[i] = when(cond, values[i])
		}
	}
	return "count(distinct " + strings.Join(values, ", ") + ")"
}

func mysqlBucket(per probe.Per, expr string) string {
	switch day := "cast(" + expr + " as date)"; per {
	case probe.Hour:
		return "cast(date_format(" + expr + ", '%Y-%m-%d %H:00:00') as datetime)"
	case probe.Week:
		return day + " - interval weekday(" + expr + ") day"
	case probe.Month:
		return day + " - interval dayofmonth(" + expr + ") - 1 day"
	default:
		return day
	}
}

// mysqlRowHash has 64 bits of the MD5 of a text that no other row has: each value
// comes with its length and NULL is apart. MD5 is the only hash of this engine
// that is both strong and short; being strong, it needs no further mixing.
func mysqlRowHash(columns []probe.Column, of func(string) string) string {
	parts := make([]string, len(columns))
	for i, c := range columns {
		parts[i] = "ifnull(" + mysqlValue(c, of(c.Name)) + ", 'N')"
	}
	return mysqlHash(parts)
}

// mysqlValue is a value as text; NULL stays NULL. Long ones go by their own hash: beyond
// max_allowed_packet concat() gives NULL, and the row would be skipped in silence.
func mysqlValue(c probe.Column, expr string) string {
	base, _, _ := strings.Cut(strings.ToLower(c.Type), "(")
	base, _, _ = strings.Cut(base, " ")
	switch base {
	case "tinytext", "text", "mediumtext", "longtext", "tinyblob", "blob", "mediumblob", "longblob":
		return "concat('M', md5(" + expr + "))"
	case "json":
		return "concat('M', md5(cast(" + expr + " as char)))"
	case "float", "double":
		// As text a float has 6 digits only.
		return sized("cast(" + expr + " + 0e0 as char)")
	case "bit":
		return sized("hex(" + expr + ")")
	case "geometry", "point", "linestring", "polygon", "multipoint", "multilinestring", "multipolygon", "geometrycollection":
		return "concat('M', md5(concat(st_srid(" + expr + "), ':', hex(st_aswkb(" + expr + ")))))"
	case "char", "varchar", "binary", "varbinary":
		return sized("cast(" + expr + " as binary)")
	}
	return sized("cast(" + expr + " as char)")
}

func sized(text string) string { return "concat('V', length(" + text + "), ':', " + text + ")" }

func mysqlHash(parts []string) string {
	return "cast(conv(left(md5(concat(" + strings.Join(parts, ", ") + ")), 16), 16, 10) as unsigned)"
}
