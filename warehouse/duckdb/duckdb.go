// Package duckdb opens DuckDB, pipewatch's embedded default, for package warehouse.
//
// It opens a database in memory, attaches the database file read-only for as long
// as a run lasts, runs the operator's init statements, and then closes every door
// that DuckDB can close: no file outside the folder of pipewatch.yaml, no
// extension, no setting. What those doors leave open (COPY into the folder, writes
// to memory tables, files of the folder itself) is decided by the shape of the
// statement: a text of a person must be one SELECT that calls no table function
// that reads files and names no file as a table.
//
// It renders no question (package warehouse does) and it never writes to the file.
// It is the only package that imports the DuckDB driver.
//
// # Data model
//
// One instance serves all runs of a connection; each session of a run is a
// connection of its own to it, since the variable as_of, which holds the moment of
// the run, and the search path belong to a connection. The file is attached by the
// first session and detached by the last, so that another process can write it
// between runs and the next run sees what was committed. Views over files are bound
// anew by the engine at every execution; tables that init made stay as they are.
package duckdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	driver "github.com/duckdb/duckdb-go/v2"
	"github.com/duckdb/duckdb-go/v2/mapping"

	"github.com/pipewatch-dev/pipewatch/probe"
	"github.com/pipewatch-dev/pipewatch/warehouse"
)

// Options say which database to open.
type Options struct {
	// Path is the database file, relative to Dir; empty or :memory: is none.
	Path string
	// Dir is the folder of pipewatch.yaml: relative paths start there, and no file
	// outside of it is read.
	Dir string
	// Init are statements that run once, in order, when the instance opens.
	Init []string
	warehouse.Limits
}

// memoryLimit bounds what one instance may use; beyond it a statement fails, as a
// watcher must not fill the disk or take the machine from those it watches.
const memoryLimit = "2GB"

// Open makes a source. It does not touch the database: that is done by the first
// question, and again after a failure, so that a file which is locked at start
// does not keep the others from being watched. Source.Ping tells at once.
func Open(_ context.Context, o Options) (*warehouse.Source, error) {
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return nil, fmt.Errorf("open duckdb in folder %q: %w", o.Dir, err)
	}
	// The engine compares real paths.
	if dir, err = filepath.EvalSymlinks(dir); err != nil {
		return nil, fmt.Errorf("open duckdb in folder %q: %w", o.Dir, err)
	}
	db := &database{dir: dir, init: o.Init, dialect: warehouse.DuckDB(mapping.LibraryVersion())}
	if o.Path != "" && o.Path != ":memory:" {
		db.path = o.Path
		if !filepath.IsAbs(db.path) {
			db.path = filepath.Join(dir, db.path)
		}
		db.alias = alias(db.path)
	}
	return warehouse.New(db, o.Limits), nil
}

// alias is the name under which a file is attached: its base name, as DuckDB
// itself would choose, unless that is one of the engine's own.
func alias(path string) string {
	name := strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
	switch strings.ToLower(name) {
	case "memory", "system", "temp", "main", "":
		return name + "_db"
	}
	return name
}

// database is one instance of the engine and who uses it.
type database struct {
	dir, path, alias string
	init             []string
	dialect          warehouse.Dialect

	mu       sync.Mutex
	sql      *sql.DB // nil until it is needed
	sessions int     // open ones
	paths    string  // search path while the file is attached
	broken   bool    // to be opened anew once no session uses it
}

// Dialect implements warehouse.DB.
func (db *database) Dialect() warehouse.Dialect { return db.dialect }

// Close implements warehouse.DB.
func (db *database) Close() error {
	db.mu.Lock()
	defer db.mu.Unlock()
	return db.drop()
}

// drop closes the instance.
func (db *database) drop() error {
	if db.sql == nil {
		return nil
	}
	err := db.sql.Close()
	db.sql, db.broken = nil, false
	if err != nil {
		return fmt.Errorf("close duckdb: %w", err)
	}
	return nil
}

// Session implements warehouse.DB.
func (db *database) Session(ctx context.Context, at time.Time) (warehouse.Session, error) {
	db.mu.Lock()
	defer db.mu.Unlock()
	if err := db.ready(ctx); err != nil {
		return nil, classify(ctx, err)
	}
	conn, err := db.sql.Conn(ctx)
	if err == nil {
		err = execute(ctx, conn, "set search_path = "+db.dialect.Text(db.paths), "set variable as_of = "+db.dialect.Moment(at))
		if err != nil {
			err = errors.Join(err, conn.Close())
		}
	}
	if err != nil {
		if db.sessions == 0 {
			err = errors.Join(err, db.detach(ctx))
		}
		return nil, classify(ctx, err)
	}
	db.sessions++
	return &session{db: db, conn: conn}, nil
}

