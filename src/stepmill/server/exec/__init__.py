"""``stepmill exec``: a program whose calls to AWS arrive here, whatever addresses it has hard-coded."""
