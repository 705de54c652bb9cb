"""Simplified outlines of real areas, one JSON file per country, as data only; ../SOURCES.md names each source and licence."""
