-- One row per task, partition and month: how well the model foretold, on the outcomes that became certain in that month
-- (delayed labels). task A: late, foretold at issue; B: open for long, foretold on the first day past due. n outcomes;
-- auc and ks as exact as 20 bins, log_loss and brier beside those of the naive rate, mean_probability beside rate; psi =
-- population stability index of the scores against the model's second thousand (NULL: not enough yet). month = day of the
-- note, the first of the next month. calibration = (from, to, n, bad, mean probability) of each bin with outcomes.
WITH
[0.0, 0.005, 0.01, 0.015, 0.02, 0.03, 0.04, 0.05, 0.07, 0.09, 0.11, 0.14, 0.17, 0.22, 0.27, 0.35, 0.42, 0.52, 0.62, 0.8, 1.0]
    AS edges,
notes AS
(
    SELECT *, JSONExtract(figures, 'Map(String, Float64)') AS found,
           arrayFilter(b -> mapContains(found, b.2 || '_n'),
                       arrayMap(b -> (b, 'bin_' || leftPad(toString(b), 2, '0')), range(20))) AS bins
    FROM model_log
    WHERE kind = 'quality'
)
SELECT task, partition, toDate(time) AS month, splitByChar('@', toString(model_version))[1] AS model,
       toString(model_version) AS model_version, toString(policy_version) AS policy_version, outcomes AS n,
       if(mapContains(found, 'auc'), found['auc'], NULL) AS auc, if(mapContains(found, 'ks'), found['ks'], NULL) AS ks,
       statistic AS log_loss, threshold AS naive_log_loss, found['brier'] AS brier, found['naive_brier'] AS naive_brier,
       mean_probability, rate, if(mapContains(found, 'psi'), found['psi'], NULL) AS psi,
       arrayMap(b -> CAST((edges[b.1 + 1], edges[b.1 + 2], toUInt64(found[b.2 || '_n']), toUInt64(found[b.2 || '_bad']),
                           found[b.2 || '_probability']),
                          'Tuple(from Float64, to Float64, n UInt64, bad UInt64, probability Float64)'),
                bins) AS calibration
FROM notes
