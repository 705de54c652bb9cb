"""What every page stands on: the @page registry, the visit, words in many languages, base templates and static files."""
