"""A mailbox for everybody: an SMTP server that keeps each mail in memory, and a page that shows them. For ./dev/demo."""
