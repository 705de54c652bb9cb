"""What every room stands on. Nothing here knows a word of the domain; every other package may import it."""
