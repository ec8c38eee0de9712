"""A message as it was published, and whether a subscription wants it. Pure.

Source: SNS developer guide, "Amazon SNS subscription filter policies" and "Amazon SNS message attributes".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from stepmill.catalog.topic_attributes import BY_BODY, SCOPE, filter_of
from stepmill.catalog.topic_records import Subscription
from stepmill.core.errors import InvalidInputError
from stepmill.core.json import Json, JsonObject, read_json
from stepmill.language.event_patterns.pattern import Pattern

DEFAULT = "default"


@dataclass(frozen=True)
class Message:
    """A message that was published.

    Args:
        id: Unique.
        topic_arn: Where.
        texts: Protocol -> what is told by it; ``default`` for all others.
        at: When. Aware.
        subject: May be empty.
        attributes: Name -> ``DataType`` with ``StringValue`` or, in base64, ``BinaryValue``.
        group: Of queues that are fair to groups; may be empty.
    """

    id: str
    topic_arn: str
    texts: Mapping[str, str]
    at: datetime
    subject: str = ""
    attributes: JsonObject = field(default_factory=dict)
    group: str = ""

    def text_for(self, protocol: str) -> str:
        """Return what is told by a protocol."""
        return self.texts.get(protocol, self.texts[DEFAULT])


def is_wanted(subscription: Subscription, message: Message) -> bool:
    """Return whether a message fits the filter policy of a subscription.

    One that cannot be read any more lets nothing pass: whoever set it did not want everything.
    """
    try:
        pattern = filter_of(subscription.attributes)
    except InvalidInputError:
        return False
    if pattern is None:
        return True
    if subscription.attributes.get(SCOPE) == BY_BODY:
        return _fits_body(pattern, message.text_for(subscription.protocol))
    return pattern.matches(attribute_values(message.attributes))


def attribute_values(attributes: JsonObject) -> JsonObject:
    """Return the values of attributes that a policy is held against: those that are not binary.

    Example:
        >>> attribute_values({"score": {"DataType": "Number", "StringValue": "0.5"}})
        {'score': 0.5}
    """
    found: dict[str, Json] = {}
    for name, attribute in attributes.items():
        if not isinstance(attribute, Mapping) or "StringValue" not in attribute:
            continue
        text, kind = str(attribute["StringValue"]), str(attribute["DataType"])
        if kind == "String.Array":
            found[name] = _items(text)
        else:
            found[name] = _number(text) if kind.partition(".")[0] == "Number" else text
    return found


def _fits_body(pattern: Pattern, text: str) -> bool:
    try:
        document = read_json(text)
    except InvalidInputError:
        return False
    return isinstance(document, Mapping) and pattern.matches(document)


def _items(text: str) -> Json:
    try:
        items = read_json(text)
    except InvalidInputError:
        return text
    return items if isinstance(items, Sequence) else text


def _number(text: str) -> Json:
    try:
        number = float(text)
    except ValueError:
        return text
    return int(number) if number.is_integer() else number
