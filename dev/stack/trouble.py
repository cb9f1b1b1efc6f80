class Trouble(Exception):
    """Something that the person at the terminal has to mend: one line that says what, and the remedy."""
