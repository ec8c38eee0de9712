"""From an expression's tokens to its raw tree: a top-down operator-precedence reader.

Source: the grammar of JSONata's reference implementation 2.0.6; V. Pratt, "Top down operator precedence"
(1973).
"""

from __future__ import annotations

from collections.abc import Callable

from stepmill.language.states.jsonata.errors import ExpressionSyntaxError
from stepmill.language.states.jsonata.nodes import Node, Term
from stepmill.language.states.jsonata.signatures import Signature
from stepmill.language.states.jsonata.tokens import BINDING_POWERS, Tokens

# Deeper than evaluation may go (100), and well within Python's own stack.
DEEPEST_EXPRESSION = 120

_INFIX = frozenset(
    [
        ".",
        "+",
        "-",
        "*",
        "/",
        "%",
        "=",
        "<",
        ">",
        "!=",
        "<=",
        ">=",
        "&",
        "and",
        "or",
        "in",
        "~>",
        "(",
        "[",
        "^",
        "{",
        ":=",
        "@",
        "#",
        "?",
    ]
)
_KNOWN = _INFIX | {":", ";", ",", ")", "]", "}", "..", "|", "**"}
_LEAVES = {"*": "wildcard", "**": "descendant", "%": "parent"}


class TooDeepError(Exception):
    """The expression is nested deeper than any evaluation may go."""


def read_tree(text: str) -> Node:
    """Return the raw tree of an expression.

    Raises:
        ExpressionSyntaxError: If it is not JSONata.
        TooDeepError: If it nests deeper than ``DEEPEST_EXPRESSION``.
    """
    return _Reader(text).read()


