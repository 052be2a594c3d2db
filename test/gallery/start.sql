-- The warehouse as it is when a replay begins: {now} is the hour, {start} fifty
-- days before, {today} the day in New York.

create table airports as select * from memory.main.source_airports;
create table airlines as select * from memory.main.source_airlines;
create table planes as select * from memory.main.source_planes;
create table weather as select * from memory.main.source_weather where time_hour >= {start} and time_hour < {now};
create table flights as
select flight_id, dep_day, time_hour, carrier, flight, tailnum, origin, dest, distance, hour
from memory.main.source_flights where time_hour >= {start} and time_hour < {now};
create table arrivals as
select a.* from memory.main.source_arrivals a semi join flights f using (flight_id) where a.label_time <= {now} - interval 1 hour;

create table features (flight_id varchar, dep_day date, time_hour timestamptz, carrier varchar, origin varchar, dest varchar,
    distance integer, hour integer, temp double, wind_speed double, visib double, seats integer);
create table training_set (flight_id varchar, dep_day date, carrier varchar, origin varchar, dest varchar,
    distance integer, hour integer, temp double, wind_speed double, visib double, seats integer, arr_delay integer);
create table carrier_daily (dep_day date, carrier varchar, flights bigint);
create table punctuality (dep_day date, carrier varchar, on_time double);
create table etl_runs (job varchar, run_id varchar, started_at timestamptz, ended_at timestamptz, state varchar);
