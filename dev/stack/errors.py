class ToolError(Exception):
    """A problem that the developer can fix: one line that says what is wrong and what to do."""
