"""The composition root: the one place where settings become stores, handlers and an engine.

Doors (the terminal, the wire; later the page) hold a ``Platform`` and ask it; nothing here knows who asks.
What only looks starts neither an engine nor a job's surroundings. The parts, each built on those before it:
``lookup`` (which settings hold), ``base`` (what is kept), ``work`` (who does what), ``driving`` (the engine),
``hearing`` (who hears of events), ``platform`` (what can be asked).

A part is loaded when it is made, which is why imports stand in its maker: a command that lists objects waits
neither for languages nor for jobs.
"""

from stepmill.platform.lookup import HOME_VARIABLE, load_settings
from stepmill.platform.platform import Platform, StartOptions

__all__ = ["HOME_VARIABLE", "Platform", "StartOptions", "load_settings"]
