"""Pure: the Amazon States Language. Reads, checks and explains state machines."""
