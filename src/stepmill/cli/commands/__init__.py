"""The commands, one module per group; each only asks the platform and shows the answer."""
