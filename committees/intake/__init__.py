"""How a report comes in: the SMS reader, the web form, the note of a walk-in and the import of tables.

Everything here ends in one way of recording a report; nothing here grades, scores or alerts. The SMS reader
(grammar, and the small modules it stands on) is pure: it reads text and knows neither database nor clock.
Pages, hooks and jobs of any room above may import from here.
"""
