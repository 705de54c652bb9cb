"""Simplified outlines of real areas, one JSON file per country; ../SOURCES.md names sources and licences."""
