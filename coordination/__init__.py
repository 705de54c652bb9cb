"""Who acts, across levels, and what is learned: review, responses, feedback, hand-over, API, commands.

This room may import alerts, committees and foundation; nothing below imports it.
"""
