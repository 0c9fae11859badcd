-- One row per decision and per person's action, in the order of the log of each partition: kind decision or action, by =
-- engine or who acted, time = event time, policy and model that decided; record holds all of it (JSON): the event that
-- caused it, the decision with reasons and numbers. customer_id is empty for what concerns everybody. hash covers the
-- record and the hash of the row before (previous_hash); `creditpulse audit verify` checks them.
SELECT partition, sequence, time, recorded_time, kind, type, customer_id, by, id, policy_version, model_version,
       log_offset, entry_index, previous_hash, hash, leaf, record
FROM audit_entries FINAL
