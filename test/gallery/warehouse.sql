-- What happened in 2013, from which the loaders read; it stays in memory and is
-- never watched. Made once, from the example's files.

create table source_flights as
select strftime(make_date(year, month, day), '%Y%m%d') || '-' || carrier || flight || '-' || origin || '-' || sched_dep_time as flight_id,
    make_date(year, month, day) as dep_day, time_hour, carrier, flight, tailnum, origin, dest, distance, hour,
    time_hour + to_minutes(minute) as sched_dep_at, time_hour + to_minutes(minute) + to_minutes(dep_delay) as dep_at, dep_time, arr_time, arr_delay
from 'data/flights.parquet' order by time_hour;

create table source_weather as select origin, time_hour, temp, wind_speed, visib, precip from 'data/weather.parquet' order by time_hour;
create table source_airports as select * from 'data/airports.parquet';
create table source_airlines as select * from 'data/airlines.parquet';
create table source_planes as select * from 'data/planes.parquet';

-- arr_time is the destination's clock without a date: the arrival is the first
-- instant after the departure at which that clock shows it. A cancelled flight is
-- reported an hour after its time, one that went elsewhere after twelve.
create table source_arrivals as
with flown as (
    select f.*, coalesce(a.tzone, 'America/Puerto_Rico') as tz, timezone(coalesce(a.tzone, 'America/Puerto_Rico'), f.dep_at) as dep_clock
    from source_flights f left join source_airports a on a.faa = f.dest
), clocked as (
    select *, date_trunc('day', dep_clock) + to_minutes(arr_time // 100 * 60 + arr_time % 100) as arr_clock from flown
)
select flight_id,
    case when arr_delay is not null then 'landed' when dep_time is null then 'cancelled' else 'diverted' end as status,
    arr_delay,
    case when arr_delay is not null then timezone(tz, case when arr_clock < dep_clock then arr_clock + interval 1 day else arr_clock end)
        when dep_time is null then sched_dep_at + interval 1 hour else sched_dep_at + interval 12 hour end as label_time
from clocked order by label_time;
