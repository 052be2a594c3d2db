package conf

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/agnivade/levenshtein"
)

// Decoder is a type that reads itself from a value, such as one that accepts both a
// name and a map. It is implemented on the pointer. To decode a map into the type's
// own fields without calling itself it converts to a plain type of the same shape.
type Decoder interface {
	DecodeConf(v Value) Problems
}

// Decode fills dst, a non-nil pointer, from the value and returns everything that
// does not fit. What fits is set even when something else does not, so that a caller
// can look for further problems. An absent value changes nothing.
func (v Value) Decode(dst any) Problems {
	target := reflect.ValueOf(dst)
	if target.Kind() != reflect.Pointer || target.IsNil() {
		panic(fmt.Sprintf("conf: Decode needs a pointer, not %T", dst))
	}
	var d decoding
	d.value(v, target.Elem())
	return d.problems
}

type decoding struct{ problems Problems }

func (d *decoding) value(v Value, dst reflect.Value) {
	if !v.Exists() || v.n.failed {
		return
	}
	if whole, ok := dst.Addr().Interface().(*Value); ok {
		*whole = v
		return
	}
	if dst.Kind() == reflect.Interface {
		if plain := v.Any(); plain != nil {
			dst.Set(reflect.ValueOf(plain))
		}
		return
	}
	if v.Kind() == Null {
		d.problems.Add(v.KeyProblem("the value is empty").WithHint("give a value or remove the key"))
		return
	}
	if custom, ok := dst.Addr().Interface().(Decoder); ok {
		d.problems.Merge(custom.DecodeConf(v))
		return
	}
	switch dst.Kind() {
	case reflect.Pointer:
		fresh, before := reflect.New(dst.Type().Elem()), len(d.problems)
		d.value(v, fresh.Elem())
		if len(d.problems) == before || fresh.Elem().Kind() == reflect.Struct && v.Kind() == Map {
			dst.Set(fresh) // a scalar that does not fit stays absent
		}
	case reflect.Struct:
		d.object(v, dst)
	case reflect.Map:
		d.table(v, dst)
	case reflect.Slice:
		d.list(v, dst)
	default:
		d.scalar(v, dst)
	}
}

func (d *decoding) object(v Value, dst reflect.Value) {
	fields := structFields(dst.Type())
	if v.Kind() != Map {
		d.problems.Add(v.Problem("%s is not a map of keys", v.Quote()).WithHint("its keys are %s", strings.Join(keys(fields), ", ")))
		return
	}
	for key, value := range v.Fields() {
		i := slices.IndexFunc(fields, func(f field) bool { return f.name == key.Text() })
		switch {
		case i < 0:
			d.problems.Add(Unknown(key, "key", keys(fields)))
		case fields[i].later != "":
			d.problems.Add(key.Problem("not available yet (%s)", fields[i].later).WithHint("remove the key"))
		default:
			target := dst.FieldByIndex(fields[i].index)
			before := len(d.problems)
			d.value(value, target)
			if len(d.problems) == before {
				d.constrain(value, fields[i])
			}
		}
	}
	for _, f := range fields {
		if f.required && f.later == "" && !v.Get(f.name).Exists() {
			d.problems.Add(v.KeyProblem("%s is missing", f.name))
		}
	}
}

// constrain checks what a field's tags demand beyond its type.
func (d *decoding) constrain(v Value, f field) {
	switch v.Kind() {
	case List:
		if v.Len() < f.minItems {
			d.problems.Add(v.Problem("needs %d or more items", f.minItems))
		}
		for item := range v.Items() {
			d.oneOf(item, f.enum)
		}
	case Map:
		if v.Len() < f.minItems {
			d.problems.Add(v.Problem("needs %d or more entries", f.minItems))
		}
	default:
		d.oneOf(v, f.enum)
		d.bounds(v, f)
		if f.minLen > 0 && v.Text() == "" {
			d.problems.Add(v.Problem("the text is empty"))
		} else if utf8.RuneCountInString(v.Text()) < f.minLen {
			d.problems.Add(v.Problem("needs %d or more characters", f.minLen))
		} else if f.pattern != nil && !f.pattern.MatchString(v.Text()) {
			d.problems.Add(v.Problem("%s does not match %s", v.Quote(), f.pattern))
		}
	}
}

