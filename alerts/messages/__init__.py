"""Texts for people, one YAML file per language; both hold the same codes with the same named numbers."""
