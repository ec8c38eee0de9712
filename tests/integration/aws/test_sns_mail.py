"""Subscriptions of people by e-mail, with a mail server of the test's own."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.smtp import MailServer, mail_server, text_of
from support.wire import Wire, running_server

pytest.importorskip("apprise")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture
def mails() -> Iterator[MailServer]:
    with mail_server() as running:
        yield running


@pytest.fixture
def wire(tmp_path: Path, mails: MailServer) -> Iterator[Wire]:
    home = tmp_path / "home"
    home.mkdir()
    address = f"mailto://127.0.0.1:{mails.port}?from=robot@example.org&mode=insecure"
    (home / "stepmill.toml").write_text(f'[notifications]\nemail = "{address}"\n')
    with running_server(home) as running:
        yield running


def test_a_person_confirms_and_is_told(wire: Wire, mails: MailServer) -> None:
    sns = wire.client("sns")
    topic = sns.create_topic(Name="alerts")["TopicArn"]
    answer = sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="kim@example.org")
    assert answer["SubscriptionArn"] == "pending confirmation"
    ((to, asked),) = mails.until(1)
    assert (to, asked["Subject"]) == ("kim@example.org", "AWS Notification - Subscription Confirmation")
    link = next(line for line in text_of(asked).splitlines() if line.startswith("http"))
    sns.publish(TopicArn=topic, Message="too early")
    urllib.request.urlopen(link.strip()).close()
    sns.publish(TopicArn=topic, Message="the model is worse", Subject="Nightly")
    _, told = mails.until(2)[1]
    assert told["Subject"] == "Nightly"
    assert text_of(told).strip() == "the model is worse"
    sns.publish(TopicArn=topic, Message="no subject")
    assert mails.until(3)[2][1]["Subject"] == "AWS Notification Message"


def test_a_program_that_reads_mail_gets_json(wire: Wire, mails: MailServer) -> None:
    sns = wire.client("sns")
    topic = sns.create_topic(Name="alerts")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="email-json", Endpoint="robot@example.org")
    question = json.loads(text_of(mails.until(1)[0][1]))
    assert question["Type"] == "SubscriptionConfirmation"
    sns.confirm_subscription(TopicArn=topic, Token=question["Token"])
    sns.publish(TopicArn=topic, Message="hello")
    told = json.loads(text_of(mails.until(2)[1][1]))
    assert (told["Type"], told["Message"], told["TopicArn"]) == ("Notification", "hello", topic)
