"""Tests of where events come from."""
