"""Search of a space of choices by asking and telling."""
