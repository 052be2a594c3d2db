package dag

// Code explains a stable problem code.
type Code struct {
	Code  string // PW101
	Title string // a few words
	Text  string // what it means, why it is refused, and what to do
}

// The codes of problems between and inside DAGs. They never change their meaning.
const (
	UnknownUpstream   = "PW101"
	Cycle             = "PW102"
	DuplicateDAG      = "PW103"
	DuplicateCheck    = "PW104"
	UnknownExternal   = "PW105"
	BadSchedule       = "PW106"
	UnknownConnection = "PW107"
	UnknownOwner      = "PW108"
	BadInterpolation  = "PW109"
)

// Codes lists the codes of this package with their explanations, in order. Other
// packages have codes of their own; the command that explains them joins the lists.
func Codes() []Code {
	return []Code{
		{UnknownUpstream, "unknown upstream", `An entry of depends_on names a node that does not exist. Without the edge, a failure
above would not explain a failure here, and both would alert. Nodes of the same DAG are written by name, nodes of another
as "dag/node", or through a node of type external.`},
		{Cycle, "cycle", `These nodes need one another in a circle, so none of them can be the cause of the others' trouble. Remove
one edge. Where the data really flows in a circle (a model that feeds its own training set, say), make one edge
{node: x, mode: informs}: it stays visible as lineage and explains nothing.`},
		{DuplicateDAG, "duplicate DAG id", `Two files define a DAG of the same name. Ids are what state, history and messages are
kept by, so they must be unique over all files. Rename one.`},
		{DuplicateCheck, "duplicate check id", `Two checks of a node have the same id. The id is the kind of a check block, the name of
an item under checks, and for several joins or versions joins_<to> and version_<of>. Give one of them a name.`},
		{UnknownExternal, "external names nothing", `A node of type external stands for a node of another DAG, and that node does not exist.
Write external: "dag/node" or external: {dag: d, node: n}, and make sure the file of that DAG is among those that are read.`},
		{BadSchedule, "bad schedule", `A schedule has five fields (minute, hour, day of month, month, day of week) or is one of @hourly,
@daily, @weekly, @monthly, @yearly and @every 10m. TZ= and CRON_TZ= are refused because there is timezone:, @reboot because a
restart is no reason to judge data, an interval under one second because nothing could keep it, and a schedule that never
comes (30 February) because its checks would look healthy for ever. Where both day fields are given, a day that fits
either is meant. At a change of the clocks a fixed hour that is skipped runs once right after the gap, and one that comes
twice runs the first time; schedules with * hours follow elapsed time.`},
		{UnknownConnection, "unknown connection", `A node or DAG names a connection that pipewatch.yaml does not define. Connections are the
operator's: add it there, or correct the name. A node that reads a table needs one, its own or its DAG's.`},
		{UnknownOwner, "unknown owner", `A node or DAG names an owner that pipewatch.yaml does not define under owners:. Nobody would be told.
Add the owner there, or correct the name.`},
		{BadInterpolation, "interpolation not allowed", `A DAG file is reviewed in git and must mean the same everywhere, so the only
interpolation in it is ${vars.x}, from its own vars:. Environment variables and files are for pipewatch.yaml. Write $${ for
a literal ${.`},
	}
}
