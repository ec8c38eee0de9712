"""Pure: the two languages of pipelines and state machines, read and checked. No I/O of any kind."""
