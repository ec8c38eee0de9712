"""The values of HTTP that the codec and the services see. All doors share them: see ``core/http.py``."""

from stepmill.core.http import Body, BodyStream, Door, FileRange, Request, Response

__all__ = ["Body", "BodyStream", "Door", "FileRange", "Request", "Response"]
