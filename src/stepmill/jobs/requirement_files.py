"""What a ``requirements.txt`` asks for, if its text alone says it. Pure.

What two files of the same text ask for can be installed once and kept. A file that leads elsewhere (to a
folder beside it, to a variable, to a branch of a repository) may mean another thing each time: such a
one is installed by each job for itself. The library that reads a line is loaded when there is one.

Source: pip, "Requirements File Format".
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

# A file of more lines is none that a person wrote; pip freeze of a large environment has some hundreds.
MOST_LINES = 2000

# pip takes such a name for that of a file, where there is one.
_ARCHIVES = (".whl", ".zip", ".tar", ".tgz", ".gz", ".bz2", ".tbz", ".xz", ".txz", ".tlz", ".lz", ".lzma")
_COMMENT = re.compile(r"(^|\s+)#.*$")
_PLAIN_OPTIONS = re.compile(
    r"(-i|--index-url|--extra-index-url|--find-links|-f)[ =]\s*https?://\S+"
    r"|--trusted-host[ =]\s*[\w.:-]+|--no-index|--pre|--prefer-binary|--(only|no)-binary[ =]\s*[\w:.,-]+"
)
# Variables that say where pip finds what it installs. Another one of pip's may lead anywhere.
_INDEX_VARIABLES = frozenset(
    {
        "PIP_INDEX_URL",
        "PIP_EXTRA_INDEX_URL",
        "PIP_TRUSTED_HOST",
        "PIP_DEFAULT_TIMEOUT",
        "PIP_RETRIES",
        "PIP_PRE",
    }
)
_HARMLESS_VARIABLES = frozenset(
    {"PIP_DISABLE_PIP_VERSION_CHECK", "PIP_ROOT_USER_ACTION", "PIP_NO_CACHE_DIR", "PIP_NO_COLOR", "PIP_QUIET"}
)
_PROXIES = frozenset({"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"})


def read_requirements(text: str) -> tuple[str, ...] | None:
    r"""Return the lines of a file that count; ``None`` if they do not say all that it asks for.

    Example:
        >>> read_requirements("# ours\npolars>=1  # fast\n\n--pre\n")
        ('polars>=1', '--pre')
        >>> read_requirements("-e .") is None
        True
    """
    lines = [_COMMENT.sub("", line).strip() for line in text.removeprefix("\ufeff").splitlines()]
    lines = [line for line in lines if line]
    if len(lines) > MOST_LINES or not all(_is_plain(line) for line in lines):
        return None
    return tuple(lines)


def _is_plain(line: str) -> bool:
    from packaging.requirements import InvalidRequirement, Requirement

    if "${" in line or not line.isprintable():
        return False
    if line.startswith("-"):
        return _PLAIN_OPTIONS.fullmatch(line) is not None
    try:
        wanted = Requirement(line)
    except InvalidRequirement:
        return False
    if wanted.url is None:
        return not line.endswith(_ARCHIVES)
    return wanted.url.startswith(("https://", "http://"))


def index_variables(environment: Mapping[str, str]) -> Mapping[str, str] | None:
    """Return the variables of a job that say where pip finds things; ``None`` if one may lead anywhere.

    Example:
        >>> index_variables({"PIP_INDEX_URL": "https://x.io/simple", "EPOCHS": "3"})
        {'PIP_INDEX_URL': 'https://x.io/simple'}
        >>> index_variables({"PIP_FIND_LINKS": "wheels"}) is None
        True
    """
    pips = {name for name in environment if name.upper().startswith("PIP_")}
    # SDK 3 logs in to CodeArtifact with it, and pip gets an address that holds a password of the hour.
    if "CA_REPOSITORY_ARN" in environment or pips - _INDEX_VARIABLES - _HARMLESS_VARIABLES:
        return None
    wanted = _INDEX_VARIABLES | _PROXIES
    return {name: value for name, value in sorted(environment.items()) if name in wanted}


def are_met(lines: Sequence[str], installed: Mapping[str, str]) -> bool:
    """Return whether installed distributions are known to meet all requirements.

    Args:
        lines: From ``read_requirements``.
        installed: Distribution, in lower case with dashes, -> version.
    """
    from packaging.requirements import Requirement

    for line in lines:
        if line.startswith("-"):
            continue
        wanted = Requirement(line)
        found = installed.get(normal_name(wanted.name), "")
        if wanted.url or wanted.extras or wanted.marker or not found or not wanted.specifier.contains(found):
            return False
    return True


def normal_name(distribution: str) -> str:
    """Return the one spelling of a distribution's name. Source: PEP 503.

    Example:
        >>> normal_name("Ruamel.YAML_x")
        'ruamel-yaml-x'
    """
    return re.sub(r"[-_.]+", "-", distribution).lower()
