package probe

// Relation is a table, a view or the result of a query.
type Relation struct {
	Conn  string // connection
	Table Names  // parts of the name, outermost first ("schema", "table"); empty for a query
	Query string // one SELECT; empty for a table
}

// TimeColumn is a column that holds moments.
type TimeColumn struct {
	Name string
	// Zone is the IANA zone in which values without a zone (and dates) are
	// read; empty is UTC. Values with a zone ignore it.
	Zone string
}

// Window is [From, To) on a time column; a zero end is open. The zero Window
// is all rows.
type Window struct {
	By       TimeColumn
	From, To Instant
}

// Per is the length of a bucket, a partition or a cohort.
type Per string

// The lengths. Days, weeks (from Monday) and months are local to a zone; an
// hour is an hour of UTC, so that the hour that a clock shows twice is two.
const (
	Hour  Per = "hour"
	Day   Per = "day"
	Week  Per = "week"
	Month Per = "month"
)

// Columns asks for the columns of a relation, in order.
type Columns struct{ Of Relation }

// Watermark asks for the newest moment in a column, and how many rows lie
// beyond Horizon (which never set the watermark).
type Watermark struct {
	Of      Relation
	Where   string // one SQL condition, or empty
	Column  TimeColumn
	Horizon Instant // zero: no row is beyond it
	Segment string  // column by whose values it is also asked apart, or empty
}

// Rows asks for the number of rows.
type Rows struct {
	Of     Relation
	Where  string
	Window Window
}

// Buckets asks for rows per bucket of time. Buckets without rows are not in
// the answer.
type Buckets struct {
	Of       Relation
	Where    string
	By       TimeColumn
	Per      Per
	Zone     string  // whose days; empty is UTC
	From, To Instant // only buckets that start in [From, To); zero is open
	Horizon  Instant // rows beyond it are counted apart
	Segment  string  // column, or empty
}

// Coverage asks how completely a child's rows find their parent.
type Coverage struct {
	Child       Relation
	Where       string // on the child's rows
	Keys        Names
	Parent      Relation
	ParentKeys  Names
	Window      Window // on the child
	NullsOrphan bool   // rows with a NULL key are eligible orphans
	Segment     string // a column of the child, or empty
	// Per asks instead for each stretch of time of Window.By, of the days of Zone
	// (empty is UTC): those that start in Window, with all of their rows. It goes with
	// none of Segment, Parents and KeySample.
	Per  Per
	Zone string
	// Parents asks also how many of the parent's keys have a row of the child.
	Parents bool
	// KeySample is how many hashes of distinct orphan keys to bring back, in
	// ascending order; 0 is none.
	KeySample int
}

// Keys asks for the distinct keys of one side of a join whose other side is on another
// connection, as hashes that all engines make alike.
type Keys struct {
	Of      Relation
	Where   string
	Columns Names
	Window  Window
	Segment string // column by which they are apart, or empty
	Per     Per    // likewise the stretches of time of Window.By, of the days of Zone
	Zone    string
	Limit   int // more groups of rows than these are an error
}

// Tier is what a version is made of, and so what it can tell.
type Tier string

// The tiers, from dear to cheap.
const (
	ContentTier Tier = ""        // an order-free hash of all rows
	ProfileTier Tier = "profile" // per column how many values, the least, the greatest, their sum: one scan without hashing
	NativeTier  Tier = "native"  // the engine's own change token of a table: no scan
	SchemaTier  Tier = "schema"  // the columns: no scan
)

// Digest asks for a version: the columns and what the tier says, over the whole
// relation and, if Per is set, per partition (of contents only).
type Digest struct {
	Of      Relation
	Where   string
	Columns Names // empty: all
	Exclude Names
	Tier    Tier
	// Unless is a change token that came with an answer. If the table still has it, and
	// the engine's token is sound, nothing is scanned and the answer is Unchanged.
	Unless string
	// Canonical asks for the hash that all engines make alike, to compare tables of two
	// of them: much slower, and not for every type.
	Canonical bool
	By        TimeColumn // partition column, or zero
	Per       Per
	Zone      string
	From      Instant // partitions that start at or after; zero is all
}

// Cohorts asks how many rows of Of, grouped by when they happened, have a row
// in Labels that was known at the moment At.
type Cohorts struct {
	Of         Relation
	Where      string // on the rows of Of
	EventTime  TimeColumn
	Keys       Names // of Of
	Labels     Relation
	LabelKeys  Names
	LabelledAt TimeColumn
	Value      string // a column of Labels whose disagreement is a conflict, or empty
	Per        Per
	Zone       string
	From, To   Instant // cohorts that start in [From, To)
	At         Instant
	// Ages lists whole seconds after a cohort's end, as decimal strings: each
	// cohort tells how many of its rows were labelled by then.
	Ages Names
	// Digest asks for a hash of each cohort's labels.
	Digest bool
}

// Rule is what BadRows counts.
type Rule string

// The rules.
const (
	Nulls      Rule = "not_null"
	Duplicates Rule = "unique"
	Unexpected Rule = "accepted"
	OutOfRange Rule = "between"
)

// BadRows asks how many rows break one rule. Duplicates counts the rows beyond
// the first of each key; NULL is no duplicate, not unexpected and not out of
// range.
type BadRows struct {
	Of       Relation
	Where    string
	Window   Window
	Rule     Rule
	Columns  Names  // one; several for Duplicates
	Accepted Names  // JSON scalars, for Unexpected
	Min, Max string // JSON scalars, for OutOfRange; empty is open
}

// Scalar asks one SELECT for its one value. The text may say {{ as_of }}.
type Scalar struct {
	Conn  string
	SQL   string
	Truth bool // a boolean is 1 or 0; otherwise it is no answer
}

// LastRuns asks for the newest runs of a job, newest first by start.
type LastRuns struct {
	Conn string // a warehouse connection, or the name of the orchestrator
	Job  string // the heartbeat's or the orchestrator's name for it
	SQL  string // a SELECT of run_id, started_at, ended_at, state; or empty
	Zone string // zone of values without one; empty is UTC
}

// HeartbeatConn is the connection of jobs that report by heartbeat; no
// warehouse can have this name.
const HeartbeatConn = "@heartbeat"

func (q Columns) On() string   { return q.Of.Conn }
func (q Watermark) On() string { return q.Of.Conn }
func (q Rows) On() string      { return q.Of.Conn }
func (q Buckets) On() string   { return q.Of.Conn }
func (q Coverage) On() string  { return q.Child.Conn }
func (q Keys) On() string      { return q.Of.Conn }
func (q Digest) On() string    { return q.Of.Conn }
func (q Cohorts) On() string   { return q.Of.Conn }
func (q BadRows) On() string   { return q.Of.Conn }
func (q Scalar) On() string    { return q.Conn }
func (q LastRuns) On() string  { return q.Conn }

func (Columns) question()   {}
func (Watermark) question() {}
func (Rows) question()      {}
func (Buckets) question()   {}
func (Coverage) question()  {}
func (Keys) question()      {}
func (Digest) question()    {}
func (Cohorts) question()   {}
func (BadRows) question()   {}
func (Scalar) question()    {}
func (LastRuns) question()  {}
