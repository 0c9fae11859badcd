"""Texts of the pages."""
