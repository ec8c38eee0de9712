from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from stepmill.compute.supervision.order import Bind, Order, SandboxPlan, read_order, write_order

texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)
binds = st.builds(Bind, texts, texts, st.booleans(), st.booleans(), st.booleans(), st.booleans())
plans = st.builds(
    SandboxPlan,
    root=texts,
    binds=st.lists(binds, max_size=3).map(tuple),
    links=st.lists(st.tuples(texts, texts), max_size=2).map(tuple),
    folders=st.lists(st.tuples(texts, st.integers(0, 0o1777)), max_size=2).map(tuple),
    files=st.lists(st.tuples(texts, st.integers(0, 0o777), texts), max_size=2).map(tuple),
    network=st.booleans(),
    new_user=st.booleans(),
)
orders = st.builds(
    Order,
    job_id=texts,
    argv=st.lists(texts, max_size=3).map(tuple),
    environment=st.dictionaries(texts, texts, max_size=3),
    directory=texts,
    isolation=texts,
    plan=st.none() | plans,
    namespaces=st.booleans(),
    script=st.booleans(),
    program_depth=st.integers(0, 3),
    container=st.lists(texts, max_size=2).map(tuple),
    notes=st.lists(texts, max_size=2).map(tuple),
    timeout_seconds=st.floats(0, 1e9),
    memory_bytes=st.integers(0, 2**60),
    preamble=texts,
)


@given(orders)
def test_an_order_is_read_as_it_was_written(order: Order) -> None:
    assert read_order(write_order(order)) == order


def test_names_that_are_not_unicode_survive() -> None:
    order = Order("j", ("/data/\udcff",), {"A": "\udc80"}, "/", "none")
    assert read_order(write_order(order)) == order


def test_a_source_within_the_root_begins_there() -> None:
    plan = SandboxPlan("/roots/1")
    assert plan.source(Bind("/var/empty", "/etc/ssh", in_root=True)) == "/roots/1/var/empty"
    assert plan.source(Bind("/usr", "/usr")) == "/usr"
