"""Who signed a request, and whether what came is what was signed."""