// ready opens the instance where there is none and attaches the file for the first
// session of those that overlap.
func (db *database) ready(ctx context.Context) error {
	if db.sql == nil {
		if err := db.open(ctx); err != nil {
			return errors.Join(err, db.drop())
		}
		return nil
	}
	if db.sessions > 0 {
		return nil
	}
	return db.withConn(ctx, func(conn *sql.Conn) error { return db.attach(ctx, conn) })
}

// done gives a session back.
func (db *database) done(fatal bool) error {
	db.mu.Lock()
	defer db.mu.Unlock()
	db.broken = db.broken || fatal
	db.sessions--
	if db.sessions > 0 {
		return nil
	}
	if db.broken {
		return db.drop()
	}
	return db.detach(context.Background())
}

// detach lets go of the file. An instance that cannot is closed whole: it would
// keep writers out and show the past for ever.
func (db *database) detach(ctx context.Context) error {
	if db.path == "" || db.sql == nil {
		return nil
	}
	err := db.withConn(context.WithoutCancel(ctx), func(conn *sql.Conn) error {
		return execute(ctx, conn, "detach database if exists "+db.dialect.Quote(db.alias))
	})
	if err != nil {
		return db.drop()
	}
	return nil
}

// open makes the instance; the order matters, as each step closes a door.
func (db *database) open(ctx context.Context) error {
	connector, err := driver.NewConnector("", nil)
	if err != nil {
		return &probe.Error{Class: probe.Connection, Msg: "open duckdb: " + err.Error(), Cause: err}
	}
	db.sql = sql.OpenDB(connector)
	// A session's settings die with its connection: none is kept for the next.
	db.sql.SetMaxIdleConns(-1)
	return db.withConn(ctx, func(conn *sql.Conn) error {
		err := execute(ctx, conn,
			"set global TimeZone = 'UTC'",
			"set autoinstall_known_extensions = false",
			"set autoload_known_extensions = false",
			"set memory_limit = '"+memoryLimit+"'",
			"set temp_directory = ''",
			"set enable_external_file_cache = false", // a file is what it is now
			fmt.Sprintf("set threads = %d", min(runtime.GOMAXPROCS(0), 4)),
		)
		if err != nil {
			return classify(ctx, err)
		}
		if err := db.attach(ctx, conn); err != nil {
			return err
		}
		// A view of init is bound here too: the moment has its type already, and no
		// value, as what init makes belongs to no run.
		if err := execute(ctx, conn, "set search_path = "+db.dialect.Text(db.paths), "set variable as_of = cast(null as timestamptz)"); err != nil {
			return classify(ctx, err)
		}
		for i, statement := range db.init {
			if err := execute(ctx, conn, absolute(db.dir, statement)); err != nil {
				err = classify(ctx, err)
				return &probe.Error{Class: probe.Connection, Cause: err, Msg: fmt.Sprintf("init statement %d of the connection: %v", i+1, err)}
			}
		}
		return classify(ctx, execute(ctx, conn, db.lock()...))
	})
}

// lock is the statements after which neither files outside of the folder nor
// settings can be reached.
func (db *database) lock() []string {
	text := db.dialect.Text
	statements := []string{"set allowed_directories = [" + text(db.dir) + "]"}
	if db.path != "" {
		statements = append(statements, "set allowed_paths = ["+text(db.path)+", "+text(db.path+".wal")+"]")
	}
	return append(statements, "set enable_external_access = false", "set lock_configuration = true")
}

// attach makes the file visible and finds the schemas in which unqualified names
// are looked up: those that init made, then the file's.
func (db *database) attach(ctx context.Context, conn *sql.Conn) error {
	db.paths = "memory.main"
	if db.path == "" {
		return nil
	}
	if _, err := os.Stat(db.path); err != nil {
		return &probe.Error{Class: probe.Connection, Msg: "open database file: " + err.Error(), Cause: err}
	}
	quoted := db.dialect.Quote(db.alias)
	if err := execute(ctx, conn, "attach "+db.dialect.Text(db.path)+" as "+quoted+" (read_only)"); err != nil {
		return locked(ctx, db.path, err)
	}
	rows, err := query(ctx, conn, "select schema_name from duckdb_schemas() where database_name = "+db.dialect.Text(db.alias)+
		" and not internal order by schema_name <> 'main', schema_name")
	if err != nil {
		return classify(ctx, err)
	}
	db.paths += "," + quoted + ".main"
	for _, row := range rows {
		if schema := fmt.Sprint(row[0]); schema != "main" {
			db.paths += "," + quoted + "." + db.dialect.Quote(schema)
		}
	}
	return nil
}

// withConn lends a connection.
func (db *database) withConn(ctx context.Context, use func(*sql.Conn) error) error {
	conn, err := db.sql.Conn(ctx)
	if err != nil {
		return classify(ctx, err)
	}
	err = use(conn)
	return errors.Join(err, conn.Close())
}

func execute(ctx context.Context, conn *sql.Conn, statements ...string) error {
	for _, statement := range statements {
		if _, err := conn.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}
