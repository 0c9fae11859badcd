-- One row per currency and level: EL = PD x LGD x exposure (domain.md), summed over the customers at the level. exposure
-- (where above 0) = that of the latest decision, in the unit of currency; PD = probability of the latest decision's bad
-- event (paid late) within its horizon, mean_probability its mean weighed by exposure; lgd = parameter of the view, 0 to
-- 1. PD is that of being late, and few of the late are lost: read it as what would be lost if all of them were.
SELECT item.currency AS currency, toString(level) AS level, count() AS customers, sum(item.exposure) AS exposure,
       sum(toFloat64(item.exposure) * probability) / toFloat64(sum(item.exposure)) AS mean_probability,
       sum(toFloat64(item.exposure) * probability * {lgd:Float64}) AS expected_loss
FROM current_levels
ARRAY JOIN exposures AS item
WHERE item.exposure > 0
GROUP BY currency, level
