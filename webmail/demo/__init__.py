"""The demo's mail server: a mailbox of believable recruiting mail, whose people answer. Never part of production."""
