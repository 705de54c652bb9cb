"""The room where risk becomes a warning that somebody answers.

What lives here: scoring, rules, raising, routing, delivery, acknowledging and escalation. What does not:
who reported what (committees) and who responds (coordination). Coordination may import this room;
this room may import committees and foundation.
"""
