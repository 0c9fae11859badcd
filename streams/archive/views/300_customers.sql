-- One row per customer of the log: first and newest event time, number of events, and the master data known last
-- ('' = never told).
SELECT customer_id, min(time) AS first_seen, max(time) AS last_seen, count() AS events,
       argMaxIf(event, log_offset, type = 'assessment.master_data') AS master,
       JSONExtractString(master, 'name') AS name,
       JSONExtractString(master, 'segment') AS segment,
       JSONExtractString(master, 'sector') AS sector,
       JSONExtractString(master, 'region') AS region,
       JSONExtractString(master, 'group_parent') AS group_parent,
       JSONExtractString(master, 'owner') AS owner
FROM events
GROUP BY customer_id
