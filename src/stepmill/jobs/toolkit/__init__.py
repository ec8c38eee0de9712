"""Programs that run beside or inside jobs. Each needs nothing but Python itself.

``train.py`` is shown to training jobs read-only and run by their own interpreter, 3.8 or newer,
where Stepmill need not be installed; so is ``serve.py``, with the package ``stepmill_serving`` beside it, to
whatever serves a model. ``scan_metrics.py`` reads a log in a process of its own, because a hostile regular
expression can only be interrupted there.
"""
