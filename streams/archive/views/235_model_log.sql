-- One row per note on a model: task A (late, foretold at issue) or B (open for long, on the first day past due), each
-- partition's model by itself; or on the partition's book (task book): kind payments_stale, statistic = hours without a
-- payment, threshold = hours allowed, and payments_back. kind calibration_drift: errors summed beyond the threshold; score_drift: population
-- stability index of the scores; quality: once a month, statistic its log-loss, threshold the naive rate's, with more in
-- figures (JSON); challenger_ahead, promoted, restored, refused: model is the challenger or checkpoint, text says more.
-- mean_probability and rate are those of the outcomes looked at.
SELECT time, partition, task, kind, statistic, threshold, outcomes, mean_probability, rate, model_version,
       JSONExtractString(event, 'data', 'model') AS model, JSONExtractString(event, 'data', 'text') AS text,
       JSONExtractRaw(event, 'data', 'figures') AS figures,
       policy_version, severity, sequence, recorded_time, id, event
FROM raw_model_log FINAL
