"""A module beside the entry point, with a package that only requirements.txt brings."""

import iniconfig


def greeting() -> str:
    return f"training with {iniconfig.__name__} at hand"
