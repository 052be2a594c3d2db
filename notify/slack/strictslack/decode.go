package strictslack

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// This file reads calls: form and JSON bodies alike become one map of
// arguments, typed after what the method says it takes.

// argument is the kind of a method's argument.
type argument int

const (
	isText   argument = iota
	isFlag            // true, false, 1 or 0 in a form
	isCount           // a whole number
	isObject          // JSON, in a form as a string
)

// call is one request to a method.
type call struct {
	method  string
	args    map[string]any // text string, flag bool, count int, object decoded JSON
	token   string
	baseURL string
}

func (c *call) text(name string) string { s, _ := c.args[name].(string); return s }
func (c *call) flag(name string) bool   { b, _ := c.args[name].(bool); return b }

// failure is a call that could not be read.
type failure struct {
	code     string
	messages []string
}

// read decodes a request to a method that takes these arguments.
func read(w http.ResponseWriter, r *http.Request, method string, takes map[string]argument) (*call, *failure) {
	c := &call{method: method, args: map[string]any{}, baseURL: baseURL(r)}
	c.token, _ = strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	raw, fail := rawArgs(w, r)
	if fail != nil {
		return c, fail
	}
	if token, ok := raw["token"].(string); ok && c.token == "" {
		c.token = token
	}
	delete(raw, "token")
	var bad []string
	for _, name := range slices.Sorted(maps.Keys(raw)) {
		kind, known := takes[name]
		if !known {
			bad = append(bad, "unknown argument: "+name)
			continue
		}
		v, ok := typed(kind, raw[name])
		switch {
		case ok:
			c.args[name] = v
		case name == "blocks":
			return c, &failure{code: "invalid_blocks_format"}
		case name == "metadata":
			return c, &failure{code: "invalid_metadata_format"}
		default:
			bad = append(bad, "invalid value of argument: "+name)
		}
	}
	if len(bad) > 0 {
		return c, &failure{code: "invalid_arguments", messages: bad}
	}
	return c, nil
}

// rawArgs are the arguments as the body or the query spells them.
func rawArgs(w http.ResponseWriter, r *http.Request) (map[string]any, *failure) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return nil, &failure{code: "request_too_large"}
	} else if err != nil {
		return nil, &failure{code: "request_timeout"}
	}
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case r.Method == http.MethodGet:
		return form(r.URL.RawQuery)
	case len(body) == 0 && (kind == "" || kind == "application/json"):
		return map[string]any{}, nil
	case kind == "application/json":
		v, err := decode(body)
		if err != nil {
			return nil, &failure{code: "invalid_json"}
		}
		args, ok := v.(map[string]any)
		if !ok {
			return nil, &failure{code: "json_not_object"}
		}
		return args, nil
	case kind == "application/x-www-form-urlencoded":
		return form(string(body))
	case kind == "":
		return nil, &failure{code: "missing_post_type"}
	}
	return nil, &failure{code: "invalid_post_type"}
}

func form(encoded string) (map[string]any, *failure) {
	values, err := url.ParseQuery(encoded)
	if err != nil {
		return nil, &failure{code: "invalid_form_data"}
	}
	args := make(map[string]any, len(values))
	for name, vs := range values {
		if len(vs) > 1 {
			return nil, &failure{code: "invalid_arguments", messages: []string{"argument given twice: " + name}}
		}
		args[name] = vs[0]
	}
	return args, nil
}

// typed is an argument's value by its kind. Forms know strings only, so every
// kind can be given as one.
func typed(kind argument, v any) (any, bool) {
	s, isString := v.(string)
	switch kind {
	case isText:
		return s, isString
	case isFlag:
		if b, ok := v.(bool); ok {
			return b, true
		}
		b, err := strconv.ParseBool(s)
		return b, isString && err == nil
	case isCount:
		if n, ok := v.(json.Number); ok {
			s = n.String()
		}
		n, err := strconv.Atoi(s)
		return n, err == nil
	}
	if !isString {
		return v, v != nil
	}
	decoded, err := decode([]byte(s))
	return decoded, err == nil
}

// decode reads one JSON value and keeps numbers as they are written.
func decode(src []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(src))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("text after the JSON value")
	}
	return v, nil
}

// encode writes decoded JSON, which cannot fail.
func encode(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic("strictslack: encode an answer: " + err.Error())
	}
	return bytes.TrimSpace(b.Bytes())
}

func baseURL(r *http.Request) string {
	if r.TLS != nil {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}
