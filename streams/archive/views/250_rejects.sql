-- One row per record of the archived topics that could not be archived as what its contract says, with its raw
-- bytes in base64 (NULL = the record had none).
SELECT topic, partition, offset, reason_code, message, record_time, base64Encode(key) AS key_base64,
       base64Encode(value) AS value_base64
FROM archive_rejects FINAL
