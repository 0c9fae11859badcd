"""The commands of ``creditpulse``, one file each."""
