"""What goes wrong in a check."""

from __future__ import annotations


class CustomerError(Exception):
    """The data, a baseline or a setting cannot be taken: whoever asked for the check can mend it."""
