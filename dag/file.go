package dag

import (
	"net/url"
	"slices"
	"strings"

	"github.com/pipewatch-dev/pipewatch/conf"
)

// The types of this file are the keys of a DAG file. Their tags are both what Load
// accepts and what the JSON Schema says.

// fileKeys are the keys at the top of a DAG file; nodes are read one by one.
type fileKeys struct {
	Version     conf.Value            `yaml:"version" jsonschema:"required" jsonschema_description:"version of the file format: 1"`
	DAG         string                `yaml:"dag" jsonschema:"required,pattern=^[a-z][a-z0-9_]*$" jsonschema_description:"id of the DAG, unique over all files"`
	Description string                `yaml:"description"`
	Owner       string                `yaml:"owner" jsonschema_description:"a key under owners: in pipewatch.yaml"`
	Tags        conf.StringList       `yaml:"tags" jsonschema_description:"for selectors: tag:ml"`
	Connection  string                `yaml:"connection" jsonschema_description:"a key under connections: in pipewatch.yaml, for nodes that name none"`
	Schedule    scheduleList          `yaml:"schedule" jsonschema_description:"when checks are due: five cron fields or @hourly, @every 10m; default @every 10m"`
	Timezone    string                `yaml:"timezone" jsonschema_description:"an IANA zone: whose days, clock times and schedules the file means"`
	Defaults    conf.Value            `yaml:"defaults" jsonschema_description:"merged under every node, key by key; null in a node removes"`
	Vars        map[string]conf.Value `yaml:"vars" jsonschema_description:"used as ${vars.name}"`
	Nodes       conf.Value            `yaml:"nodes" jsonschema:"required" jsonschema_description:"what is watched, by name"`
}

// nodeKeys are the keys of a node besides its check blocks. Exactly one of the first
// five says what it is.
type nodeKeys struct {
	Table    tableName    `yaml:"table" jsonschema_description:"a.b is schema a, table b; a list quotes its parts exactly"`
	View     tableName    `yaml:"view" jsonschema_description:"as table, for a view"`
	Query    string       `yaml:"query" jsonschema_description:"one SELECT whose rows are the node's"`
	Job      conf.Value   `yaml:"job" jsonschema_description:"a job of an orchestrator, a heartbeat or a control table; both the node and its check"`
	External externalName `yaml:"external" jsonschema_description:"another name for a node of another DAG"`

	settableKeys
}

// settableKeys are those keys of a node that may have a default.
type settableKeys struct {
	Description string       `yaml:"description"`
	Connection  string       `yaml:"connection"`
	Owner       string       `yaml:"owner"`
	Runbook     link         `yaml:"runbook" jsonschema_description:"a link that people open when the node breaks"`
	Tags        []string     `yaml:"tags"`
	Gate        bool         `yaml:"gate" jsonschema_description:"consumers wait for this node"`
	DependsOn   dependencies `yaml:"depends_on" jsonschema_description:"upstream nodes: names, dag/node, {node, mode: blocks|informs}, or {any_of: [names]} where one of them is enough"`

	inherited // for checks that say nothing else
}

// inherited are the common keys that a node passes on to its checks.
type inherited struct {
	Severity Severity      `yaml:"severity" jsonschema:"enum=warn,enum=error" jsonschema_description:"of a violated check; default error"`
	Schedule scheduleList  `yaml:"schedule" jsonschema_description:"when due; one or a list"`
	Timeout  conf.Duration `yaml:"timeout" jsonschema_description:"of one evaluation"`
	For      conf.Duration `yaml:"for" jsonschema_description:"how long it must be bad before an incident opens"`
	Mode     string        `yaml:"mode" jsonschema:"enum=shadow" jsonschema_description:"shadow: evaluated and recorded, never alerts"`
}

// commonKeys are what every check block takes besides the keys of its kind.
type commonKeys struct {
	Name  string `yaml:"name" jsonschema:"pattern=^[a-z0-9_]+$" jsonschema_description:"last part of the check's id"`
	Where string `yaml:"where" jsonschema:"minLength=1" jsonschema_description:"one SQL condition on the rows"`

	inherited
}

var commonKeyNames = []string{"name", "where", "severity", "schedule", "timeout", "for", "mode"}

// checkKinds are the check blocks of a node in the order in which their checks are
// listed; some may be a list of blocks, whose ids then end in the value of a key.
var checkKinds = []struct {
	key      string
	kind     string
	listedBy string // "" where a node has at most one
}{
	{"job", "job", ""},
	{"freshness", "freshness", ""},
	{"row_count", "row_count", "per"},
	{"joins", "joins", "to"},
	{"version", "version", "of"},
	{"labels", "labels", ""},
	{"values", "values", ""},
}

// laterKinds are check blocks that are promised and not built yet.
var laterKinds = map[string]string{"drift": "it comes with a later release"}

// scheduleList is one schedule or several, kept as written until the zone is known.
type scheduleList []conf.Value

// DecodeConf reads one text or a list of them.
func (l *scheduleList) DecodeConf(v conf.Value) conf.Problems {
	var texts conf.StringList
	if problems := v.Decode(&texts); len(problems) > 0 {
		return problems
	}
	*l = nil
	if v.Kind() != conf.List {
		*l = scheduleList{v}
		return nil
	}
	for item := range v.Items() {
		*l = append(*l, item)
	}
	if len(*l) == 0 {
		return conf.Problems{v.Problem("the list of schedules is empty").WithHint("remove the key to inherit the schedule above")}
	}
	return nil
}

// ConfSchema says that a schedule is a text or a list of texts.
func (scheduleList) ConfSchema() []any { return []any{"", []string{}} }

// link is the address of a page.
type link string

