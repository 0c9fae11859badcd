"""The archive: everything in and out, in ClickHouse, with views for people and BI tools. It decides nothing."""
