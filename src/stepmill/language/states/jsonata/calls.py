"""Calls: functions that expressions define, that this package provides, partial application and chains.

A call in tail position comes back as a thunk, and is made here in a loop: such a recursion needs no depth.

Source: the JSONata documentation, "Functional programming"; its reference implementation 2.0.6.
"""

from __future__ import annotations

from stepmill.language.states.jsonata.errors import QueryError
from stepmill.language.states.jsonata.running import Frame, Run
from stepmill.language.states.jsonata.values import UNDEFINED, Builtin, Function, Lambda, Value


class Partial(Function):
    """A function with some of its arguments given. The others are left open, as ``UNDEFINED`` in ``open``."""

    __slots__ = ("arity", "function", "given", "open")

    def __init__(self, function: Function, given: list[Value], open_places: list[int]) -> None:
        self.function = function
        self.given = given
        self.open = open_places
        self.arity = len(open_places)

    def filled(self, arguments: list[Value]) -> list[Value]:
        """Return all arguments, with the open ones filled in."""
        whole = list(self.given)
        for place, argument in zip(self.open, arguments, strict=False):
            whole[place] = argument
        return whole


class Chain(Function):
    """Two functions, one behind the other: ``$first ~> $second``."""

    __slots__ = ("arity", "first", "second")

    def __init__(self, first: Function, second: Function) -> None:
        self.first = first
        self.second = second
        self.arity = 1


def call(function: Value, arguments: list[Value], context: Value, run: Run) -> Value:
    """Return what a function gives for its arguments.

    Args:
        function: What is called.
        arguments: As they were given.
        run: The evaluation that calls.
        context: What stands for an argument that is left out, where the function's signature allows that.

    Raises:
        QueryError: T1006, if it is no function; what the function raises.
    """
    result = _call_once(function, arguments, context, run)
    while isinstance(result, Lambda) and result.is_thunk:
        run.spend(1)
        procedure, argument_list, name = result.body
        following = procedure(result.input, result.frame)
        evaluated = [argument(result.input, result.frame) for argument in argument_list]
        result = _named(name, following, evaluated, context, run)
    return result


def _named(name: str | None, function: Value, arguments: list[Value], context: Value, run: Run) -> Value:
    try:
        return _call_once(function, arguments, context, run)
    except QueryError as error:
        error.token = error.token or name
        raise


def _call_once(function: Value, arguments: list[Value], context: Value, run: Run) -> Value:
    if isinstance(function, Builtin):
        return _call_builtin(function, arguments, context, run)
    if isinstance(function, Lambda):
        if function.signature is not None:
            arguments = function.signature.fit(arguments, context)
        names = function.parameters
        missing = len(names) - len(arguments)
        if missing > 0:
            arguments = [*arguments, *[UNDEFINED] * missing]
        scope = Frame(function.frame, run, dict(zip(names, arguments, strict=False)))
        return function.body(function.input, scope)
    if isinstance(function, Partial):
        inner = function.function
        whole = function.filled(arguments)
        if isinstance(inner, Builtin):
            # Given one by one, the arguments are taken as they are.
            return inner.call(run, *(_padded(whole, inner.takes) if inner.takes >= 0 else whole))
        return call(inner, whole, context, run)
    if isinstance(function, Chain):
        return call(function.second, [call(function.first, arguments, UNDEFINED, run)], UNDEFINED, run)
    if isinstance(function, Function):
        return _call_other(function, arguments, run)
    raise QueryError("T1006")


def _call_builtin(function: Builtin, arguments: list[Value], context: Value, run: Run) -> Value:
    try:
        if function.signature is not None:
            arguments = function.signature.fit(arguments, context)
        if function.takes >= 0:
            arguments = _padded(arguments, function.takes)
        return function.call(run, *arguments)
    except QueryError as error:
        error.token = error.token or function.name
        raise


def _padded(arguments: list[Value], count: int) -> list[Value]:
    return arguments[:count] + [UNDEFINED] * (count - len(arguments))


def _call_other(function: Function, arguments: list[Value], run: Run) -> Value:
    """Call a regular expression, or a function that one made."""
    called = getattr(function, "called", None)
    if called is None:  # pragma: no cover - every other function has it
        raise QueryError("T1006")
    return called(arguments, run)


def call_with_place(function: Function, item: Value, place: Value, whole: Value, run: Run) -> Value:
    """Call the function of a higher-order function with as many of the three as it takes."""
    arguments = [item]
    if function.arity >= 2:
        arguments.append(place)
    if function.arity >= 3:
        arguments.append(whole)
    return call(function, arguments, UNDEFINED, run)
