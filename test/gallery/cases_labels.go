package main

// labelFaults are labels that are late, gone or wrong.
var labelFaults = []exhibit{
	{
		name: "the labels' loader stops", what: "arrivals are not loaded any more", from: at(7, 9, 11, 0), until: at(7, 9, 20, 0),
		troubles: []trouble{{job: "load_arrivals", how: absent, from: at(7, 9, 13, 0), until: at(7, 9, 16, 30)}},
		truths:   []truth{{root: loadArrivals, knowable: at(7, 9, 14, 5), touches: belowArrivals}},
	},
	{
		name: "the labels freeze", what: "every load of arrivals succeeds and brings nothing; the newest is of 8 o'clock", from: at(7, 10, 7, 0), until: at(7, 10, 21, 0),
		troubles: []trouble{{job: "load_arrivals", how: idles, from: at(7, 10, 9, 0), until: at(7, 10, 17, 30)}},
		truths:   []truth{{root: arrivals, knowable: at(7, 10, 16, 5), touches: belowArrivals}},
	},
	{
		name: "labels come late", what: "what lands from the morning on is known fifteen hours later; no label is due before the day after tomorrow", from: at(7, 11, 3, 0), until: at(7, 12, 3, 20),
		feeds:  []feed{{"arrivals", at(7, 11, 6, 0), at(7, 13, 0, 0), "select * from memory.main.source_arrivals where label_time > {since} - interval 15 hour and label_time <= {until} - interval 15 hour and flight_id not in (select flight_id from arrivals)"}},
		truths: []truth{{root: arrivals, knowable: at(7, 11, 13, 5), touches: belowArrivals, lasts: true}},
	},
	{
		name: "half of a day's labels are missing", what: "two of three arrivals are not loaded; no label is due before the day after tomorrow", from: at(7, 16, 3, 0), until: at(7, 17, 3, 20),
		feeds:  []feed{{"arrivals", at(7, 16, 5, 0), at(7, 17, 12, 0), "select * from due where hash(flight_id) % 3 = 0"}},
		truths: []truth{{root: arrivals, knowable: at(7, 17, 0, 5), touches: belowArrivals, lasts: true}},
	},
	{
		name: "labels from before the event", what: "arrivals are dated two days early; a day's labels are looked at when the day is over", from: at(7, 17, 20, 0), until: at(7, 18, 5, 0),
		feeds:  []feed{{"arrivals", at(7, 17, 21, 0), at(7, 17, 22, 30), "select * replace (label_time - interval 2 day as label_time) from due"}},
		acts:   []act{{at(7, 18, 1, 40), "delete from arrivals a using flights f where a.flight_id = f.flight_id and a.label_time < f.time_hour; insert into arrivals by name select * from memory.main.source_arrivals s where label_time > timestamptz '2013-07-17 23:00:00Z' and label_time <= timestamptz '2013-07-18 05:00:00Z' and flight_id not in (select flight_id from arrivals)"}},
		truths: []truth{{root: arrivals, knowable: at(7, 18, 0, 5), touches: belowArrivals}},
	},
	{
		name: "labels that contradict each other", what: "arrivals come twice, with other delays", from: at(7, 18, 11, 0), until: at(7, 18, 18, 0),
		feeds:  []feed{{"arrivals", at(7, 18, 13, 0), at(7, 18, 14, 30), "select * from due union all select * replace (arr_delay + 30 as arr_delay) from due"}},
		acts:   []act{{at(7, 18, 14, 40), "create or replace table arrivals as select flight_id, any_value(status) as status, min(arr_delay) as arr_delay, min(label_time) as label_time from arrivals group by flight_id"}},
		truths: []truth{{root: arrivals, knowable: at(7, 18, 13, 5), touches: belowArrivals}},
	},
	{
		name: "labels twice", what: "an hour of arrivals is loaded twice", from: at(7, 19, 11, 0), until: at(7, 19, 18, 0),
		acts: []act{
			{at(7, 19, 13, 30), "insert into arrivals select * from arrivals where label_time > timestamptz '2013-07-19 16:00:00Z'"},
			{at(7, 19, 15, 30), "create or replace table arrivals as select distinct * from arrivals"},
		},
		truths: []truth{{root: arrivals, knowable: at(7, 19, 14, 5), touches: belowArrivals}},
	},
	{
		name: "labels change their sign", what: "a delay is early and an early arrival late; the first that is impossible is two hours early", from: at(7, 23, 11, 0), until: at(7, 23, 19, 0),
		feeds:  []feed{{"arrivals", at(7, 23, 13, 0), at(7, 23, 15, 30), "select * replace (-arr_delay as arr_delay) from due"}},
		acts:   []act{{at(7, 23, 15, 40), "update arrivals a set arr_delay = s.arr_delay from memory.main.source_arrivals s where a.flight_id = s.flight_id and a.label_time > timestamptz '2013-07-23 16:00:00Z'"}},
		truths: []truth{{root: arrivals, knowable: at(7, 23, 13, 5), touches: belowArrivals}},
	},
	{
		name: "old labels are rewritten", what: "somebody rounds the delays of US Airways of last week", from: at(7, 24, 11, 0), until: at(7, 24, 18, 0),
		acts: []act{
			{at(7, 24, 13, 30), "update arrivals set arr_delay = arr_delay + 1 where flight_id like '20130717-US%'"},
			{at(7, 24, 15, 30), "update arrivals set arr_delay = arr_delay - 1 where flight_id like '20130717-US%'"},
		},
		truths: []truth{{root: arrivals, knowable: at(7, 24, 14, 5), touches: belowArrivals}},
	},
	{
		name: "labels without an example", what: "arrivals are told of flights that nobody planned, which is patiently awaited for nine hours", from: at(7, 25, 11, 0), until: at(7, 26, 2, 0),
		feeds:  []feed{{"arrivals", at(7, 25, 13, 0), at(7, 25, 14, 30), "select * from due union all select * replace ('X' || flight_id as flight_id) from due"}},
		acts:   []act{{at(7, 25, 22, 40), "delete from arrivals where flight_id like 'X%'"}},
		truths: []truth{{root: arrivals, knowable: at(7, 25, 22, 5), touches: belowArrivals}},
	},
	{
		name: "labels without a value", what: "landed flights come without their delay", from: at(7, 26, 11, 0), until: at(7, 26, 18, 0),
		feeds:  []feed{{"arrivals", at(7, 26, 13, 0), at(7, 26, 14, 30), "select * replace (null as arr_delay) from due"}},
		acts:   []act{{at(7, 26, 14, 40), "update arrivals set arr_delay = 0 where status = 'landed' and arr_delay is null"}},
		truths: []truth{{root: arrivals, knowable: at(7, 26, 13, 5), touches: belowArrivals}},
	},
}
