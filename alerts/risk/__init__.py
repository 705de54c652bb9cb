"""How dangerous the coming 28 days are, decided purely: (facts, now) in, a number with its reasons out.

What lives here: the score, its levels, surge probability, calibration, conditions, rules and the replay of
history. What does not: sessions, clocks, pages, messages. Anything in alerts or coordination may import it.
"""
