"""Contract suites: what every implementation of a protocol must do. The tests' names are their docs."""
