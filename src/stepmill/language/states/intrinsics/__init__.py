"""Intrinsic functions of JSONPath states: ``States.Format('{}', $.name)`` and its kin.

What to call::

    Intrinsic.of(text)            # compiled once, cached by text; IntrinsicSyntaxError
        .call(scope)              # a ``Scope``, see ``evaluation``; EvaluationError
        .fields                   # the paths in it
    is_intrinsic(text)            # whether a field's text is meant as a call rather than as a path
"""

from stepmill.language.states.intrinsics.calling import Intrinsic
from stepmill.language.states.intrinsics.syntax import IntrinsicSyntaxError

__all__ = ["Intrinsic", "IntrinsicSyntaxError", "is_intrinsic"]


def is_intrinsic(text: str) -> bool:
    """Return whether a text is meant as a call: it does not start with ``$``.

    Example:
        >>> is_intrinsic("States.UUID()"), is_intrinsic("$.a")
        (True, False)
    """
    return not text.lstrip().startswith("$")
