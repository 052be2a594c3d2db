package main

import (
	"time"

	"github.com/pipewatch-dev/pipewatch/dag"
)

const minute = time.Minute

// The nodes of the gallery's DAGs.
const (
	loadFlights    dag.NodeID = "flight_delay/load_flights"
	loadArrivals   dag.NodeID = "flight_delay/load_arrivals"
	loadWeather    dag.NodeID = "flight_delay/load_weather"
	airports       dag.NodeID = "flight_delay/airports"
	airlines       dag.NodeID = "flight_delay/airlines"
	planes         dag.NodeID = "flight_delay/planes"
	weather        dag.NodeID = "flight_delay/weather"
	flights        dag.NodeID = "flight_delay/flights"
	arrivals       dag.NodeID = "flight_delay/arrivals"
	buildFeatures  dag.NodeID = "flight_delay/build_features"
	features       dag.NodeID = "flight_delay/features"
	buildTraining  dag.NodeID = "flight_delay/build_training"
	trainingSet    dag.NodeID = "flight_delay/training_set"
	buildDashboard dag.NodeID = "dashboard/build_dashboard"
	carrierDaily   dag.NodeID = "dashboard/carrier_daily"
	punctuality    dag.NodeID = "dashboard/punctuality"
	connection     dag.NodeID = "connection wh"
)

// below lists whom a fault of a source touches: everything that is built from it,
// in the other DAG too.
var (
	belowFlights  = []dag.NodeID{features, trainingSet, carrierDaily, punctuality}
	belowArrivals = []dag.NodeID{trainingSet, punctuality}
	belowWeather  = []dag.NodeID{features, trainingSet}
)

