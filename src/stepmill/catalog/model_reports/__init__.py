"""What evaluation said of model packages: reports read, compared, and drawn."""
