package demo

import (
	"time"

	"github.com/pipewatch-dev/pipewatch/checks"
	"github.com/pipewatch-dev/pipewatch/dag"
)

// Story is what is replayed. Its stretches are in the order of time and do not
// overlap; every fault breaks within one of them.
type Story struct {
	Stretches []Stretch
	Faults    []Fault
}

// Stretch is a part of the past that is replayed hour by hour. What lies
// between two stretches is jumped over.
type Stretch struct {
	Title       string
	From, Until time.Time
}

// Fault is one thing that goes wrong.
type Fault struct {
	Name    string // in the table at the end
	What    string // what broke, in a sentence
	Mending string // how it was put right
	Broke   time.Time
	Mended  time.Time // zero: it is not put right
	Inject  Injection // zero: it really happened in 2013
	Want    Want
}

// Real tells whether nobody had to break anything.
func (f Fault) Real() bool { return f.Inject == Injection{} }

// Want is what pipewatch has to say of a fault: one incident.
type Want struct {
	Root    dag.NodeID
	Channel string
	// Reasons are those of the root's own findings, in the order in which they
	// come to be known.
	Reasons  []checks.Reason
	Severity dag.Severity  // the worst that it reaches
	Within   time.Duration // from Broke to the first message
	Held     []dag.CheckID // what is found below and is not told by itself
	Open     bool          // the story ends before it is over
}

// newYork is where the flights leave, and whose clock the story shows.
var newYork = func() *time.Location {
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		panic("demo: " + err.Error()) // unreachable: the command carries the zones
	}
	return zone
}()

// Zone is New York's.
func Zone() *time.Location { return newYork }

// at is a moment of 2013 on New York's clock.
func at(month time.Month, day, hour, minute int) time.Time {
	return time.Date(2013, month, day, hour, minute, 0, 0, newYork)
}

// Channels of the example's owners.
const (
	flightData = "#flight-data"
	mlAlerts   = "#ml-alerts"
)

// Flights is the story of the flights that left New York in 2013.
func Flights() Story {
	return Story{
		Stretches: []Stretch{
			{"The loader stops", at(2, 5, 12, 0), at(2, 6, 2, 0)},
			{"The snowstorm of February, and somebody who tidies up at night", at(2, 8, 14, 0), at(2, 10, 8, 0)},
			{"Two weeks later the storm has left the window that is judged", at(2, 24, 8, 0), at(2, 24, 10, 0)},
			{"A day of weather is lost", at(3, 20, 7, 0), at(3, 20, 17, 0)},
			{"Labels slow down", at(4, 2, 11, 0), at(4, 3, 18, 0)},
			{"A station's clock is a day ahead", at(4, 24, 7, 0), at(4, 24, 16, 0)},
			{"Keys come twice", at(5, 7, 9, 30), at(5, 7, 13, 30)},
			{"Two faults at once", at(6, 5, 8, 0), at(6, 5, 13, 30)},
			{"The weather feed stops, and the year ends", at(12, 30, 17, 0), at(12, 31, 20, 0)},
		},
		Faults: []Fault{loaderFails, snowstorm, restated, weatherLost, labelsSlow, clockAhead, keysTwice, stationLost, loaderFailsToo, feedStops},
	}
}

