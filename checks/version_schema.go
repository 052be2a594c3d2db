package checks

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// schemaDiff is how the columns of two sightings differ.
type schemaDiff struct {
	added, removed, widened, retyped []string
	reordered                        bool
}

// schemaDiff compares columns by name, whatever its case.
func (c change) schemaDiff() schemaDiff {
	var d schemaDiff
	was := map[string]columnMemory{}
	var before, after []string // the names that both have, in order
	for _, col := range c.past.Columns {
		was[strings.ToLower(col.Name)] = col
	}
	is := map[string]bool{}
	for _, col := range c.seen.Columns {
		name := strings.ToLower(col.Name)
		is[name] = true
		old, ok := was[name]
		switch {
		case !ok:
			d.added = append(d.added, col.Name)
			continue
		case widens(old.Type, col.Type) && old.Nullable == col.Nullable:
			d.widened = append(d.widened, fmt.Sprintf("%s (%s to %s)", col.Name, old.Type, col.Type))
		case old.Type != col.Type:
			d.retyped = append(d.retyped, fmt.Sprintf("%s (%s to %s)", col.Name, old.Type, col.Type))
		case old.Nullable != col.Nullable:
			d.retyped = append(d.retyped, fmt.Sprintf("%s (%s to %s)", col.Name, nullability(old.Nullable), nullability(col.Nullable)))
		}
		after = append(after, name)
	}
	for _, col := range c.past.Columns {
		if name := strings.ToLower(col.Name); is[name] {
			before = append(before, name)
		} else {
			d.removed = append(d.removed, col.Name)
		}
	}
	d.reordered = !slices.Equal(before, after)
	return d
}

func nullability(nullable bool) string {
	if nullable {
		return "nullable"
	}
	return "not null"
}

// allowed tells whether only such changes were made as `allow` lists.
func (c change) allowed() bool {
	d := c.schemaDiff()
	may := func(what string) bool { return slices.Contains(c.params.Allow, what) }
	return len(d.removed)+len(d.retyped) == 0 && !d.reordered &&
		(len(d.added) == 0 || may("added_columns")) && (len(d.widened) == 0 || may("widened_types"))
}

// String is the difference for people: "added a, b; removed c".
func (d schemaDiff) String() string {
	var parts []string
	for _, part := range []struct {
		what  string
		names []string
	}{{"removed", d.removed}, {"changed", d.retyped}, {"widened", d.widened}, {"added", d.added}} {
		switch n := len(part.names); {
		case n > 5:
			parts = append(parts, fmt.Sprintf("%s %s and %d more", part.what, strings.Join(part.names[:5], ", "), n-5))
		case n > 0:
			parts = append(parts, part.what+" "+strings.Join(part.names, ", "))
		}
	}
	if d.reordered {
		parts = append(parts, "another order")
	}
	return "the columns changed: " + strings.Join(parts, "; ")
}

// widerThan lists number types by how much they hold, in the words of several
// engines; each family widens to its right.
var widerThan = [][]string{
	{"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT"},
	{"INT2", "INT4", "INT8"},
	{"TINYINT", "SMALLINT", "MEDIUMINT", "INT", "BIGINT"},
	{"UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT"},
	{"FLOAT", "DOUBLE"},
	{"REAL", "DOUBLE PRECISION"},
	{"TINYTEXT", "TEXT", "MEDIUMTEXT", "LONGTEXT"},
}

// width is what MariaDB writes behind an integer type, as in int(11): for how many
// digits it is shown, which tells nothing of what it holds.
var width = regexp.MustCompile(`^(TINYINT|SMALLINT|MEDIUMINT|INT|BIGINT)\(\d+\)`)

// plainNumber is an integer type without its width, and whether it is unsigned. A
// tinyint(1) is a truth and stays what it is.
func plainNumber(typ string) (base string, unsigned bool) {
	if typ == "TINYINT(1)" {
		return typ, false
	}
	return strings.CutSuffix(width.ReplaceAllString(typ, "$1"), " UNSIGNED")
}

// widens tells whether every value of one type is kept by the other.
func widens(from, to string) bool {
	from, to = strings.ToUpper(from), strings.ToUpper(to)
	less, without := plainNumber(from)
	more, still := plainNumber(to)
	for _, family := range widerThan {
		a, b := slices.Index(family, less), slices.Index(family, more)
		if a >= 0 && b > a && (without || !still) {
			return true
		}
	}
	var p1, s1, p2, s2 int
	for _, name := range []string{"DECIMAL", "NUMERIC"} {
		n1, _ := fmt.Sscanf(from, name+"(%d,%d)", &p1, &s1)
		n2, _ := fmt.Sscanf(to, name+"(%d,%d)", &p2, &s2)
		if n1 == 2 && n2 == 2 {
			return from != to && s2 >= s1 && p2-s2 >= p1-s1
		}
	}
	return widensText(from, to)
}

// widensText is widens for texts of a greatest length.
func widensText(from, to string) bool {
	for _, name := range []string{"VARCHAR", "CHARACTER VARYING"} {
		var short, long int
		if n, _ := fmt.Sscanf(from, name+"(%d)", &short); n == 0 {
			continue
		}
		if n, _ := fmt.Sscanf(to, name+"(%d)", &long); n == 1 {
			return long > short
		}
		return to == name || to == "TEXT"
	}
	return false
}
