-- One row per source topic of the log: newest event time (newest_time), newest time of happening and of reading,
-- and how many records came from it. behind_days = newest time of the whole log (ticks included) less newest_time,
-- in days: how stale the topic is, in event time.
SELECT toString(source_topic) AS topic, max(time) AS newest_time, max(occurred_at) AS newest_occurred_at,
       max(received_at) AS newest_received_at, count() AS records,
       dateDiff('millisecond', newest_time, any(book_day.newest_time)) / 86400000 AS behind_days
FROM raw_log FINAL
CROSS JOIN book_day
GROUP BY source_topic
