"""The AWS wire: unmodified AWS clients against this installation. Each folder only translates."""
