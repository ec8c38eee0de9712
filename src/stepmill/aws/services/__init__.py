"""The services: each translates the parsed parameters of a call to the platform, and its answers back."""