func (d *decoding) bounds(v Value, f field) {
	n, err := strconv.ParseFloat(v.Text(), 64)
	switch {
	case err != nil:
	case f.min != nil && n < *f.min:
		d.problems.Add(v.Problem("%s is less than %v", v.Quote(), *f.min))
	case f.max != nil && n > *f.max:
		d.problems.Add(v.Problem("%s is more than %v", v.Quote(), *f.max))
	}
}

func (d *decoding) oneOf(v Value, enum []string) {
	if len(enum) > 0 && (v.Kind() == List || v.Kind() == Map || !slices.Contains(enum, v.Text())) {
		d.problems.Add(NotOneOf(v, enum...))
	}
}

func (d *decoding) table(v Value, dst reflect.Value) {
	t := dst.Type()
	if t.Key().Kind() != reflect.String {
		panic(fmt.Sprintf("conf: Decode cannot fill a map with keys of %s", t.Key()))
	}
	if v.Kind() != Map {
		d.problems.Add(v.Problem("%s is not a map of keys", v.Quote()))
		return
	}
	m := reflect.MakeMapWithSize(t, v.Len())
	for key, value := range v.Fields() {
		element := reflect.New(t.Elem()).Elem()
		d.value(value, element)
		m.SetMapIndex(reflect.ValueOf(key.Text()).Convert(t.Key()), element)
	}
	dst.Set(m)
}

func (d *decoding) list(v Value, dst reflect.Value) {
	if v.Kind() != List {
		d.problems.Add(v.Problem("%s is not a list", v.Quote()).WithHint("write it as [a, b], or one item a line with a dash"))
		return
	}
	s := reflect.MakeSlice(dst.Type(), v.Len(), v.Len())
	i := 0
	for item := range v.Items() {
		d.value(item, s.Index(i))
		i++
	}
	dst.Set(s)
}

func (d *decoding) scalar(v Value, dst reflect.Value) {
	switch dst.Kind() {
	case reflect.String:
		if d.text(v) {
			dst.SetString(v.Text())
		}
	case reflect.Bool:
		switch t := v.Text(); {
		case (v.Kind() == Bool || v.n.expanded) && (t == "true" || t == "false"):
			dst.SetBool(t == "true")
		default:
			d.problems.Add(v.Problem("%s is not true or false", v.Quote()).WithHint("write true or false, without quotes"))
		}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		if n, ok := d.integer(v); ok {
			if dst.OverflowInt(n) {
				d.problems.Add(v.Problem("%s is out of range", v.Quote()))
				return
			}
			dst.SetInt(n)
		}
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		if n, ok := d.integer(v); ok {
			if n < 0 || dst.OverflowUint(uint64(n)) {
				d.problems.Add(v.Problem("%s is out of range", v.Quote()))
				return
			}
			dst.SetUint(uint64(n))
		}
	case reflect.Float32, reflect.Float64:
		d.float(v, dst)
	default:
		panic(fmt.Sprintf("conf: Decode cannot fill a %s", dst.Type()))
	}
}

// text accepts a string, and says to quote what YAML reads as something else.
func (d *decoding) text(v Value) bool {
	switch v.Kind() {
	case String:
		return true
	case List, Map:
		d.problems.Add(v.Problem("%s is not text", v.Quote()))
	default:
		d.problems.Add(v.Problem("%s is read as %s, not as text", v.Quote(), v.Kind()).WithHint("quote it: \"%s\"", clean(v.Text())))
	}
	return false
}

