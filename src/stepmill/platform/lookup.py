"""Which settings hold in a folder. With what they come to, nobody else reads them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from stepmill.core.settings import Settings
from stepmill.core.settings_file import FILE_NAME, read_settings

HOME_VARIABLE = "STEPMILL_HOME"
_HOME_NAME = ".stepmill"


def load_settings(folder: Path, environment: Mapping[str, str]) -> Settings:
    """Return the settings that hold in a folder.

    The project is the nearest folder upwards with a ``stepmill.toml`` or a ``.stepmill``, else the folder
    itself. State lies in its ``.stepmill``, or where ``STEPMILL_HOME`` says.

    Args:
        folder: Where the user is.
        environment: Variables, as in ``os.environ``.

    Raises:
        DefinitionError: If the ``stepmill.toml`` cannot be taken.
    """
    folder = folder.resolve()
    upwards = (folder, *folder.parents)
    project = next((f for f in upwards if (f / FILE_NAME).is_file() or (f / _HOME_NAME).is_dir()), folder)
    given = environment.get(HOME_VARIABLE, "")
    home = (folder / Path(given).expanduser()).resolve() if given else project / _HOME_NAME
    file = project / FILE_NAME
    text = file.read_text(encoding="utf-8") if file.is_file() else ""
    return read_settings(text, home=home, project=project)
