-- One row per note that a model has drifted: task A (late, foretold at issue) or B (open for long, on the first day past
-- due), each partition's model by itself. kind calibration_drift: errors summed beyond the threshold; score_drift:
-- population stability index of the scores. mean_probability and rate are those of the recent outcomes.
SELECT time, partition, task, kind, statistic, threshold, outcomes, mean_probability, rate, model_version,
       policy_version, severity, sequence, recorded_time, id, event
FROM raw_model_log FINAL
