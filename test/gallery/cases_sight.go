package main

import (
	"time"

	"github.com/pipewatch-dev/pipewatch/dag"
)

// sightFaults are checks that get no answer. pipewatch tells of it when a check got
// none for a quarter of an hour and three times in a row: at the third evaluation.
var sightFaults = []exhibit{
	{
		name: "the connection is lost", what: "the warehouse's file is gone", from: at(9, 10, 11, 0), until: at(9, 10, 19, 0),
		away:   []span{{at(9, 10, 13, 30), at(9, 10, 16, 30)}},
		truths: []truth{{root: connection, knowable: at(9, 10, 16, 5)}},
	},
	{
		name: "a table is dropped", what: "the airlines are dropped", from: at(9, 11, 11, 0), until: at(9, 11, 19, 0),
		acts: []act{
			{at(9, 11, 13, 30), "drop table airlines"},
			{at(9, 11, 16, 30), "create table airlines as select * from memory.main.source_airlines"},
		},
		truths: []truth{{root: airlines, knowable: at(9, 11, 16, 5)}},
	},
	{
		name: "permissions are lost", what: "the airlines become a view of a file that we may not read", from: at(9, 12, 11, 0), until: at(9, 12, 19, 0),
		acts: []act{
			{at(9, 12, 13, 30), "drop table airlines; create view airlines as select * from '{data}/airlines.parquet'"},
			{at(9, 12, 16, 30), "drop view airlines; create table airlines as select * from memory.main.source_airlines"},
		},
		truths: []truth{{root: airlines, knowable: at(9, 12, 16, 5)}},
	},
	{
		name: "a view is broken", what: "a view of the dashboard reads a column that is gone", from: at(9, 17, 11, 0), until: at(9, 17, 19, 0),
		acts: []act{
			{at(9, 17, 13, 30), "alter table punctuality rename to punctuality_base; create view punctuality as select dep_day, carrier, on_time from punctuality_base; alter table punctuality_base rename column on_time to punctual"},
			{at(9, 17, 16, 30), "drop view punctuality; alter table punctuality_base rename to punctuality; alter table punctuality rename column punctual to on_time"},
		},
		truths: []truth{{root: punctuality, knowable: at(9, 17, 16, 10)}},
	},
	{
		name: "a table takes too long", what: "the airlines become a view over a product of everything", from: at(9, 18, 11, 0), until: at(9, 18, 19, 0), timeout: 2 * time.Second,
		acts: []act{
			{at(9, 18, 13, 30), "alter table airlines rename to airlines_base; create view airlines as select a.* from airlines_base a semi join (select 1 as one from range(100000) x, range(100000) y, range(100) z where (x.range * y.range * z.range + 7) % 1000003 = -1) s on true"},
			{at(9, 18, 16, 30), "drop view airlines; alter table airlines_base rename to airlines"},
		},
		truths: []truth{{root: airlines, knowable: at(9, 18, 16, 5)}},
	},
}

// together are faults beside, below and after each other.
var together = []exhibit{
	{
		name: "two faults at once", what: "the weather's loader stops, and airports come twice", from: at(9, 24, 11, 0), until: at(9, 24, 19, 0),
		troubles: []trouble{{job: "load_weather", how: fails, from: at(9, 24, 13, 0), until: at(9, 24, 16, 30)}},
		acts: []act{
			{at(9, 24, 13, 30), "insert into airports select * from airports where faa in ('ATL', 'ORD')"},
			{at(9, 24, 15, 30), "create or replace table airports as select distinct * from airports"},
		},
		truths: []truth{
			{root: airports, knowable: at(9, 24, 14, 5), touches: []dag.NodeID{flights}},
			{root: loadWeather, knowable: at(9, 24, 14, 5), touches: belowWeather},
		},
	},
	{
		name: "a fault below a fault", what: "the load of flights fails; meanwhile arrivals contradict each other, which that does not explain", from: at(9, 25, 11, 0), until: at(9, 25, 20, 0),
		troubles: []trouble{{job: "load_flights", how: fails, from: at(9, 25, 13, 0), until: at(9, 25, 17, 30)}},
		feeds:    []feed{{"arrivals", at(9, 25, 15, 0), at(9, 25, 16, 30), "select * from due union all select * replace (arr_delay + 30 as arr_delay) from due"}},
		acts:     []act{{at(9, 25, 16, 40), "create or replace table arrivals as select flight_id, any_value(status) as status, min(arr_delay) as arr_delay, min(label_time) as label_time from arrivals group by flight_id"}},
		truths: []truth{
			{root: loadFlights, knowable: at(9, 25, 14, 5), touches: belowFlights},
			{root: arrivals, knowable: at(9, 25, 15, 5), touches: belowArrivals},
		},
	},
	{
		name: "a fault in both DAGs", what: "the build of the features fails, and the dashboard's does nothing", from: at(9, 26, 3, 0), until: at(9, 26, 8, 20),
		troubles: []trouble{
			{job: "build_features", how: fails, from: at(9, 26, 5, 0), until: at(9, 26, 6, 0)},
			{job: "build_dashboard", how: fails, from: at(9, 26, 6, 0), until: at(9, 26, 7, 0)},
		},
		truths: []truth{
			{root: buildFeatures, knowable: at(9, 26, 7, 5), touches: []dag.NodeID{trainingSet}, lasts: true},
			{root: buildDashboard, knowable: at(9, 26, 7, 10), touches: []dag.NodeID{carrierDaily}, lasts: true},
		},
	},
	{
		name: "a fault that comes back", what: "airports come twice, are mended, and come twice again", from: at(10, 1, 9, 0), until: at(10, 1, 21, 0),
		acts: []act{
			{at(10, 1, 10, 30), "insert into airports select * from airports where faa in ('ATL', 'ORD')"},
			{at(10, 1, 12, 30), "create or replace table airports as select distinct * from airports"},
			{at(10, 1, 16, 30), "insert into airports select * from airports where faa in ('ATL', 'ORD')"},
			{at(10, 1, 18, 30), "create or replace table airports as select distinct * from airports"},
		},
		truths: []truth{
			{root: airports, knowable: at(10, 1, 11, 5), touches: []dag.NodeID{flights}},
			{root: airports, knowable: at(10, 1, 17, 5), touches: []dag.NodeID{flights}},
		},
	},
	{
		name: "a fault that comes and goes", what: "airports come twice in every second hour", from: at(10, 2, 9, 0), until: at(10, 2, 21, 0),
		acts: []act{
			{at(10, 2, 10, 30), "insert into airports select * from airports where faa = 'ATL'"},
			{at(10, 2, 11, 30), "create or replace table airports as select distinct * from airports"},
			{at(10, 2, 12, 30), "insert into airports select * from airports where faa = 'ATL'"},
			{at(10, 2, 13, 30), "create or replace table airports as select distinct * from airports"},
			{at(10, 2, 14, 30), "insert into airports select * from airports where faa = 'ATL'"},
			{at(10, 2, 15, 30), "create or replace table airports as select distinct * from airports"},
			{at(10, 2, 16, 30), "insert into airports select * from airports where faa = 'ATL'"},
			{at(10, 2, 17, 30), "create or replace table airports as select distinct * from airports"},
		},
		truths: []truth{{root: airports, knowable: at(10, 2, 11, 5), touches: []dag.NodeID{flights}}},
	},
}
