package probe

// Column is one column of a relation.
type Column struct {
	Name     string
	Type     string // the engine's own word
	Class    TypeClass
	Nullable bool
}

// TypeClass groups the types of all engines by what can be compared with what.
type TypeClass string

// The classes of types.
const (
	Integer TypeClass = "integer"
	Decimal TypeClass = "decimal"
	Float   TypeClass = "float"
	Text    TypeClass = "text"
	Boolean TypeClass = "boolean"
	Date    TypeClass = "date"
	Naive   TypeClass = "timestamp"   // date and time without a zone
	Zoned   TypeClass = "timestamptz" // a moment
	Other   TypeClass = "other"
)

// Mark answers Watermark.
type Mark struct {
	Rows   int64     // all rows, also those beyond the horizon and those without a time
	Timed  int64     // rows whose time is not NULL
	Max    Instant   // newest moment up to the horizon; a DATE is its first moment in the zone
	Future int64     // rows beyond the horizon
	Class  TypeClass // of the column
	// Segments are the values of Watermark.Segment, those furthest behind first, at
	// most 1,000; NULL is called NULL.
	Segments []SegmentMark
}

// SegmentMark is the rows of one segment; its Class is left empty.
type SegmentMark struct {
	Segment string
	Mark
}

// BucketRows answers Buckets.
type BucketRows struct {
	First     Instant // oldest moment of any row, also outside [From, To)
	Watermark Instant // newest moment up to the horizon
	Future    int64   // rows beyond the horizon
	Class     TypeClass
	Buckets   []Bucket // by segment, then start; none is empty
}

// Bucket is the rows of one stretch of time.
type Bucket struct {
	Segment string // "" without segments
	Start   Instant
	Rows    int64
}

// Digests answers Digest.
type Digests struct {
	Columns     []Column
	Rows        int64
	Value       string            // of what the tier says, "" when only the schema was asked
	Fingerprint string            // engine, version and expression: values compare only under one fingerprint
	Partitions  []PartitionDigest // by start
	Lanes       [2]string         // the two sums of a canonical digest, as decimal numbers

	Unchanged bool   // the table still has the token of Digest.Unless; nothing above is set
	Token     string // of the table, read before its rows were; empty where there is none
	Sound     bool   // a table with this token has this content; otherwise the token is a hint
	Hint      string // why the token is only a hint, for people; empty where it is sound
}

// PartitionDigest is the version of one partition.
type PartitionDigest struct {
	Start Instant
	Rows  int64
	Value string
}

// CohortList answers Cohorts.
type CohortList struct {
	Cohorts        []Cohort // by start; none is empty
	Labels         int64    // labels known at the moment
	OrphanLabels   int64    // of those, labels without an example
	LabelWatermark Instant  // newest labelled_at up to the moment
	FutureLabels   int64    // labels dated beyond the moment
	Fingerprint    string   // digests of cohorts compare only under one; empty without any
}

// Cohort is the examples of one stretch of time and their labels.
type Cohort struct {
	Start, End  Instant
	Eligible    int64
	Labelled    int64   // examples with a label known at the moment
	Early       int64   // examples whose first label is older than the example: leakage
	Conflicting int64   // examples with labels that disagree
	AtAge       []int64 // labelled by end + Cohorts.Ages[i]
	Digest      string  // of the labels, when asked
}

// Bad answers BadRows.
type Bad struct{ Bad, Rows int64 }

// ScalarValue answers Scalar: a number, or nothing (no row or NULL). Text and
// several rows are a BadAnswer error instead.
type ScalarValue struct {
	Null   bool
	Number float64
}

// JobRun answers LastRuns.
type JobRun struct {
	ID      string
	State   string // the orchestrator's own word
	Started Instant
	Ended   Instant // zero while it runs
}
