"""Who acts, across levels, and what is learned: review, responses, feedback, sharing, hand-over, the public page, the API and the commands.

This room may import alerts, committees and foundation; nothing below imports it.
"""
