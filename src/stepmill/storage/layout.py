"""Where things lie in the home folder."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from stepmill.storage.failures import translated_disk_errors

# Data, logs and credentials of jobs: nobody else's business.
_PRIVATE = 0o700
# SQLite makes two files beside the database whenever it opens it, some ten KiB each, and lets one grow
# with what is written.
_RESERVE_BYTES = 1024 * 1024


@dataclass(frozen=True)
class HomeLayout:
    """The places in a home folder (``.stepmill``, or ``STEPMILL_HOME``).

    Args:
        home: Absolute path of the folder.
    """

    home: Path

    @property
    def database(self) -> Path:
        """The metadata database; SQLite keeps ``-wal`` and ``-shm`` beside it."""
        return self.home / "stepmill.db"

    @property
    def objects(self) -> Path:
        """Folder of the object store."""
        return self.home / "objects"

    @property
    def jobs(self) -> Path:
        """Folder of the jobs' folders, by the jobs' names."""
        return self.home / "jobs"

    @property
    def engines(self) -> Path:
        """Folder of what the engines leave behind: who drives what, and whether it lives."""
        return self.home / "engines"

    @property
    def environments(self) -> Path:
        """Folder of the environments that were built for images."""
        return self.home / "environments"

    @property
    def machine(self) -> Path:
        """Folder of what jobs have booked of the machine."""
        return self.home / "machine"

    @property
    def roots(self) -> Path:
        """Folder of the throw-away file systems of jobs, used again and again."""
        return self.home / "roots"

    @property
    def queries(self) -> Path:
        """Folder of what queries put on the disk while they run, and of who runs them."""
        return self.home / "queries"

    @property
    def features(self) -> Path:
        """Folder in which files of the feature store are made, and of the locks of its groups."""
        return self.home / "features"

    @property
    def code(self) -> Path:
        """Folder of the code of steps, by its content; nothing here is ever removed."""
        return self.home / "code"

    @property
    def digesting(self) -> Path:
        """A lock that whoever digests large data holds: one process at a time."""
        return self.home / "digesting.lock"

    @property
    def server(self) -> Path:
        """What the server of this home says of itself; its lock lies beside it."""
        return self.home / "server.json"

    @property
    def server_log(self) -> Path:
        """What a server wrote that `stepmill exec` started."""
        return self.home / "server.log"

    @property
    def usage(self) -> Path:
        """A lock that is held by those who use such a server."""
        return self.home / "server.usage"

    @property
    def authority(self) -> Path:
        """Key and certificate of the authority that programs under `stepmill exec` trust."""
        return self.home / "authority.pem"

    @property
    def reserve(self) -> Path:
        """A file that is given up when the disk is full: else there is no room even to remove things."""
        return self.home / "reserve"

    def keep_reserve(self) -> None:
        """Lay the reserve aside, if that has not been done and there is room."""
        if self.reserve.exists():
            return
        try:
            # Not zeros: some file systems keep no room for those.
            self.reserve.write_bytes(os.urandom(_RESERVE_BYTES))
        except OSError:
            self.give_up_reserve()

    def give_up_reserve(self) -> None:
        """Make room on a disk that is full, for as long as it takes to remove something."""
        with suppress(OSError):
            self.reserve.unlink()

    def create(self) -> None:
        """Make the home and its folders, for this user's eyes only. What is there already stays as it is.

        Raises:
            StorageError: If a folder cannot be made.
        """
        with translated_disk_errors():
            if not self.home.is_dir():
                self.home.mkdir(mode=_PRIVATE, parents=True, exist_ok=True)
                # The home lies in a project, and the project in git more often than not.
                (self.home / ".gitignore").write_text("*\n")
                self.keep_reserve()
            for folder in (self.objects, self.jobs, self.engines, self.environments, self.roots):
                folder.mkdir(mode=_PRIVATE, exist_ok=True)
