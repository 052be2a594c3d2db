package main

import "github.com/pipewatch-dev/pipewatch/dag"

// changeFaults are tables that become other tables: their schema, or rows that were
// done with.
var changeFaults = []exhibit{
	{
		name: "a column is gone", what: "flights lose their tail numbers", from: at(8, 6, 11, 0), until: at(8, 6, 18, 0),
		feeds: []feed{{"flights", at(8, 6, 14, 0), at(8, 6, 15, 45), "select * exclude (tailnum) from due"}},
		acts: []act{
			{at(8, 6, 13, 30), "alter table flights drop column tailnum"},
			{at(8, 6, 15, 30), "create or replace table flights as select f.flight_id, f.dep_day, f.time_hour, f.carrier, f.flight, s.tailnum, f.origin, f.dest, f.distance, f.hour from flights f join memory.main.source_flights s using (flight_id)"},
		},
		truths: []truth{{root: flights, knowable: at(8, 6, 14, 5), touches: belowFlights}},
	},
	{
		name: "a column gets another type", what: "distances become text", from: at(8, 7, 11, 0), until: at(8, 7, 18, 0),
		acts: []act{
			{at(8, 7, 13, 30), "alter table flights alter column distance type varchar"},
			{at(8, 7, 15, 30), "alter table flights alter column distance type integer"},
		},
		truths: []truth{{root: flights, knowable: at(8, 7, 14, 5), touches: belowFlights}},
	},
	{
		name: "a column is renamed", what: "visib is called visibility", from: at(8, 8, 11, 0), until: at(8, 8, 18, 0),
		feeds: []feed{{"weather", at(8, 8, 14, 0), at(8, 8, 15, 45), "select * rename (visib as visibility) from due"}},
		acts: []act{
			{at(8, 8, 13, 30), "alter table weather rename column visib to visibility"},
			{at(8, 8, 15, 30), "alter table weather rename column visibility to visib"},
		},
		truths: []truth{{root: weather, knowable: at(8, 8, 14, 5), touches: belowWeather}},
	},
	{
		name: "a closed day is rewritten", what: "the flights of three days ago are changed while the hourly loads go on", from: at(8, 13, 11, 0), until: at(8, 13, 18, 0),
		acts: []act{
			{at(8, 13, 13, 30), "update flights set distance = distance + 1 where dep_day = date '2013-08-10' and carrier = 'US'"},
			{at(8, 13, 15, 30), "update flights set distance = distance - 1 where dep_day = date '2013-08-10' and carrier = 'US'"},
		},
		truths: []truth{{root: flights, knowable: at(8, 13, 14, 5), touches: belowFlights}},
	},
	{
		name: "a training set changes without a run", what: "somebody rounds delays in the training set", from: at(8, 14, 11, 0), until: at(8, 14, 18, 0),
		acts: []act{
			{at(8, 14, 13, 30), "update training_set set arr_delay = arr_delay + 1 where dep_day = date '2013-08-11' and carrier = 'US'"},
			{at(8, 14, 15, 30), "update training_set set arr_delay = arr_delay - 1 where dep_day = date '2013-08-11' and carrier = 'US'"},
		},
		truths: []truth{{root: trainingSet, knowable: at(8, 14, 14, 5)}},
	},
	{
		name: "features change without a run", what: "somebody corrects yesterday's features", from: at(8, 15, 11, 0), until: at(8, 15, 18, 0),
		acts: []act{
			{at(8, 15, 13, 30), "update features set seats = seats + 1 where dep_day = date '2013-08-14' and carrier = 'US'"},
			{at(8, 15, 15, 30), "update features set seats = seats - 1 where dep_day = date '2013-08-14' and carrier = 'US'"},
		},
		truths: []truth{{root: features, knowable: at(8, 15, 14, 5), touches: []dag.NodeID{trainingSet}}},
	},
	{
		name: "a training set of old inputs", what: "the build reads a copy of the features that is three days old", from: at(8, 20, 3, 0), until: at(8, 20, 9, 20),
		feeds:  []feed{{"training_set", at(8, 20, 5, 0), at(8, 20, 7, 0), "select * from due where dep_day < date '2013-08-15'"}},
		truths: []truth{{root: trainingSet, knowable: at(8, 20, 7, 5), lasts: true}},
	},
	{
		name: "a training set with holes", what: "the build loses two of three rows of each day", from: at(8, 21, 3, 0), until: at(8, 21, 9, 20),
		feeds:  []feed{{"training_set", at(8, 21, 5, 0), at(8, 21, 7, 0), "select * from due where hash(flight_id) % 3 = 0"}},
		truths: []truth{{root: trainingSet, knowable: at(8, 21, 7, 5), lasts: true}},
	},
}