// numeric reports whether the value may be read as a number at all.
func (d *decoding) numeric(v Value) bool {
	if v.Kind() == Number || v.Kind() == String && v.n.expanded {
		return true
	}
	p := v.Problem("%s is not a number", v.Quote())
	if _, err := strconv.ParseFloat(v.Text(), 64); v.Kind() == String && err == nil {
		p = p.WithHint("remove the quotes")
	}
	d.problems.Add(p)
	return false
}

func (d *decoding) integer(v Value) (int64, bool) {
	if !d.numeric(v) {
		return 0, false
	}
	if n, ok := parseInt(v.Text()); ok {
		return n, true
	}
	f, err := strconv.ParseFloat(v.Text(), 64)
	switch {
	case leadingZero(v.Text()):
		d.problems.Add(v.Problem("%s starts with a zero, which some YAML readers take for octal", v.Quote()).WithHint("remove the zero"))
	case err != nil && !math.IsInf(f, 0):
		d.problems.Add(v.Problem("%s is not a whole number in decimal digits", v.Quote()))
	case math.Abs(f) > 1<<53:
		d.problems.Add(v.Problem("%s is out of range", v.Quote()))
	case f != math.Trunc(f):
		d.problems.Add(v.Problem("%s is not a whole number", v.Quote()))
	default:
		return int64(f), true // 1e6 and 12.0 are whole numbers
	}
	return 0, false
}

func (d *decoding) float(v Value, dst reflect.Value) {
	if !d.numeric(v) {
		return
	}
	f, err := strconv.ParseFloat(v.Text(), 64)
	if err != nil || math.IsNaN(f) || math.IsInf(f, 0) || leadingZero(v.Text()) || dst.OverflowFloat(f) {
		d.problems.Add(v.Problem("%s is not a finite number in decimal digits", v.Quote()))
		return
	}
	dst.SetFloat(f)
}

func parseInt(s string) (int64, bool) {
	if leadingZero(s) {
		return 0, false
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil
}

// leadingZero finds numbers such as 010 whose base is a matter of opinion.
func leadingZero(s string) bool {
	s = strings.TrimLeft(s, "+-")
	return len(s) > 1 && s[0] == '0' && s[1] >= '0' && s[1] <= '9'
}

// NotOneOf is the problem of a value outside a fixed set of words.
func NotOneOf(v Value, allowed ...string) Problem {
	p := v.Problem("%s is not one of %s", v.Quote(), strings.Join(allowed, ", "))
	if len(allowed) == 1 {
		p.Msg = fmt.Sprintf("%s is not %q, the only word there is", v.Quote(), allowed[0])
	}
	if near := Nearest(v.Text(), allowed); near != "" && v.Quote() == quote(v.Text()) {
		p = p.WithHint("did you mean %q?", near)
	}
	return p
}

// Unknown is the problem of a key or name that nobody knows: at points at it, what
// says what it should have been ("key", "node"), known lists what there is.
func Unknown(at Value, what string, known []string) Problem {
	// The key itself is no secret, also where what stands under it would be.
	p := at.Problem("unknown %s %s", what, quote(at.Text()))
	if near := Nearest(at.Text(), known); near != "" {
		return p.WithHint("did you mean %q?", near)
	}
	const most = 30
	switch n := len(known); {
	case n > most:
		return p.WithHint("there are %d, such as %s", n, strings.Join(known[:3], ", "))
	case n > 0:
		return p.WithHint("known here: %s", strings.Join(known, ", "))
	}
	return p
}

// Nearest returns the word that differs least from the given one, if it differs by
// at most two letters, and otherwise "". The first of equals wins.
func Nearest(word string, known []string) string {
	best, distance := "", min(3, utf8.RuneCountInString(word))
	for _, k := range known {
		if abs := len(k) - len(word); abs > 8 || abs < -8 {
			continue
		}
		if n := levenshtein.ComputeDistance(word, k); n < distance {
			best, distance = k, n
		}
	}
	return best
}
