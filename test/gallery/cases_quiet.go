package main

import "slices"

// exhibits is the whole gallery.
func exhibits() []exhibit {
	return slices.Concat(jobFaults, feedFaults, keyFaults, labelFaults, changeFaults, sightFaults, together, quiet)
}

// quiet is what looks wrong and is not.
var quiet = []exhibit{
	{name: "an ordinary day", what: "nothing", from: at(2, 18, 12, 0), until: at(2, 19, 12, 0)},
	{name: "the snowstorm", what: "half of Friday's and most of Saturday's flights are cancelled", from: at(2, 8, 12, 0), until: at(2, 10, 12, 0)},
	{name: "spring forward", what: "2 o'clock does not exist", from: at(3, 9, 20, 0), until: at(3, 11, 8, 0)},
	{name: "fall back", what: "1 o'clock comes twice, an hour of weather is missing everywhere", from: at(11, 2, 20, 0), until: at(11, 4, 8, 0)},
	{name: "Thanksgiving", what: "a third of the flights", from: at(11, 28, 4, 0), until: at(11, 29, 20, 0)},
	{name: "Christmas", what: "a quarter fewer flights", from: at(12, 25, 4, 0), until: at(12, 26, 8, 0)},
	{name: "Independence Day", what: "a quarter fewer flights", from: at(7, 4, 12, 0), until: at(7, 5, 8, 0)},
	{name: "hours that are really missing", what: "six hours of weather that never came", from: at(10, 25, 20, 0), until: at(10, 26, 20, 0)},
	{name: "a low weekend", what: "Saturdays have a quarter fewer flights than Fridays", from: at(9, 6, 20, 0), until: at(9, 8, 8, 0)},
	{
		name: "loaders late within their limits", what: "every load comes 50 minutes late", from: at(4, 9, 8, 0), until: at(4, 9, 20, 0),
		troubles: []trouble{
			{job: "load_flights", how: late, from: at(4, 9, 10, 0), until: at(4, 9, 16, 0), by: 50 * minute},
			{job: "load_weather", how: late, from: at(4, 9, 10, 0), until: at(4, 9, 16, 0), by: 50 * minute},
		},
	},
	{
		name: "a build late within its deadline", what: "the features are built at 06:14 instead of 05:34", from: at(5, 14, 2, 0), until: at(5, 14, 10, 0),
		troubles: []trouble{{job: "build_features", how: late, from: at(5, 14, 5, 0), until: at(5, 14, 7, 0), by: 24 * minute}},
	},
	{
		name: "a job retried with success", what: "a load and a build fail, and succeed when tried again", from: at(5, 21, 2, 0), until: at(5, 21, 12, 0),
		troubles: []trouble{
			{job: "load_flights", how: retries, from: at(5, 21, 8, 0), until: at(5, 21, 9, 0), by: 40 * minute},
			{job: "build_features", how: retries, from: at(5, 21, 5, 0), until: at(5, 21, 6, 0), by: 20 * minute},
		},
	},
	{
		name: "a column added", what: "weather gets a column more, which its schema check allows", from: at(6, 11, 10, 0), until: at(6, 11, 18, 0),
		acts: []act{{at(6, 11, 12, 30), "alter table weather add column gust double"}},
	},
	{
		name: "a reference table that grows", what: "planes and airports are registered", from: at(6, 12, 10, 0), until: at(6, 12, 18, 0),
		acts: []act{
			{at(6, 12, 12, 30), "insert into planes by name select 'N9' || tailnum[3:] as tailnum, 100 as seats, 2013 as year, engines, engine from planes limit 40"},
			{at(6, 12, 12, 40), "insert into airports by name select 'Z' || faa[2:] as faa, name from airports where faa[1] = 'A' and 'Z' || faa[2:] not in (select faa from airports) limit 5"},
		},
	},
	{
		name: "an announced backfill", what: "a closed week of flights is corrected, as announced", from: at(6, 18, 10, 0), until: at(6, 18, 20, 0),
		announced: []announcement{{node: "flight_delay/flights", from: at(6, 18, 12, 15), until: at(6, 18, 16, 15)}},
		acts:      []act{{at(6, 18, 12, 30), "update flights set distance = distance + 1 where dep_day >= date '2013-06-10' and dep_day < date '2013-06-17' and carrier = 'US'"}},
	},
}
