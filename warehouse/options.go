package warehouse

import (
	"slices"
	"time"

	"github.com/pipewatch-dev/pipewatch/conf"
)

// Options are the keys of one warehouse under connections in pipewatch.yaml. A
// pointer is nil where the file says nothing; [Options.Limits] knows the defaults.
type Options struct {
	Driver           string        `yaml:"driver" jsonschema:"required,enum=duckdb,enum=postgres,enum=mysql" jsonschema_description:"The engine."`
	Path             string        `yaml:"path" jsonschema_description:"DuckDB: the database file, relative to pipewatch.yaml, or :memory:."`
	DSN              conf.Secret   `yaml:"dsn" jsonschema_description:"Engines with a server: its address and credentials, such as postgres://user:password@host:5432/database or mysql://user:password@host:3306/database."`
	Init             []string      `yaml:"init" jsonschema_description:"DuckDB: statements that run once when the connection opens, such as views over files."`
	ReadOnly         *bool         `yaml:"read_only" jsonschema_description:"Always true: pipewatch never writes to a warehouse."`
	MaxQueries       *int          `yaml:"max_queries" jsonschema:"minimum=1,maximum=64" jsonschema_description:"Statements in flight at once. 2 for DuckDB, which uses all cores for each."`
	StatementTimeout conf.Duration `yaml:"statement_timeout" jsonschema_description:"How long one statement may take. 2m."`
	FreeSQL          *bool         `yaml:"free_sql" jsonschema_description:"false forbids sql checks, query nodes and control tables. true."`
}

// servers are the drivers of engines with a server.
var servers = []string{"mysql", "postgres"}

// DecodeConf reads the options and refuses what would have no effect.
func (o *Options) DecodeConf(v conf.Value) conf.Problems {
	type plain Options
	problems := v.Decode((*plain)(o))
	if o.ReadOnly != nil && !*o.ReadOnly {
		problems.Add(v.Get("read_only").Problem("pipewatch opens warehouses read-only").WithHint("remove the key"))
	}
	switch {
	case o.Driver == "duckdb":
		if v.Get("dsn").Exists() {
			problems.Add(v.Get("dsn").Problem("duckdb has no server").WithHint("write path: warehouse.duckdb"))
		}
	case slices.Contains(servers, o.Driver):
		if o.DSN == "" {
			problems.Add(v.Problem("driver %s needs dsn: the address and credentials of its server", o.Driver).WithHint("write dsn: \"${WAREHOUSE_DSN}\""))
		}
		for _, key := range []string{"path", "init"} {
			if v.Get(key).Exists() {
				problems.Add(v.Get(key).Problem("%s belongs to duckdb", key).WithHint("remove the key"))
			}
		}
	}
	if v.Get("statement_timeout").Exists() && o.StatementTimeout < conf.Duration(time.Second) {
		problems.Add(v.Get("statement_timeout").Problem("a statement needs at least 1s"))
	}
	return problems
}

// Limits are the bounds that the options set, with the defaults of the driver.
// now is the wall clock, see [Limits.Now].
func (o Options) Limits(now func() time.Time) Limits {
	limits := Limits{MaxQueries: 4, StatementTimeout: 2 * time.Minute, FreeSQL: true, Now: now}
	if o.Driver == "duckdb" {
		limits.MaxQueries = 2
	}
	if o.MaxQueries != nil {
		limits.MaxQueries = *o.MaxQueries
	}
	if o.StatementTimeout > 0 {
		limits.StatementTimeout = o.StatementTimeout.Std()
	}
	if o.FreeSQL != nil {
		limits.FreeSQL = *o.FreeSQL
	}
	return limits
}
