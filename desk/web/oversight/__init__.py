"""Parts of the pages on models, policies and data."""