// jobFaults are jobs that do not do what they should. A loader has to succeed every
// two hours; the one before the fault ended a few minutes after 12.
var jobFaults = []exhibit{
	{
		name: "a loader fails", what: "every load of flights fails from one o'clock on", from: at(2, 19, 11, 0), until: at(2, 19, 20, 0),
		troubles: []trouble{{job: "load_flights", how: fails, from: at(2, 19, 13, 0), until: at(2, 19, 16, 30)}},
		truths:   []truth{{root: loadFlights, knowable: at(2, 19, 14, 5), touches: belowFlights}},
	},
	{
		name: "a loader never starts", what: "the scheduler forgets the load of flights", from: at(2, 20, 11, 0), until: at(2, 20, 20, 0),
		troubles: []trouble{{job: "load_flights", how: absent, from: at(2, 20, 13, 0), until: at(2, 20, 16, 30)}},
		truths:   []truth{{root: loadFlights, knowable: at(2, 20, 14, 5), touches: belowFlights}},
	},
	{
		name: "a loader is stuck", what: "a load of flights starts and does not end", from: at(2, 21, 11, 0), until: at(2, 21, 20, 0),
		troubles: []trouble{{job: "load_flights", how: hangs, from: at(2, 21, 13, 0), until: at(2, 21, 16, 30)}},
		truths:   []truth{{root: loadFlights, knowable: at(2, 21, 14, 5), touches: belowFlights}},
	},
	{
		name: "a loader fails in all its tries", what: "the load of flights is tried three times an hour, in vain", from: at(2, 26, 11, 0), until: at(2, 26, 20, 0),
		troubles: []trouble{{job: "load_flights", how: failsFinally, from: at(2, 26, 13, 0), until: at(2, 26, 16, 30), by: 15 * minute}},
		truths:   []truth{{root: loadFlights, knowable: at(2, 26, 14, 5), touches: belowFlights}},
	},
	{
		name: "a loader is late", what: "every load of flights comes three hours late", from: at(2, 27, 11, 0), until: at(2, 27, 22, 0),
		troubles: []trouble{{job: "load_flights", how: late, from: at(2, 27, 13, 0), until: at(2, 27, 16, 30), by: 180 * minute}},
		truths:   []truth{{root: loadFlights, knowable: at(2, 27, 14, 5), touches: belowFlights}},
	},
	{
		name: "a heartbeat stops", what: "the weather's loader does not call any more", from: at(3, 5, 11, 0), until: at(3, 5, 20, 0),
		troubles: []trouble{{job: "load_weather", how: absent, from: at(3, 5, 13, 0), until: at(3, 5, 16, 30)}},
		truths:   []truth{{root: loadWeather, knowable: at(3, 5, 14, 5), touches: belowWeather}},
	},
	{
		name: "a loader fails for a night", what: "flights are not loaded from the evening to the next noon; every build of the morning lacks them", from: at(3, 6, 18, 0), until: at(3, 7, 16, 0),
		troubles: []trouble{{job: "load_flights", how: fails, from: at(3, 6, 20, 0), until: at(3, 7, 11, 30)}},
		truths:   []truth{{root: loadFlights, knowable: at(3, 6, 21, 5), touches: belowFlights}},
	},
	{
		name: "a build fails", what: "the build of the features fails", from: at(4, 10, 3, 0), until: at(4, 10, 8, 20),
		troubles: []trouble{{job: "build_features", how: fails, from: at(4, 10, 5, 0), until: at(4, 10, 6, 0)}},
		truths:   []truth{{root: buildFeatures, knowable: at(4, 10, 7, 5), touches: []dag.NodeID{features, trainingSet}, lasts: true}},
	},
	{
		name: "a build is late", what: "the build of the features ends at 9 instead of half past five", from: at(4, 11, 3, 0), until: at(4, 11, 13, 0),
		troubles: []trouble{{job: "build_features", how: late, from: at(4, 11, 5, 0), until: at(4, 11, 6, 0), by: 210 * minute}},
		truths:   []truth{{root: buildFeatures, knowable: at(4, 11, 7, 5), touches: []dag.NodeID{features, trainingSet}}},
	},
	{
		name: "a build never starts", what: "the training set is not built", from: at(4, 16, 3, 0), until: at(4, 16, 8, 20),
		troubles: []trouble{{job: "build_training", how: absent, from: at(4, 16, 5, 0), until: at(4, 16, 7, 0)}},
		truths:   []truth{{root: buildTraining, knowable: at(4, 16, 7, 5), touches: []dag.NodeID{trainingSet}, lasts: true}},
	},
	{
		name: "a build is stuck", what: "the build of the features does not end", from: at(4, 17, 3, 0), until: at(4, 17, 8, 20),
		troubles: []trouble{{job: "build_features", how: hangs, from: at(4, 17, 5, 0), until: at(4, 17, 12, 0)}},
		truths:   []truth{{root: buildFeatures, knowable: at(4, 17, 7, 5), touches: []dag.NodeID{features, trainingSet}, lasts: true}},
	},
	{
		name: "a build fails in all its tries", what: "the dashboard is not built after three tries", from: at(4, 18, 3, 0), until: at(4, 18, 9, 20),
		troubles: []trouble{{job: "build_dashboard", how: failsFinally, from: at(4, 18, 6, 0), until: at(4, 18, 7, 0), by: 8 * minute}},
		truths:   []truth{{root: buildDashboard, knowable: at(4, 18, 7, 10), touches: []dag.NodeID{carrierDaily, punctuality}, lasts: true}},
	},
	{
		name: "a build succeeds and does nothing", what: "the build of the training set reports success and wrote nothing", from: at(4, 23, 3, 0), until: at(4, 23, 9, 20),
		troubles: []trouble{{job: "build_training", how: idles, from: at(4, 23, 5, 0), until: at(4, 23, 7, 0)}},
		truths:   []truth{{root: trainingSet, knowable: at(4, 23, 7, 5), lasts: true}},
	},
	{
		name: "a dashboard built of nothing", what: "the build of the dashboard reports success and wrote nothing", from: at(4, 24, 3, 0), until: at(4, 24, 9, 20),
		troubles: []trouble{{job: "build_dashboard", how: idles, from: at(4, 24, 6, 0), until: at(4, 24, 7, 0)}},
		truths: []truth{
			{root: carrierDaily, knowable: at(4, 24, 7, 10), lasts: true},
			{root: punctuality, knowable: at(4, 24, 7, 10), lasts: true},
		},
	},
}
