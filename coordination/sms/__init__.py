"""What an SMS from a phone does. writer: who wrote; talk: one message being answered; the rest: one file
per kind of command.
"""
