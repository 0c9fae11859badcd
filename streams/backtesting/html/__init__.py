"""The report as one page: charts and tables in English and Chinese, readable without a server."""
