package conf

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// field is what the tags of one struct field say. The tags are read once for each
// type; a tag that cannot be read is a mistake in the program and panics.
type field struct {
	name     string
	index    []int
	later    string
	required bool
	enum     []string
	min, max *float64
	minLen   int
	minItems int
	pattern  *regexp.Regexp
}

var fieldsOf sync.Map // reflect.Type -> []field

// structFields lists a struct's keys in order, with those of embedded structs.
func structFields(t reflect.Type) []field {
	if known, ok := fieldsOf.Load(t); ok {
		return known.([]field)
	}
	var fields []field
	for _, sf := range reflect.VisibleFields(t) {
		if sf.Anonymous || !sf.IsExported() {
			continue
		}
		name, _, _ := strings.Cut(sf.Tag.Get("yaml"), ",")
		if name == "-" {
			continue
		}
		if name == "" {
			panic(fmt.Sprintf("conf: field %s of %s has no yaml tag", sf.Name, t))
		}
		fields = append(fields, readTags(t, sf, name))
	}
	known, _ := fieldsOf.LoadOrStore(t, fields)
	return known.([]field)
}

func readTags(t reflect.Type, sf reflect.StructField, name string) field {
	f := field{name: name, index: sf.Index, later: sf.Tag.Get("later")}
	number := func(s string) float64 {
		n, err := strconv.ParseFloat(s, 64)
		if err != nil {
			panic(fmt.Sprintf("conf: field %s of %s: %q is no number", sf.Name, t, s))
		}
		return n
	}
	for _, tag := range splitTag(sf.Tag.Get("jsonschema")) {
		keyword, arg, _ := strings.Cut(tag, "=")
		switch keyword {
		case "required":
			f.required = true
		case "enum":
			f.enum = append(f.enum, arg)
		case "minimum":
			f.min = new(number(arg))
		case "maximum":
			f.max = new(number(arg))
		case "minLength":
			f.minLen = int(number(arg))
		case "minItems":
			f.minItems = int(number(arg))
		case "pattern":
			f.pattern = regexp.MustCompile(arg)
		case "", "title", "description", "default", "example", "format":
		default:
			panic(fmt.Sprintf("conf: field %s of %s: keyword %q is not enforced by Decode", sf.Name, t, keyword))
		}
	}
	return f
}

// splitTag splits at commas that no backslash precedes.
func splitTag(tag string) []string {
	parts := strings.Split(strings.ReplaceAll(tag, `\,`, "\x00"), ",")
	for i := range parts {
		parts[i] = strings.ReplaceAll(parts[i], "\x00", ",")
	}
	return parts
}

// keys lists the keys that can be used today.
func keys(fields []field) []string {
	var names []string
	for _, f := range fields {
		if f.later == "" && !slices.Contains(names, f.name) {
			names = append(names, f.name)
		}
	}
	return names
}
