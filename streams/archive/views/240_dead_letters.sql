-- One row per record that the gate could not accept: where it stood (source_*), why, and its raw bytes in base64.
-- record_time = timestamp of the refused record; time = event time, recorded_time = when the gate read it.
SELECT id, time, recorded_time, source_topic, source_partition, source_offset, reason_code, message, field,
       key_base64, value_base64, record_time
FROM raw_dead_letters FINAL