class _Reader:
    def __init__(self, text: str) -> None:
        self._tokens = Tokens(text)
        self._length = len(text)
        self._depth = 0
        self._id = ""
        self._node = Node("")
        self._led: dict[str, Callable[[Node, Node], Node]] = {
            "(": self._call,
            "[": self._filter,
            "^": self._order,
            "{": self._grouping,
            ":=": self._bind,
            "@": self._variable_binding,
            "#": self._variable_binding,
            "?": self._condition,
        }

    def read(self) -> Node:
        self._advance()
        tree = self._expression(0)
        if self._id != "(end)":
            raise ExpressionSyntaxError("S0201", self._node.position, token=self._node.value)
        return tree

    def _advance(self, wanted: str = "", *, after_operand: bool = False) -> None:
        if wanted and self._id != wanted:
            code = "S0203" if self._id == "(end)" else "S0202"
            token = _token_text(self._node)
            raise ExpressionSyntaxError(code, self._node.position, token=token, value=wanted)
        token_read = self._tokens.next(after_operand=after_operand)
        if token_read is None:
            self._id, self._node = "(end)", Node("(end)", "(end)", self._length)
            return
        kind, value = token_read.kind, token_read.value
        if kind == "operator":
            if value not in _KNOWN:
                raise ExpressionSyntaxError("S0204", token_read.position, token=value)
            self._id = value
        else:
            self._id = f"({kind})"
        self._node = Node(kind, value, token_read.position)

    def _power(self) -> int:
        return BINDING_POWERS[self._id] if self._id in _INFIX else 0

    def _expression(self, power: int) -> Node:
        self._depth += 1
        if self._depth > DEEPEST_EXPRESSION:
            raise TooDeepError
        kind, node = self._id, self._node
        self._advance(after_operand=True)
        left = self._operand(kind, node)
        while power < self._power():
            kind, node = self._id, self._node
            self._advance()
            left = self._led.get(kind, self._binary)(node, left)
        self._depth -= 1
        return left

    def _operand(self, kind: str, node: Node) -> Node:
        if (kind.startswith("(") and len(kind) > 1) or kind in ("and", "or", "in"):
            return node
        if kind in _LEAVES:
            node.kind = _LEAVES[kind]
            return node
        if kind == "-":
            node.kind = "unary"
            node.lhs = self._expression(70)
            return node
        if kind == "(":
            return self._block(node)
        if kind == "[":
            return self._array(node)
        if kind == "{":
            node.kind = "unary"
            node.pairs = self._pairs()
            return node
        if kind == "|":
            return self._transform(node)
        raise ExpressionSyntaxError("S0211", node.position, token=node.value)

    def _binary(self, node: Node, left: Node) -> Node:
        node.kind = "binary"
        node.lhs = left
        node.rhs = self._expression(BINDING_POWERS[node.value])
        return node

    def _block(self, node: Node) -> Node:
        node.kind = "block"
        while self._id != ")":
            node.items.append(self._expression(0))
            if self._id != ";":
                break
            self._advance(";")
        self._advance(")", after_operand=True)
        return node

    def _array(self, node: Node) -> Node:
        node.kind = "unary"
        while self._id != "]":
            item = self._expression(0)
            if self._id == "..":
                span = Node("binary", "..", self._node.position, lhs=item)
                self._advance("..")
                span.rhs = self._expression(0)
                item = span
            node.items.append(item)
            if self._id != ",":
                break
            self._advance(",")
            if self._id == "]":
                # A comma wants another item.
                node.items.append(self._expression(0))
        self._advance("]", after_operand=True)
        return node

    def _pairs(self) -> list[tuple[Node, Node]]:
        pairs: list[tuple[Node, Node]] = []
        if self._id != "}":
            while True:
                key = self._expression(0)
                self._advance(":")
                pairs.append((key, self._expression(0)))
                if self._id != ",":
                    break
                self._advance(",")
        self._advance("}", after_operand=True)
        return pairs

    def _transform(self, node: Node) -> Node:
        node.kind = "transform"
        node.lhs = self._expression(0)
        self._advance("|")
        node.rhs = self._expression(0)
        if self._id == ",":
            self._advance(",")
            node.third = self._expression(0)
        self._advance("|")
        return node

    def _call(self, node: Node, left: Node) -> Node:
        node.kind = "function"
        node.lhs = left
        if self._id != ")":
            while True:
                if self._id == "?":
                    node.kind = "partial"
                    node.items.append(self._node)
                    self._advance("?")
                else:
                    node.items.append(self._expression(0))
                if self._id != ",":
                    break
                self._advance(",")
        self._advance(")", after_operand=True)
        if left.kind == "name" and left.value in ("function", "λ"):
            self._definition(node)
        return node

    def _definition(self, node: Node) -> None:
        for place, parameter in enumerate(node.items):
            if parameter.kind != "variable":
                raise ExpressionSyntaxError(
                    "S0208", parameter.position, token=_token_text(parameter), value=place + 1
                )
        node.kind = "lambda"
        node.parameters = tuple(parameter.value for parameter in node.items)
        if self._id == "<":
            node.signature = self._signature()
        self._advance("{")
        node.body = self._expression(0)
        self._advance("}")

    def _signature(self) -> Signature:
        start, depth, text = self._node.position, 1, "<"
        while depth > 0 and self._id not in ("{", "(end)"):
            self._advance()
            depth += (self._id == "<") - (self._id == ">")
            text += str(self._node.value)
        self._advance(">")
        try:
            return Signature.of(text)
        except ExpressionSyntaxError as error:
            error.position += start
            raise

    def _filter(self, node: Node, left: Node) -> Node:
        if self._id == "]":
            # An empty predicate keeps a single item in its array.
            step = left
            while step.kind == "binary" and step.value == "[" and step.lhs is not None:
                step = step.lhs
            step.keep_array = True
            self._advance("]")
            return left
        node.kind = "binary"
        node.lhs = left
        node.rhs = self._expression(0)
        self._advance("]", after_operand=True)
        return node

    def _order(self, node: Node, left: Node) -> Node:
        self._advance("(")
        while True:
            is_descending = self._id == ">"
            if self._id in ("<", ">"):
                self._advance(self._id)
            node.terms.append(Term(self._expression(0), is_descending))
            if self._id != ",":
                break
            self._advance(",")
        self._advance(")")
        node.kind = "binary"
        node.lhs = left
        return node

    def _grouping(self, node: Node, left: Node) -> Node:
        node.kind = "binary"
        node.lhs = left
        node.pairs = self._pairs()
        return node

    def _bind(self, node: Node, left: Node) -> Node:
        if left.kind != "variable":
            raise ExpressionSyntaxError("S0212", left.position, token=_token_text(left))
        node.kind = "binary"
        node.lhs = left
        node.rhs = self._expression(BINDING_POWERS[":="] - 1)
        return node

    def _variable_binding(self, node: Node, left: Node) -> Node:
        node.kind = "binary"
        node.lhs = left
        node.rhs = self._expression(BINDING_POWERS[node.value])
        if node.rhs.kind != "variable":
            raise ExpressionSyntaxError("S0214", node.rhs.position, token=node.value)
        return node

    def _condition(self, node: Node, left: Node) -> Node:
        node.kind = "condition"
        node.lhs = left
        node.rhs = self._expression(0)
        if self._id == ":":
            self._advance(":")
            node.third = self._expression(0)
        return node


def _token_text(node: Node) -> object:
    return f"/{node.value.source}/" if node.kind == "regex" else node.value
