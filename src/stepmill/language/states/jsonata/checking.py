"""What can be said of an expression before it is evaluated: whether AWS takes it, and what it reads.

Source: Amazon States Language, "JSONata": ``$`` and unqualified names must not stand at the top level, and
``$$`` nowhere; the codes and texts as users of AWS report them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from stepmill.language.states.jsonata.errors import ExpressionSyntaxError
from stepmill.language.states.jsonata.expression import compile_expression
from stepmill.language.states.jsonata.functions.registry import FUNCTIONS
from stepmill.language.states.jsonata.nodes import Node

INVALID = "INVALID_JSONATA_EXPRESSION"
UNSUPPORTED = "UNSUPPORTED_JSONATA_EXPRESSION"


@dataclass(frozen=True, slots=True)
class ExpressionProblem:
    """Why AWS refuses an expression.

    Args:
        code: ``INVALID_JSONATA_EXPRESSION`` or ``UNSUPPORTED_JSONATA_EXPRESSION``.
        message: As AWS words it.
        position: Index into the expression's text, in characters.
    """

    code: str
    message: str
    position: int


@dataclass(frozen=True, slots=True)
class References:
    """What an expression reads.

    Args:
        states: Ways into ``$states``, as far as they are names: ``("input", "order")``; ``()`` for all of it.
        variables: Names, without the dollar sign, that the expression does not set itself.
        functions: Names of JSONata's functions and AWS's.
    """

    states: frozenset[tuple[str, ...]]
    variables: frozenset[str]
    functions: frozenset[str] = frozenset()

    @property
    def members(self) -> frozenset[str]:
        """The members of ``$states`` that are named: ``input``, ``result``, ``errorOutput``, ``context``."""
        return frozenset(way[0] for way in self.states if way)


def check_expression(
    text: str, *, has_result: bool = True, has_error_output: bool = True
) -> ExpressionProblem | None:
    """Return why AWS refuses an expression, or None if it does not.

    Args:
        text: The expression, without ``{%`` and ``%}``.
        has_result: Whether its field may read ``$states.result``: ``Output`` and ``Assign`` of a Task,
            Parallel or Map may.
        has_error_output: Whether it may read ``$states.errorOutput``: those of a catcher may.

    Example:
        >>> check_expression("1 +").message
        'Unexpected end of expression'
        >>> check_expression("phone").message
        "Reference to 'phone' at the top level is not supported."
    """
    try:
        tree = compile_expression(text).tree
    except ExpressionSyntaxError as error:
        return ExpressionProblem(INVALID, error.message, error.position)
    if tree is None:
        return None
    for node in _all_nodes(tree):
        if node.kind == "variable" and node.value == "$":
            return ExpressionProblem(UNSUPPORTED, "Reference to '$$' is not supported.", node.position)
    members = {"input", "context", *["result"] * has_result, *["errorOutput"] * has_error_output}
    for node in _all_nodes(tree):
        way = _way(node) if _is_of_states(node) else ()
        if way and way[0] not in members:
            return ExpressionProblem(UNSUPPORTED, f"Field '$states.{way[0]}' does not exist.", node.position)
    for node in _at_top(tree):
        name = "$" if node.kind == "variable" else str(node.value)
        message = f"Reference to '{name}' at the top level is not supported."
        return ExpressionProblem(UNSUPPORTED, message, node.position)
    return None


def references_of(text: str) -> References:
    """Return what an expression reads.

    Args:
        text: The expression, without ``{%`` and ``%}``.

    Raises:
        ExpressionSyntaxError: If it is not JSONata.

    Example:
        >>> references_of("$states.input.total + $tax").states
        frozenset({('input', 'total')})
    """
    tree = compile_expression(text).tree
    if tree is None:
        return References(frozenset(), frozenset())
    own: set[str] = set()
    read: set[str] = set()
    ways: set[tuple[str, ...]] = set()
    starts: set[int] = set()
    for node in _all_nodes(tree):
        own.update(node.parameters)
        own.update(name for name in (node.focus, node.index) if name)
        if node.kind == "bind" and node.lhs is not None:
            own.add(str(node.lhs.value))
            starts.add(id(node.lhs))
        elif _is_of_states(node):
            ways.add(_way(node))
            starts.add(id(node.steps[0]))
        elif node.kind == "variable" and id(node) not in starts and node.value not in ("", "$"):
            if node.value == "states":
                ways.add(())
            else:
                read.add(str(node.value))
    read -= own
    return References(frozenset(ways), frozenset(read - FUNCTIONS.keys()), frozenset(read & FUNCTIONS.keys()))


def _is_of_states(node: Node) -> bool:
    return node.kind == "path" and node.steps[0].kind == "variable" and node.steps[0].value == "states"


def _way(path: Node) -> tuple[str, ...]:
    names = []
    first = path.steps[0]
    if first.predicates or first.stages or first.group:
        return ()
    for step in path.steps[1:]:
        if step.kind != "name":
            break
        names.append(str(step.value))
        if step.stages or step.focus or step.index:
            break
    return tuple(names)


def _parts(node: Node) -> Iterator[Node]:
    """Yield the nodes that a node is made of, its own paths first."""
    yield from (part for part in (node.lhs, node.rhs, node.third, node.body) if part is not None)
    yield from node.items
    yield from node.steps
    for key, value in node.pairs:
        yield key
        yield value
    yield from _shifted(node)


def _shifted(node: Node) -> Iterator[Node]:
    """Yield the parts of a node that are evaluated for what the node finds, not where it stands."""
    yield from (
        stage.expression for stage in (*(node.predicates or ()), *(node.stages or ())) if stage.expression
    )
    yield from (term.expression for term in node.terms)
    for key, value in node.group.pairs if node.group else ():
        yield key
        yield value


def _all_nodes(tree: Node) -> Iterator[Node]:
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(_parts(node))


def _at_top(node: Node) -> Iterator[Node]:
    """Yield the names, and ``$``, that are looked up in the expression's own context: there is none."""
    if node.kind == "path":
        yield from _at_top(node.steps[0])
    elif node.kind == "name" or (node.kind == "variable" and node.value == ""):
        yield node
    elif node.kind == "lambda":
        # A function keeps the context in which it is defined. Its items are its parameters.
        yield from _at_top(node.body) if node.body else ()
    elif node.kind != "transform":
        # A transform has the context of what it is given.
        values = (each for pair in node.pairs for each in pair)
        for part in (node.lhs, node.rhs, node.third, *node.items, *values):
            if part is not None:
                yield from _at_top(part)