// DecodeConf reads an address that a browser opens and that runs nothing.
func (l *link) DecodeConf(v conf.Value) conf.Problems {
	problems := v.Decode((*string)(l))
	if u, err := url.Parse(v.Text()); len(problems) == 0 && (err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http") {
		problems.Add(v.Problem("%s is not the address of a page", v.Quote()).WithHint("write it whole: https://…"))
	}
	return problems
}

// tableName is the parts of a table's name.
type tableName []string

// DecodeConf reads a.b, split at dots, or a list of exact parts.
func (t *tableName) DecodeConf(v conf.Value) conf.Problems {
	var parts conf.StringList
	if problems := v.Decode(&parts); len(problems) > 0 {
		return problems
	}
	if v.Kind() != conf.List {
		parts = strings.Split(parts[0], ".")
	}
	for _, part := range parts {
		if strings.TrimSpace(part) == "" {
			return conf.Problems{v.Problem("%s has an empty part", v.Quote()).WithHint(`write table, schema.table or [schema, "odd.table"]`)}
		}
	}
	if len(parts) == 0 || len(parts) > 4 {
		return conf.Problems{v.Problem("a table name has one to four parts, not %d", len(parts)).WithHint(`write table, schema.table or [schema, "odd.table"]`)}
	}
	*t = tableName(parts)
	return nil
}

// ConfSchema says that a table is a text or a list of texts.
func (tableName) ConfSchema() []any { return []any{"", []string{}} }

// externalName is the id of a node of another DAG.
type externalName struct{ id NodeID }

type externalKeys struct {
	DAG  string `yaml:"dag" jsonschema:"required,pattern=^[a-z][a-z0-9_]*$"`
	Node string `yaml:"node" jsonschema:"required,pattern=^[a-z][a-z0-9_]*$"`
}

// DecodeConf reads "dag/node" or {dag, node}.
func (e *externalName) DecodeConf(v conf.Value) conf.Problems {
	if v.Kind() == conf.Map {
		var keys externalKeys
		problems := v.Decode(&keys)
		e.id = NodeID(keys.DAG + "/" + keys.Node)
		return problems
	}
	var text string
	if problems := v.Decode(&text); len(problems) > 0 {
		return problems
	}
	if dag, node, ok := strings.Cut(text, "/"); !ok || !nameShape.MatchString(dag) || !nameShape.MatchString(node) {
		return conf.Problems{v.Problem("%s is not a node of another DAG", v.Quote()).WithHint(`write "dag/node"`)}
	}
	e.id = NodeID(text)
	return nil
}

// ConfSchema lists the two forms.
func (externalName) ConfSchema() []any { return []any{"", externalKeys{}} }

// dependencies are the entries of depends_on with their places.
type dependencies []dependency

type dependency struct {
	node   conf.Value
	mode   Mode
	choice int // see Edge.Choice
}

type dependencyKeys struct {
	Node conf.Value `yaml:"node" jsonschema:"required"`
	Mode Mode       `yaml:"mode" jsonschema:"enum=blocks,enum=informs"`
}

type choiceKeys struct {
	AnyOf conf.Value `yaml:"any_of" jsonschema:"required"`
}

// DecodeConf reads a list of names, {node, mode} and {any_of}, or a single one.
func (ds *dependencies) DecodeConf(v conf.Value) conf.Problems {
	items := []conf.Value{v}
	if v.Kind() == conf.List {
		items = slices.Collect(v.Items())
	}
	var problems conf.Problems
	choice := 0
	for _, item := range items {
		if item.Kind() == conf.Map && item.Get("any_of").Exists() {
			choice++
			problems.Merge(ds.addChoice(item, choice))
			continue
		}
		d, ps := readDependency(item)
		problems.Merge(ps)
		if len(ps) == 0 {
			*ds = append(*ds, d)
		}
	}
	return problems
}

// addChoice reads {any_of: [name, name, …]}.
func (ds *dependencies) addChoice(v conf.Value, choice int) conf.Problems {
	var keys choiceKeys
	problems := v.Decode(&keys)
	if n := len(slices.Collect(keys.AnyOf.Items())); len(problems) == 0 && n < 2 {
		problems.Add(keys.AnyOf.Problem("any_of names nodes of which one is enough, and needs two or more").WithHint("write any_of: [a, b], or the name alone where it is needed"))
	}
	for item := range keys.AnyOf.Items() {
		d, ps := readDependency(item)
		d.choice = choice
		if len(ps) == 0 && d.mode == Informs {
			ps.Add(item.Problem("an upstream that only informs is no alternative").WithHint("take it out of any_of"))
		}
		problems.Merge(ps)
		if len(ps) == 0 {
			*ds = append(*ds, d)
		}
	}
	return problems
}

func readDependency(v conf.Value) (dependency, conf.Problems) {
	keys := dependencyKeys{Node: v, Mode: Blocks}
	var problems conf.Problems
	if v.Kind() == conf.Map {
		problems = v.Decode(&keys)
	}
	var name string
	if len(problems) == 0 {
		problems = keys.Node.Decode(&name)
	}
	if len(problems) == 0 && name == "" {
		problems.Add(keys.Node.Problem("the name of the upstream node is missing"))
	}
	return dependency{node: keys.Node, mode: keys.Mode}, problems
}

// ConfSchema lists the forms of an entry and of the list.
func (dependencies) ConfSchema() []any { return []any{"", []dependencySchema{}} }

type dependencySchema struct{}

// ConfSchema lists the forms of an entry.
func (dependencySchema) ConfSchema() []any {
	return []any{"", struct {
		Node string `yaml:"node" jsonschema:"required"`
		Mode Mode   `yaml:"mode" jsonschema:"enum=blocks,enum=informs"`
	}{}, struct {
		AnyOf []string `yaml:"any_of" jsonschema:"required,minItems=2"`
	}{}}
}
