"""Who, where, what was reported and what was planned: places, people, intake, reports, meetings, plans.

Nothing here decides how dangerous a place is or whom to warn: that is the alerts room, which imports this one.
This package may import foundation only.
"""
