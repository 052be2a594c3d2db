package main

import "github.com/pipewatch-dev/pipewatch/dag"

// keyFaults are keys and values that do not fit.
var keyFaults = []exhibit{
	{
		name: "parent keys twice", what: "Atlanta and Chicago are in the airports twice", from: at(6, 4, 11, 0), until: at(6, 4, 18, 0),
		acts: []act{
			{at(6, 4, 13, 30), "insert into airports select * from airports where faa in ('ATL', 'ORD')"},
			{at(6, 4, 15, 30), "create or replace table airports as select distinct * from airports"},
		},
		truths: []truth{{root: airports, knowable: at(6, 4, 14, 5), touches: []dag.NodeID{flights}}},
	},
	{
		name: "parent keys change case", what: "the airlines' codes are written small", from: at(6, 5, 11, 0), until: at(6, 5, 18, 0),
		acts: []act{
			{at(6, 5, 13, 30), "update airlines set carrier = lower(carrier)"},
			{at(6, 5, 15, 30), "update airlines set carrier = upper(carrier)"},
		},
		truths: []truth{{root: airlines, knowable: at(6, 5, 14, 5), touches: []dag.NodeID{flights}}},
	},
	{
		name: "keys are padded", what: "the flights' airline codes get a blank", from: at(6, 6, 11, 0), until: at(6, 6, 18, 0),
		feeds:  []feed{{"flights", at(6, 6, 13, 0), at(6, 6, 14, 30), "select * replace (carrier || ' ' as carrier) from due"}},
		acts:   []act{{at(6, 6, 14, 40), "update flights set carrier = trim(carrier)"}},
		truths: []truth{{root: flights, knowable: at(6, 6, 13, 5), touches: belowFlights}},
	},
	{
		name: "tail numbers change their form", what: "tail numbers come without their N", from: at(6, 13, 7, 0), until: at(6, 13, 15, 0),
		feeds:  []feed{{"flights", at(6, 13, 9, 0), at(6, 13, 11, 30), "select * replace (tailnum[2:] as tailnum) from due"}},
		acts:   []act{{at(6, 13, 11, 40), "update flights set tailnum = 'N' || tailnum where tailnum not like 'N%' and dep_day = date '2013-06-13'"}},
		truths: []truth{{root: flights, knowable: at(6, 13, 10, 5), touches: belowFlights}},
	},
	{
		name: "a burst of orphans", what: "flights go to an airport that nobody knows", from: at(6, 14, 11, 0), until: at(6, 14, 19, 0),
		feeds:  []feed{{"flights", at(6, 14, 13, 0), at(6, 14, 16, 30), "select * replace ('XXX' as dest) from due"}},
		acts:   []act{{at(6, 14, 16, 40), "update flights set dest = 'ATL' where dest = 'XXX'"}},
		truths: []truth{{root: flights, knowable: at(6, 14, 14, 5), touches: belowFlights}},
	},
	{
		name: "a burst of NULL keys", what: "flights come without a destination", from: at(6, 19, 11, 0), until: at(6, 19, 18, 0),
		feeds:  []feed{{"flights", at(6, 19, 13, 0), at(6, 19, 14, 30), "select * replace (null as dest) from due"}},
		acts:   []act{{at(6, 19, 14, 40), "update flights set dest = 'ATL' where dest is null"}},
		truths: []truth{{root: flights, knowable: at(6, 19, 13, 5), touches: belowFlights}},
	},
	{
		name: "a burst of NULLs", what: "weather comes without temperatures", from: at(6, 20, 11, 0), until: at(6, 20, 18, 0),
		feeds:  []feed{{"weather", at(6, 20, 13, 0), at(6, 20, 14, 30), "select * replace (null as temp) from due"}},
		acts:   []act{{at(6, 20, 14, 40), "update weather set temp = 70 where temp is null"}},
		truths: []truth{{root: weather, knowable: at(6, 20, 13, 5), touches: belowWeather}},
	},
	{
		name: "a word that nobody knows", what: "an airport of New York gets another name", from: at(6, 21, 11, 0), until: at(6, 21, 18, 0),
		feeds:  []feed{{"flights", at(6, 21, 13, 0), at(6, 21, 14, 30), "select * replace (origin || '1' as origin) from due"}},
		acts:   []act{{at(6, 21, 14, 40), "update flights set origin = origin[:3]"}},
		truths: []truth{{root: flights, knowable: at(6, 21, 13, 5), touches: belowFlights}},
	},
	{
		name: "miles become kilometres", what: "distances are kilometres from five o'clock on; the first that is impossible in miles is Honolulu's at 10", from: at(6, 25, 3, 0), until: at(6, 25, 15, 0),
		feeds:  []feed{{"flights", at(6, 25, 5, 0), at(6, 25, 11, 30), "select * replace ((distance * 1.609)::int as distance) from due"}},
		acts:   []act{{at(6, 25, 11, 40), "update flights set distance = round(distance / 1.609) where dep_day = date '2013-06-25' and hour < 12"}},
		truths: []truth{{root: flights, knowable: at(6, 25, 10, 5), touches: belowFlights}},
	},
	{
		name: "degrees change their scale", what: "temperatures are Celsius from one o'clock on, which are possible as Fahrenheit", from: at(4, 15, 11, 0), until: at(4, 15, 20, 0),
		feeds:  []feed{{"weather", at(4, 15, 13, 0), at(4, 16, 0, 0), "select * replace ((temp - 32) / 1.8 as temp) from due"}},
		truths: []truth{{root: weather, knowable: at(4, 15, 13, 5), touches: belowWeather, lasts: true}},
		missed: "every single value is possible. It takes a comparison of distributions to see it, a check of kind drift, which is not available yet; or a limit on the jump of the mean, which the example's team did not think of.",
	},
	{
		name: "a hail of zeros", what: "distances are 0", from: at(6, 26, 11, 0), until: at(6, 26, 18, 0),
		feeds:  []feed{{"flights", at(6, 26, 13, 0), at(6, 26, 14, 30), "select * replace (0 as distance) from due"}},
		acts:   []act{{at(6, 26, 14, 40), "update flights set distance = 1000 where distance = 0"}},
		truths: []truth{{root: flights, knowable: at(6, 26, 13, 5), touches: belowFlights}},
	},
}
