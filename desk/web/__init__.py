"""The risk desk: live pages for a credit team, in the same process as the REST API."""
