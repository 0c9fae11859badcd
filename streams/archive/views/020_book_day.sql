-- One row: the day up to which the book is known = UTC day of the newest time in the log, ticks included.
-- Every "as of" in the other views is this day, never the clock of the database.
SELECT toDate(max(time)) AS as_of, max(time) AS newest_time, toBool(count() > 0) AS has_events
FROM raw_log
