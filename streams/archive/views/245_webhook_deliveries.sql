-- One row per attempt to deliver an event to a webhook: outcome delivered, retry (again at next_attempt), dead (given up)
-- or disabled (the subscription was); error says how it failed, empty when it arrived; status NULL = no answer.
SELECT time, subscription_id, customer_id, event_id, event_type, attempt, outcome, status, error, latency_ms,
       parseDateTime64BestEffortOrNull(JSONExtractString(event, 'data', 'next_attempt'), 3, 'UTC') AS next_attempt,
       JSONExtractString(event, 'data', 'response') AS response, severity, sequence, id, event
FROM raw_deliveries FINAL
