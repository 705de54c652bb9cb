"""What the project promises of itself, measured: each number beside its peer, in the same run.

What lives here: programs that measure and print. What does not: tests, which decide. Nothing else imports
this package.
"""
