"""From the raw tree of an expression to the tree that is evaluated.

Paths are flattened into their steps, filters and groups move to what they belong to, calls in tail position
become thunks, and every parent (``%``) finds the step whose input it stands for.

Source: JSONata's reference implementation 2.0.6.
"""

from __future__ import annotations

from stepmill.language.states.jsonata.errors import ExpressionSyntaxError
from stepmill.language.states.jsonata.grammar import DEEPEST_EXPRESSION, TooDeepError
from stepmill.language.states.jsonata.nodes import Group, Node, Slot, Stage, Term


def resolve_tree(raw: Node) -> Node:
    """Return the tree to evaluate. The raw tree is used up.

    Raises:
        ExpressionSyntaxError: If the parts of the expression cannot stand together.
        TooDeepError: If it is nested deeper than an evaluation may go.
    """
    tree = _Resolver().resolve(raw)
    if tree.kind == "parent" or tree.seeking is not None:
        raise ExpressionSyntaxError("S0217", tree.position, token=tree.kind)
    return tree


class _Resolver:
    def __init__(self) -> None:
        self._parents: list[Node] = []
        self._depth = 0

    def resolve(self, raw: Node) -> Node:
        self._depth += 1
        if self._depth > DEEPEST_EXPRESSION:
            raise TooDeepError
        node = self._resolved(raw)
        if raw.keep_array:
            node.keep_array = True
        self._depth -= 1
        return node

    def _resolved(self, raw: Node) -> Node:
        match raw.kind:
            case "binary":
                return self._binary(raw)
            case "unary":
                return self._unary(raw)
            case "function" | "partial":
                raw.items = [self._within(raw, item) for item in raw.items]
                raw.lhs = self.resolve(_present(raw.lhs))
            case "lambda":
                raw.body = _with_thunks(self.resolve(_present(raw.body)))
            case "condition":
                raw.lhs = self._within(raw, _present(raw.lhs))
                raw.rhs = self._within(raw, _present(raw.rhs))
                raw.third = self._within(raw, raw.third) if raw.third else None
            case "transform":
                raw.lhs = self.resolve(_present(raw.lhs))
                raw.rhs = self.resolve(_present(raw.rhs))
                raw.third = self.resolve(raw.third) if raw.third else None
            case "block":
                raw.items = [self._within(raw, item) for item in raw.items]
                raw.is_constructor = any(
                    item.is_constructor or (item.kind == "path" and item.steps[0].is_constructor)
                    for item in raw.items
                )
            case "name":
                return Node("path", None, raw.position, steps=[raw], keep_singleton_array=raw.keep_array)
            case "parent":
                index = len(self._parents)
                raw.slot = Slot(f"!{index}", 1, index)
                self._parents.append(raw)
            case "operator":
                return self._operator(raw)
            case "string" | "number" | "value" | "wildcard" | "descendant" | "variable" | "regex":
                pass
            case _:
                code = "S0207" if raw.kind == "(end)" else "S0206"
                raise ExpressionSyntaxError(code, raw.position, token=raw.value)
        return raw

    def _operator(self, raw: Node) -> Node:
        if raw.value in ("and", "or", "in"):
            raw.kind = "name"
            return self.resolve(raw)
        if raw.value == "?":
            return raw
        raise ExpressionSyntaxError("S0201", raw.position, token=raw.value)

    def _within(self, outer: Node, raw: Node) -> Node:
        """Return a resolved part; parents that it still seeks are sought by what it is part of."""
        part = self.resolve(raw)
        _push_seeking(outer, part)
        return part

    def _unary(self, raw: Node) -> Node:
        if raw.value == "[":
            raw.items = [self._within(raw, item) for item in raw.items]
        elif raw.value == "{":
            raw.pairs = [(self._within(raw, key), self._within(raw, value)) for key, value in raw.pairs]
        else:
            operand = self.resolve(_present(raw.lhs))
            if operand.kind == "number":
                operand.value = -operand.value
                return operand
            _push_seeking(raw, operand)
            raw.lhs = operand
        return raw

    def _binary(self, raw: Node) -> Node:
        match raw.value:
            case ".":
                return self._path(raw)
            case "[":
                return self._filter(raw)
            case "{":
                node = self.resolve(_present(raw.lhs))
                if node.group is not None:
                    raise ExpressionSyntaxError("S0210", raw.position)
                node.group = Group([(self.resolve(k), self.resolve(v)) for k, v in raw.pairs], raw.position)
                return node
            case "^":
                return self._order(raw)
            case ":=":
                raw.kind = "bind"
                raw.lhs = self.resolve(_present(raw.lhs))
                raw.rhs = self._within(raw, _present(raw.rhs))
                return raw
            case "@":
                return self._focus(raw)
            case "#":
                return self._index(raw)
            case "~>":
                raw.kind = "apply"
                raw.lhs = self.resolve(_present(raw.lhs))
                raw.rhs = self.resolve(_present(raw.rhs))
                raw.keep_array = raw.lhs.keep_array or raw.rhs.keep_array
                return raw
        raw.lhs = self._within(raw, _present(raw.lhs))
        raw.rhs = self._within(raw, _present(raw.rhs))
        return raw

    def _path(self, raw: Node) -> Node:
        left = self.resolve(_present(raw.lhs))
        path = left if left.kind == "path" else Node("path", None, left.position, steps=[left])
        if left.kind == "parent" and left.slot is not None:
            path.seeking = [left.slot]
        rest = self.resolve(_present(raw.rhs))
        if rest.kind == "path":
            path.steps.extend(rest.steps)
        else:
            if rest.predicates is not None:
                rest.stages, rest.predicates = rest.predicates, None
            path.steps.append(rest)
        for step in path.steps:
            if step.kind in ("number", "value"):
                raise ExpressionSyntaxError("S0213", step.position, value=step.value)
            if step.kind == "string":
                step.kind = "name"
        if any(step.keep_array for step in path.steps):
            path.keep_singleton_array = True
        for step in (path.steps[0], path.steps[-1]):
            if step.kind == "unary" and step.value == "[":
                step.is_constructor = True
        self._resolve_seeking(path)
        return path

    def _filter(self, raw: Node) -> Node:
        node = self.resolve(_present(raw.lhs))
        is_path = node.kind == "path"
        step = node.steps[-1] if is_path else node
        if step.group is not None:
            raise ExpressionSyntaxError("S0209", raw.position)
        predicate = self.resolve(_present(raw.rhs))
        for slot in predicate.seeking or ():
            if slot.level == 1:
                self._seek(step, slot)
            else:
                slot.level -= 1
        if predicate.seeking is not None:
            _push_seeking(step, predicate)
        stage = Stage("filter", predicate)
        if is_path:
            step.stages = [*(step.stages or ()), stage]
        else:
            step.predicates = [*(step.predicates or ()), stage]
        return node

    def _order(self, raw: Node) -> Node:
        node = self.resolve(_present(raw.lhs))
        if node.kind != "path":
            node = Node("path", None, node.position, steps=[node])
        step = Node("sort", None, raw.position)
        step.terms = [Term(self._within(step, term.expression), term.is_descending) for term in raw.terms]
        node.steps.append(step)
        self._resolve_seeking(node)
        return node

    def _focus(self, raw: Node) -> Node:
        node = self.resolve(_present(raw.lhs))
        step = node.steps[-1] if node.kind == "path" else node
        if step.stages is not None or step.predicates is not None:
            raise ExpressionSyntaxError("S0215", raw.position)
        if step.kind == "sort":
            raise ExpressionSyntaxError("S0216", raw.position)
        if raw.keep_array:
            step.keep_array = True
        step.focus = _present(raw.rhs).value
        step.is_tuple = True
        return node

    def _index(self, raw: Node) -> Node:
        node = self.resolve(_present(raw.lhs))
        if node.kind == "path":
            step = node.steps[-1]
        else:
            step = node
            node = Node("path", None, step.position, steps=[step])
            if step.predicates is not None:
                step.stages, step.predicates = step.predicates, None
        name = _present(raw.rhs).value
        if step.stages is None:
            step.index = name
        else:
            step.stages.append(Stage("index", value=name))
        step.is_tuple = True
        return node

    def _seek(self, node: Node, slot: Slot) -> Slot:
        """Go up one step in search of a parent's step, and mark it where it is found."""
        if node.kind in ("name", "wildcard"):
            slot.level -= 1
            if slot.level == 0:
                # Two parents that stand for the same step share its label.
                other = self._parents[slot.index].slot
                if node.ancestor is not None and other is not None:
                    other.label = node.ancestor.label
                node.ancestor = slot
                node.is_tuple = True
        elif node.kind == "parent":
            slot.level += 1
        elif node.kind == "block":
            if node.items:
                node.is_tuple = True
                slot = self._seek(node.items[-1], slot)
        elif node.kind == "path":
            node.is_tuple = True
            at = len(node.steps) - 1
            slot = self._seek(node.steps[at], slot)
            while slot.level > 0 and at > 0:
                at -= 1
                slot = self._seek(node.steps[at], slot)
        else:
            raise ExpressionSyntaxError("S0217", node.position, token=node.kind)
        return slot

    def _resolve_seeking(self, path: Node) -> None:
        last = path.steps[-1]
        slots = list(last.seeking or ())
        if last.kind == "parent" and last.slot is not None:
            slots.append(last.slot)
        for sought in slots:
            slot = sought
            at = len(path.steps) - 2
            while slot.level > 0:
                if at < 0:
                    path.seeking = [*(path.seeking or ()), slot]
                    break
                step = path.steps[at]
                at -= 1
                # Steps bound to variables (`@`) share one context: they count once.
                while at >= 0 and step.focus and path.steps[at].focus:
                    step = path.steps[at]
                    at -= 1
                slot = self._seek(step, slot)


def _push_seeking(outer: Node, part: Node) -> None:
    if part.seeking is None and part.kind != "parent":
        return
    slots = list(part.seeking or ())
    if part.kind == "parent" and part.slot is not None:
        slots.append(part.slot)
    outer.seeking = [*(outer.seeking or ()), *slots]


def _with_thunks(node: Node) -> Node:
    """Return the body of a function whose last calls wait until it has been left: they need no depth."""
    if node.kind == "function" and not node.predicates:
        return Node("lambda", None, node.position, body=node, is_thunk=True)
    if node.kind == "condition":
        node.rhs = _with_thunks(_present(node.rhs))
        node.third = _with_thunks(node.third) if node.third else None
    elif node.kind == "block" and node.items:
        node.items[-1] = _with_thunks(node.items[-1])
    return node


def _present(node: Node | None) -> Node:
    if node is None:  # pragma: no cover - the reader always fills it in
        raise ExpressionSyntaxError("S0207", 0)
    return node
