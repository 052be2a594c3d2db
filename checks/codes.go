package checks

import "github.com/pipewatch-dev/pipewatch/dag"

// Codes lists the codes of problems in check blocks with their explanations,
// in order. They never change their meaning.
func Codes() []dag.Code {
	return []dag.Code{
		{Code: "PW100", Title: "check does not fit its node", Text: `A check about rows stands on a job, which has none, or a condition on rows (where) on a
check that reads no rows. Put the check on the table that the job writes, or write the condition into the statement.`},
		{Code: "PW110", Title: "unknown time zone", Text: `column_tz says in which zone a column's values without a zone are meant, by an IANA name such as
America/New_York. Without it they are UTC. An abbreviation such as EST names an offset and not a zone, and is wrong for half of
the year.`},
		{Code: "PW111", Title: "warn_after is not less than error_after", Text: `An age that fails is always above error_after, so a warning at the same age or later
could never be seen. Make warn_after less than error_after, or remove one of them.`},
		{Code: "PW112", Title: "incomplete or contradictory deadline", Text: `A deadline is a clock time (by: "07:00") on each day, weekday, week (Monday) or month (the 1st),
or a cron line in every, which says the clock time itself. It is meant in the DAG's timezone.`},
		{Code: "PW113", Title: "keys of a deadline without a deadline", Text: `covers, grace and calendar say what a deadline promises and when there is none. Without by
or every there is no deadline, and they would be ignored. Add one, or remove them.`},
		{Code: "PW120", Title: "limits that no number of rows can meet, or always meets", Text: `min is more than max, or frozen_after is 0s. Such a check would always or never
fail whatever the data.`},
		{Code: "PW121", Title: "keys of buckets without buckets", Text: `by, column_tz, granularity, grace, last, compare and calendar are about rows per stretch of time.
Without per there is only the number of all rows, and they would be ignored. Add per: day, or remove them.`},
		{Code: "PW122", Title: "buckets without a time column", Text: `Rows can be counted per stretch of time only by a column that says when they happened. Name it with by,
or give the node a freshness check, whose column is then used.`},
		{Code: "PW123", Title: "no bucket to judge", Text: `last is 0s, so no bucket would ever be judged. Remove it to judge the newest bucket, or make it longer.`},
		{Code: "PW124", Title: "comparison that can never be made or never fail", Text: `A usual number of rows is the median of at least three buckets before the one that is
judged (previous needs only one). So over must be long enough for three: three weeks for same_weekday. Weeks and months have no
weekday. No bucket can drop by more than 100%.`},
		{Code: "PW126", Title: "calendar on long buckets", Text: `calendar leaves out days. A week or a month with a holiday in it is neither usual nor left out as a whole,
so the two do not go together. Use per: day or per: hour.`},
		{Code: "PW127", Title: "equals names no other node", Text: `equals compares this node's number of rows with that of another node, which must exist and be another one. Nodes
of the same DAG are written by name, nodes of another as "dag/node".`},
		{Code: "PW165", Title: "limits that no value can meet", Text: `min is more than max, or equals stands beside limits that it makes meaningless.`},
		{Code: "PW170", Title: "source of a job's runs", Text: `A job is watched by exactly one source that tells of its runs: heartbeat: <name> when the job calls pipewatch, or
runs: a SELECT of run_id, started_at, ended_at and state from a control table.`},
		{Code: "PW171", Title: "unknown state of a run", Text: `states says what the job's own words for a state mean. There are five meanings: running, success, failed, skipped
and queued.`},
		{Code: "PW172", Title: "warn_runtime is not less than max_runtime", Text: `A run that fails is always above max_runtime, so a warning at the same length or later could
never be seen. Make warn_runtime less than max_runtime, or remove one of them.`},
	}
}
