"""Tells people, by e-mail and chat: apprise knows how. It is an extra, and imported where it is used."""

from __future__ import annotations

import logging
from typing import Any
from urllib.parse import quote

from stepmill.core.errors import InvalidInputError, UnsupportedError
from stepmill.core.json import JsonObject
from stepmill.jobs.deliveries import DeliveryError

_INSTALL = "Install it beside Stepmill: pip install 'stepmill[notify]'."


def check_address(url: str, where: str) -> None:
    """Check that apprise can tell somebody at an address, ``slack://...``. Nothing is sent.

    Raises:
        UnsupportedError: If apprise is not installed.
        InvalidInputError: If it knows no such address.
    """
    if not _apprise().Apprise.instantiate(url, suppress_exceptions=True):
        scheme = url.partition("://")[0][:20]
        raise InvalidInputError(
            f"Invalid parameter: {where}: apprise knows no such address as {scheme}://...",
            mend="https://github.com/caronc/apprise/wiki lists its addresses.",
        )


def mail_url(base: str, address: str) -> str:
    """Return the address at which apprise tells somebody by e-mail.

    Args:
        base: ``mailto://USER:PASSWORD@HOST``, from the settings.
        address: Whose.

    Example:
        >>> mail_url("mailto://me:secret@example.org", "you@example.org")
        'mailto://me:secret@example.org?to=you%40example.org'
    """
    return f"{base}{'&' if '?' in base else '?'}to={quote(address, safe='')}"


class ChatSender:
    """Tells people by apprise. Safe to share between threads."""

    def __call__(self, document: JsonObject) -> None:
        """Tell ``text`` under ``title`` to whoever is at ``url``.

        Raises:
            DeliveryError: If apprise could not.
        """
        try:
            apprise = _apprise()
        except UnsupportedError as error:
            raise DeliveryError(str(error), is_final=True) from error
        # Its errors go to the log and nowhere else; the address has secrets in it and is not repeated.
        with apprise.LogCapture(level=logging.WARNING, fmt="%(message)s") as said:
            people = apprise.Apprise()
            if not people.add(str(document["url"])):
                raise DeliveryError("apprise does not know the address any more", is_final=True)
            is_told = people.notify(
                body=str(document["text"]),
                title=str(document["title"]),
                body_format=apprise.NotifyFormat.TEXT,
            )
            reason = said.getvalue().strip()
        if not is_told:
            raise DeliveryError(f"apprise could not tell it: {reason[:500]}")


def _apprise() -> Any:
    try:
        import apprise
    except ImportError as error:
        raise UnsupportedError("E-mail and chat need apprise, which is not here.", mend=_INSTALL) from error
    return apprise