// The faults, in the order in which they break.
var (
	loaderFails = Fault{
		Name:    "the flight loader fails",
		What:    "every run of the job load_flights fails; no flight planned for later is loaded",
		Mending: "the loader works again and has caught up",
		Broke:   at(2, 5, 13, 30), Mended: at(2, 5, 23, 30),
		Inject: Injection{Kind: "loader_fails", Since: at(2, 5, 13, 30)},
		Want: Want{
			Root: "flight_delay/load_flights", Channel: flightData, Reasons: []checks.Reason{checks.JobFailed},
			Severity: dag.Error, Within: 3 * time.Hour, Held: []dag.CheckID{"flight_delay/flights/freshness"},
		},
	}
	snowstorm = Fault{
		Name:  "the snowstorm",
		What:  "snow: half of Friday's flights and most of Saturday's are cancelled; as planned flights they are rows like any other",
		Broke: at(2, 8, 15, 0),
		Want: Want{
			Root: "flight_delay/delay_labels", Channel: mlAlerts, Reasons: []checks.Reason{checks.BehindCurve, checks.UnderCovered},
			Severity: dag.Error, Within: 12 * time.Hour,
		},
	}
	restated = Fault{
		Name:    "a closed day is restated",
		What:    "somebody rounds the delays of US Airways on the Tuesday before, without a run",
		Mending: "the day is as it was",
		Broke:   at(2, 9, 2, 30), Mended: at(2, 9, 4, 30),
		Inject: Injection{Kind: "restated", What: "US", Since: at(2, 5, 0, 0)},
		Want: Want{
			Root: "flight_delay/training_set", Channel: mlAlerts, Reasons: []checks.Reason{checks.Restated},
			Severity: dag.Error, Within: 2 * time.Hour,
		},
	}
	weatherLost = Fault{
		Name:    "a day of weather is lost",
		What:    "the partition of yesterday, 19 March, is dropped from weather",
		Mending: "the partition is restored",
		Broke:   at(3, 20, 9, 30), Mended: at(3, 20, 14, 30),
		Inject: Injection{Kind: "weather_lost", Since: at(3, 19, 0, 0), Until: at(3, 20, 0, 0)},
		Want: Want{
			Root: "flight_delay/weather", Channel: flightData, Reasons: []checks.Reason{checks.MissingBucket},
			Severity: dag.Error, Within: 2 * time.Hour, Held: []dag.CheckID{"flight_delay/flights/joins_weather"},
		},
	}
	labelsSlow = Fault{
		Name:    "labels slow down",
		What:    "what lands from now on is known twenty hours later; nothing is due before the day after tomorrow",
		Mending: "arrivals are reported at once again",
		Broke:   at(4, 2, 12, 30), Mended: at(4, 3, 8, 0),
		Inject: Injection{Kind: "labels_slow", Since: at(4, 2, 12, 30)},
		Want: Want{
			Root: "flight_delay/delay_labels", Channel: mlAlerts, Reasons: []checks.Reason{checks.BehindCurve},
			Severity: dag.Warn, Within: 13 * time.Hour,
		},
	}
	clockAhead = Fault{
		Name:    "a clock is a day ahead",
		What:    "the weather station of Newark writes tomorrow's timestamps",
		Mending: "the rows are dated right",
		Broke:   at(4, 24, 9, 30), Mended: at(4, 24, 13, 30),
		Inject: Injection{Kind: "clock_ahead", What: "EWR", Since: at(4, 24, 9, 30)},
		Want: Want{
			Root: "flight_delay/weather", Channel: flightData, Reasons: []checks.Reason{checks.FutureTimestamps},
			Severity: dag.Warn, Within: 2 * time.Hour,
		},
	}
	keysTwice = Fault{
		Name:    "keys come twice",
		What:    "Atlanta is loaded into airports a second time: who joins them counts its flights twice",
		Mending: "the second row is deleted",
		Broke:   at(5, 7, 9, 45), Mended: at(5, 7, 11, 30),
		Inject: Injection{Kind: "keys_twice", What: "ATL", Since: at(5, 7, 9, 45)},
		Want: Want{
			Root: "flight_delay/airports", Channel: flightData, Reasons: []checks.Reason{checks.Duplicates},
			Severity: dag.Error, Within: 2 * time.Hour, Held: []dag.CheckID{"flight_delay/flights/joins_airports"},
		},
	}
	stationLost = Fault{
		Name:    "a station is lost",
		What:    "LaGuardia's part of yesterday's partition is dropped from weather",
		Mending: "LaGuardia's weather is restored",
		Broke:   at(6, 5, 8, 30), Mended: at(6, 5, 11, 30),
		Inject: Injection{Kind: "weather_lost", What: "LGA", Since: at(6, 4, 0, 0), Until: at(6, 5, 0, 0)},
		Want: Want{
			Root: "flight_delay/weather", Channel: flightData, Reasons: []checks.Reason{checks.MissingBucket},
			Severity: dag.Error, Within: 2 * time.Hour, Held: []dag.CheckID{"flight_delay/flights/joins_weather"},
		},
	}
	loaderFailsToo = Fault{
		Name:    "the loader stops too",
		What:    "at the same time the loader of flights begins to fail, which is another cause",
		Mending: "the loader works again and has caught up",
		Broke:   at(6, 5, 8, 30), Mended: at(6, 5, 11, 30),
		Inject: Injection{Kind: "loader_fails", Since: at(6, 5, 8, 30)},
		Want: Want{
			Root: "flight_delay/load_flights", Channel: flightData, Reasons: []checks.Reason{checks.JobFailed},
			Severity: dag.Error, Within: 3 * time.Hour,
		},
	}
	feedStops = Fault{
		Name:  "the weather feed stops",
		What:  "the last hour of weather there will ever be in these tables",
		Broke: at(12, 30, 19, 0),
		Want: Want{
			Root: "flight_delay/weather", Channel: flightData, Reasons: []checks.Reason{checks.Stale},
			Severity: dag.Error, Within: 8 * time.Hour, Held: []dag.CheckID{"flight_delay/flights/joins_weather"}, Open: true,
		},
	}
)
