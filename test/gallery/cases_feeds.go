package main

import "github.com/pipewatch-dev/pipewatch/dag"

// feedFaults are loads that succeed and bring wrong rows, too few or none.
var feedFaults = []exhibit{
	{
		name: "a feed freezes", what: "every load of weather succeeds and brings nothing; the newest hour is 12", from: at(3, 12, 11, 0), until: at(3, 13, 0, 0),
		troubles: []trouble{{job: "load_weather", how: idles, from: at(3, 12, 13, 0), until: at(3, 12, 20, 30)}},
		truths:   []truth{{root: weather, knowable: at(3, 12, 19, 5), touches: belowWeather}},
	},
	{
		name: "a join's parent is late", what: "the weather of a whole day comes at five the next morning; flights that find none follow from that", from: at(3, 26, 3, 0), until: at(3, 27, 12, 0),
		troubles: []trouble{{job: "load_weather", how: idles, from: at(3, 26, 5, 0), until: at(3, 27, 4, 30)}},
		truths:   []truth{{root: weather, knowable: at(3, 26, 11, 5), touches: append([]dag.NodeID{flights}, belowWeather...)}},
	},
	{
		name: "the flights freeze", what: "every load of flights succeeds and brings nothing; the newest hour is 8", from: at(3, 13, 7, 0), until: at(3, 13, 21, 0),
		troubles: []trouble{{job: "load_flights", how: idles, from: at(3, 13, 9, 0), until: at(3, 13, 17, 30)}},
		truths:   []truth{{root: flights, knowable: at(3, 13, 16, 5), touches: belowFlights}},
	},
	{
		name: "a feed thins out", what: "five of six flights are not loaded", from: at(3, 14, 11, 0), until: at(3, 14, 18, 0),
		feeds:  []feed{{"flights", at(3, 14, 13, 0), at(3, 14, 15, 30), "select * from due where hash(flight_id) % 6 = 0"}},
		acts:   []act{{at(3, 14, 15, 40), "insert into flights by name select * exclude (sched_dep_at, dep_at, dep_time, arr_time, arr_delay) from memory.main.source_flights s where time_hour >= timestamptz '2013-03-14 17:00:00Z' and time_hour <= timestamptz '2013-03-14 19:00:00Z' and flight_id not in (select flight_id from flights)"}},
		truths: []truth{{root: flights, knowable: at(3, 14, 14, 5), touches: belowFlights}},
	},
	{
		name: "an hour is lost", what: "somebody deletes the flights of 14 o'clock", from: at(3, 19, 12, 0), until: at(3, 19, 20, 0),
		acts: []act{
			{at(3, 19, 15, 30), "delete from flights where time_hour = timestamptz '2013-03-19 18:00:00Z'"},
			{at(3, 19, 17, 30), "insert into flights by name select * exclude (sched_dep_at, dep_at, dep_time, arr_time, arr_delay) from memory.main.source_flights where time_hour = timestamptz '2013-03-19 18:00:00Z'"},
		},
		truths: []truth{{root: flights, knowable: at(3, 19, 16, 5), touches: belowFlights}},
	},
	{
		name: "a day is lost", what: "the partition of yesterday is dropped from weather", from: at(3, 20, 8, 0), until: at(3, 20, 16, 0),
		acts: []act{
			{at(3, 20, 10, 30), "delete from weather where time_hour >= timestamptz '2013-03-19 04:00:00Z' and time_hour < timestamptz '2013-03-20 04:00:00Z'"},
			{at(3, 20, 12, 30), "insert into weather by name select * from memory.main.source_weather where time_hour >= timestamptz '2013-03-19 04:00:00Z' and time_hour < timestamptz '2013-03-20 04:00:00Z'"},
		},
		truths: []truth{{root: weather, knowable: at(3, 20, 11, 5), touches: belowWeather}},
	},
	{
		name: "a carrier is lost", what: "United's flights are not loaded any more; the outcomes that find no flight show it before the day is over", from: at(3, 26, 3, 0), until: at(3, 27, 3, 20),
		feeds:  []feed{{"flights", at(3, 26, 5, 0), at(3, 28, 0, 0), "select * from due where carrier <> 'UA'"}},
		truths: []truth{{root: flights, knowable: at(3, 27, 0, 5), touches: belowFlights, lasts: true}},
		missed: "flights are counted by carrier when a day is over; until then it is the outcomes that find no flight, and they are told at 19:05. At midnight the same message is moved to the flights, whose day explains it.",
	},
	{
		name: "a station is lost", what: "the weather of LaGuardia is not loaded any more", from: at(4, 2, 11, 0), until: at(4, 3, 3, 20),
		feeds:  []feed{{"weather", at(4, 2, 13, 0), at(4, 4, 0, 0), "select * from due where origin <> 'LGA'"}},
		truths: []truth{{root: weather, knowable: at(4, 3, 0, 5), touches: belowWeather, lasts: true}},
	},
	{
		name: "a table is emptied", what: "somebody truncates the airlines", from: at(4, 4, 11, 0), until: at(4, 4, 18, 0),
		acts: []act{
			{at(4, 4, 13, 30), "delete from airlines"},
			{at(4, 4, 15, 30), "insert into airlines select * from memory.main.source_airlines"},
		},
		truths: []truth{{root: airlines, knowable: at(4, 4, 14, 5), touches: []dag.NodeID{flights}}},
	},
	{
		name: "half a table is gone", what: "half of the planes are deleted", from: at(4, 5, 11, 0), until: at(4, 5, 18, 0),
		acts: []act{
			{at(4, 5, 13, 30), "delete from planes where hash(tailnum) % 2 = 0"},
			{at(4, 5, 15, 30), "delete from planes; insert into planes select * from memory.main.source_planes"},
		},
		truths: []truth{{root: planes, knowable: at(4, 5, 14, 5), touches: []dag.NodeID{flights, features}}},
	},
	{
		name: "rows twice", what: "an hour of flights is loaded twice", from: at(4, 25, 11, 0), until: at(4, 25, 18, 0),
		acts: []act{
			{at(4, 25, 13, 30), "insert into flights select * from flights where time_hour = timestamptz '2013-04-25 16:00:00Z'"},
			{at(4, 25, 15, 30), "create or replace table flights as select distinct * from flights"},
		},
		truths: []truth{{root: flights, knowable: at(4, 25, 14, 5), touches: belowFlights}},
	},
	{
		name: "a re-run doubles a day", what: "yesterday's load is run again and adds its rows a second time; the repair rewrites a closed day and is announced", from: at(4, 30, 8, 0), until: at(4, 30, 15, 20),
		announced: []announcement{{node: flights, from: at(4, 30, 12, 15), until: at(4, 30, 13, 30)}},
		acts: []act{
			{at(4, 30, 10, 30), "insert into flights select * from flights where dep_day = date '2013-04-29'"},
			{at(4, 30, 12, 30), "create or replace table flights as select distinct * from flights"},
		},
		truths: []truth{{root: flights, knowable: at(4, 30, 11, 5), touches: belowFlights}},
	},
	{
		name: "the features are built of half a day", what: "the build runs on what was loaded by noon", from: at(5, 1, 3, 0), until: at(5, 1, 9, 0),
		feeds:  []feed{{"features", at(5, 1, 5, 0), at(5, 1, 6, 0), "select * from due where hour < 11"}},
		truths: []truth{{root: features, knowable: at(5, 1, 6, 5), touches: []dag.NodeID{trainingSet}, lasts: true}},
	},
	{
		name: "a feed loses a little", what: "every twentieth flight is not loaded", from: at(5, 15, 3, 0), until: at(5, 16, 3, 20),
		feeds:  []feed{{"flights", at(5, 15, 4, 0), at(5, 17, 0, 0), "select * from due where hash(flight_id) % 20 > 0"}},
		truths: []truth{{root: flights, knowable: at(5, 15, 22, 5), touches: belowFlights, lasts: true}},
		missed: "a loss of five per cent is within what days differ by. What sees it is the join of the outcomes: they find no flight. The message names arrivals, whose rows have no match, and flights as what they do not match; which of the two is at fault no check can tell.",
	},
	{
		name: "a weekend is thin", what: "on Saturday every second flight is missing; it is a fifth fewer than on Friday in any case", from: at(5, 11, 3, 0), until: at(5, 11, 14, 0),
		feeds:  []feed{{"flights", at(5, 11, 4, 0), at(5, 12, 4, 0), "select * from due qualify row_number() over (order by flight_id) % 2 = 0"}},
		truths: []truth{{root: flights, knowable: at(5, 11, 7, 5), touches: belowFlights, lasts: true}},
	},
	{
		name: "a zone is forgotten", what: "New York's clock is written as if it were UTC: rows are dated four hours early", from: at(5, 22, 11, 0), until: at(5, 22, 17, 0),
		feeds:  []feed{{"flights", at(5, 22, 13, 0), at(5, 22, 15, 0), "select * replace (time_hour - interval 4 hour as time_hour) from due"}},
		acts:   []act{{at(5, 22, 14, 30), "update flights set time_hour = time_hour + interval 4 hour where hour >= 13 and dep_day = date '2013-05-22' and time_hour < timestamptz '2013-05-22 15:00:00Z'"}},
		truths: []truth{{root: flights, knowable: at(5, 22, 13, 5), touches: belowFlights}},
	},
	{
		name: "a clock is a day ahead", what: "the weather of Newark is dated tomorrow", from: at(5, 23, 11, 0), until: at(5, 23, 18, 0),
		feeds:  []feed{{"weather", at(5, 23, 13, 0), at(5, 23, 14, 30), "select * replace (case origin when 'EWR' then time_hour + interval 24 hour else time_hour end as time_hour) from due"}},
		acts:   []act{{at(5, 23, 14, 40), "update weather set time_hour = time_hour - interval 24 hour where time_hour > timestamptz '2013-05-23 20:00:00Z'"}},
		truths: []truth{{root: weather, knowable: at(5, 23, 13, 5), touches: belowWeather}},
	},
	{
		name: "a clock jumps a year", what: "one load of flights is dated 2014", from: at(5, 29, 11, 0), until: at(5, 29, 18, 0),
		feeds:  []feed{{"flights", at(5, 29, 13, 0), at(5, 29, 14, 0), "select * replace (time_hour + interval 365 day as time_hour) from due"}},
		acts:   []act{{at(5, 29, 14, 40), "update flights set time_hour = time_hour - interval 365 day where time_hour > timestamptz '2014-01-01 00:00:00Z'"}},
		truths: []truth{{root: flights, knowable: at(5, 29, 13, 5), touches: belowFlights}},
	},
	{
		name: "a loader misses the clock change", what: "from the change to summer time on the weather is dated an hour early", from: at(3, 9, 23, 0), until: at(3, 10, 8, 0),
		feeds:  []feed{{"weather", at(3, 10, 3, 0), at(3, 10, 5, 0), "select * replace (time_hour - interval 1 hour as time_hour) from due"}},
		acts:   []act{{at(3, 10, 4, 40), "delete from weather where time_hour >= timestamptz '2013-03-10 06:00:00Z'; insert into weather by name select * from memory.main.source_weather where time_hour >= timestamptz '2013-03-10 06:00:00Z' and time_hour <= timestamptz '2013-03-10 08:00:00Z'"}},
		truths: []truth{{root: weather, knowable: at(3, 10, 3, 5), touches: belowWeather}},
	},
}
