"""The variables that point a program at a server."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence

from stepmill.core.endpoint import PLUGIN, PLUGIN_FOLDER, PLUGIN_VARIABLE, Endpoint
from stepmill.platform import Platform
from stepmill.storage.keys import DEFAULT_KEY

# A token of an earlier session would be sent with a key that has none.
STALE = ("AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN")


def endpoint_of(platform: Platform, url: str, key: str) -> Endpoint:
    """Return a server's address with a key to use there; the default key is made if there is none.

    Raises:
        NotFoundError: If there is no key of that name.
    """
    access = platform.keys.ensure(key) if key == DEFAULT_KEY else platform.keys.get(key)
    return Endpoint(url, platform.settings.region, access)


def variables_of(endpoint: Endpoint, environment: Mapping[str, str]) -> dict[str, str]:
    """Return what a program needs to find a server: address, region, keys, the plugin for fixed addresses.

    Args:
        endpoint: Of the server.
        environment: Of the program so far: what it has on its path stays there.
    """
    path = environment.get("PYTHONPATH", "")
    folders = [folder for folder in path.split(":") if folder and folder != str(PLUGIN_FOLDER)]
    plugins = [p for p in environment.get(PLUGIN_VARIABLE, "").split(",") if p and p != PLUGIN]
    return {
        **endpoint.environment(),
        PLUGIN_VARIABLE: ",".join([*plugins, PLUGIN]),
        "PYTHONPATH": ":".join([str(PLUGIN_FOLDER), *folders]),
    }


def shell_lines(variables: Mapping[str, str], stale: Sequence[str], shell: str) -> list[str]:
    r"""Return lines for a shell to evaluate.

    Args:
        variables: Name -> value.
        stale: Variables that must not be set.
        shell: ``sh`` for all that are like it, ``fish``.

    Example:
        >>> shell_lines({"A": "it's"}, ["B"], "sh")
        ['export A=\'it\'"\'"\'s\'', 'unset B']
        >>> shell_lines({"A": "it's"}, ["B"], "fish")
        ["set -gx A 'it\\'s'", 'set -e B']
    """
    if shell == "fish":
        quoted = {
            name: "'" + v.replace("\\", "\\\\").replace("'", "\\'") + "'" for name, v in variables.items()
        }
        return [*(f"set -gx {n} {v}" for n, v in quoted.items()), *(f"set -e {name}" for name in stale)]
    return [
        *(f"export {name}={shlex.quote(value)}" for name, value in variables.items()),
        *(f"unset {name}" for name in stale),
    ]
