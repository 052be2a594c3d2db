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
		{Code: "PW113", Title: "keys of a deadline without a deadline", Text: `covers, grace and shift say what a deadline promises and where it goes. Without by
or every there is no deadline, and they would be ignored; so would a calendar without a deadline or a limit on the age. Add one, or
remove them.`},
		{Code: "PW114", Title: "calendar that is not there or leaves nothing", Text: `A calendar is a list of days, or the name of one under calendars: in pipewatch.yaml. If all deadlines
fall on its days there would never be one, and the check would pass for ever.`},
		{Code: "PW115", Title: "complete_when that cannot tell, or tells too late", Text: `A load is complete when nothing has changed for a while (no_change_for), when a SELECT says so (sql), or
when the newest run of a job succeeded (job): one of them. It is about the whole table, so it does not go with segment. What has
not changed for longer than error_after is too old by the time it counts as complete.`},
		{Code: "PW120", Title: "limits that no number of rows can meet, or always meets", Text: `min is more than max, min is 0 and nothing else is asked, delta has neither, or frozen_after is 0s. Such a check would
always or never fail whatever the data.`},
		{Code: "PW121", Title: "keys of buckets without buckets", Text: `by, column_tz, granularity, grace, last, compare, calendar and segment are about rows per stretch of time.
Without per there is only the number of all rows, and they would be ignored. Add per: day, or remove them.`},
		{Code: "PW122", Title: "buckets without a time column", Text: `Rows can be counted per stretch of time only by a column that says when they happened. Name it with by,
or give the node a freshness check, whose column is then used.`},
		{Code: "PW123", Title: "no bucket to judge", Text: `last is 0s, so no bucket would ever be judged. Remove it to judge the newest bucket, or make it longer.`},
		{Code: "PW124", Title: "comparison that can never be made or never fail", Text: `A usual number of rows is the median of at least three buckets before the one that is
judged (previous needs only one). So over must be long enough for three: three weeks for same_weekday. Weeks and months have no
weekday. No bucket can drop by more than 100%. min_score is a condition besides max_drop and max_rise, and needs the spread of several
buckets.`},
		{Code: "PW126", Title: "calendar on long buckets", Text: `calendar leaves out days. A week or a month with a holiday in it is neither usual nor left out as a whole,
so the two do not go together. Use per: day or per: hour.`},
		{Code: "PW127", Title: "equals names no other node", Text: `equals compares this node's number of rows with that of another node, which must exist and be another one. Nodes
of the same DAG are written by name, nodes of another as "dag/node".`},
		{Code: "PW130", Title: "joins names no node with rows", Text: `to is the parent of a join: a node with rows that exists. Nodes of the same DAG are written by name, nodes of
another as "dag/node". A job has no rows; name the table that it writes.`},
		{Code: "PW131", Title: "sides of a key differ in length", Text: `on says which columns of this node equal which of the other, one by one, so both sides need the same
number of columns. k and [k1, k2] mean the same names on both sides, {left: …, right: …} means this node's and the other's.`},
		{Code: "PW133", Title: "window without a time column", Text: `last, allow_late and curve choose rows by when they happened. Name the column with by, or give the node a freshness
check, whose column is then used.`},
		{Code: "PW134", Title: "limit of a join that is always or never met", Text: `A least share of 0% can never be missed, one above 100% can never be reached, and a window of 0s
holds no row. To only observe, leave the key out: what was found is reported all the same.`},
		{Code: "PW140", Title: "built_from names no other node with rows", Text: `built_from lists the nodes that a node is made of: others that exist and have rows. Nodes of the same DAG are
written by name, nodes of another as "dag/node".`},
		{Code: "PW141", Title: "keys of a version that do not go together", Text: `A schema, a profile and a change token (of: native) are one for the whole table, so partition and
closed_after belong to of: content only, and closed_after to a check with partitions; a change token also knows no columns and no where. allow lists changes of columns that are fine, so it belongs to of: schema.`},
		{Code: "PW142", Title: "no upstream could explain a change", Text: `{require: upstream_changed} accepts a change when a node in built_from has a new version too. Without built_from every
change would be a failure for ever. List the nodes, or use on_change: fail. lag needs them too: it judges how far the node is
behind them.`},
		{Code: "PW143", Title: "no run could explain a change", Text: `{require: run} accepts a change when a job upstream has succeeded since. No job with runs to ask for is upstream of this node
over depends_on, so every change would be a failure for ever. Add the job that writes it, or use on_change: fail. no_op: warn and fail need a job
that the node itself depends on.`},
		{Code: "PW150", Title: "labels names no node with examples", Text: `of is the node whose rows are to be labelled: one that exists and has rows. Nodes of the same DAG are written by name,
nodes of another as "dag/node". A name that no node has, nor nearly, is a table in the connection of the labels.`},
		{Code: "PW151", Title: "labels across connections", Text: `The labels and their examples are in different databases, so no statement of one engine can compare them. This is not
available yet.`},
		{Code: "PW152", Title: "coverage that is always or never reached", Text: `A least coverage of 0% can never be missed and one above 100% can never be reached. To only observe, leave
min_coverage out: the coverage is reported all the same.`},
		{Code: "PW153", Title: "coverage of implicit negatives", Text: `With kind: implicit_negative an example without a label is a negative (no click), so most have none and coverage says nothing
about the feed. Remove min_coverage: the feed is judged by whether labels of a later time than each mature cohort have come.`},
		{Code: "PW154", Title: "no cohort would ever be mature", Text: `Only cohorts that start within last are judged, and labels are demanded of a cohort delay + grace after its end. last is so
short that a cohort leaves it before that. Make last longer; 30d is the default.`},
		{Code: "PW155", Title: "conflicts without a value", Text: `Labels of one example conflict when their values differ, so conflicting needs to know the column of the value. Name it with
value.`},
		{Code: "PW156", Title: "cohorts freeze before they are mature", Text: `freeze_after is the age from which labels may not change any more. Before delay + grace they still come, so freezing them
earlier would be a finding every day.`},
		{Code: "PW160", Title: "values without a rule", Text: `A values check holds columns against rules: not_null, unique, accepted, between. Without any it would pass for ever.`},
		{Code: "PW161", Title: "rule that no value or every value keeps", Text: `A range needs a limit, limits of one type (numbers, or texts such as days), and min not above max. A list of accepted
values needs values; NULL is no value and is always accepted, not_null is the rule against it.`},
		{Code: "PW162", Title: "limit of bad rows that is never exceeded", Text: `No share of rows exceeds 100%, and a window of 0s holds no row, so the check would pass for ever.`},
		{Code: "PW163", Title: "window of values without a time column", Text: `last chooses rows by when they happened. Name the column with by, or give the node a freshness check, whose column
is then used.`},
		{Code: "PW165", Title: "limits that no value can meet", Text: `min is more than max, or equals stands beside limits that it makes meaningless.`},
		{Code: "PW170", Title: "source of a job's runs", Text: `A job is watched by exactly one source that tells of its runs: heartbeat: <name> when the job calls pipewatch, or
runs: a SELECT of run_id, started_at, ended_at and state from a control table.`},
		{Code: "PW171", Title: "unknown state of a run", Text: `states says what the job's own words for a state mean. There are five meanings: running, success, failed, skipped
and queued.`},
		{Code: "PW172", Title: "warn_runtime is not less than max_runtime", Text: `A run that fails is always above max_runtime, so a warning at the same length or later could
never be seen. Make warn_runtime less than max_runtime, or remove one of them.`},
	}
}
