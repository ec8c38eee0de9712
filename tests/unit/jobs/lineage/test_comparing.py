"""What is compared of two jobs."""

from __future__ import annotations

import pytest

from stepmill.jobs.lineage.comparing import arguments_of


@pytest.mark.parametrize(
    ("words", "by_name"),
    [
        (["--rows", "10", "--fast", "--out=x=y"], {"--rows": "10", "--fast": "", "--out": "x=y"}),
        (["train", "--rows", "10"], {"ContainerArguments": '["train","--rows","10"]'}),
        (["--file", "a", "b"], {"ContainerArguments": '["--file","a","b"]'}),
        (["--file", "a", "--file", "b"], {"ContainerArguments": '["--file","a","--file","b"]'}),
        (["--rows", "-1"], {"--rows": "-1"}),
        ([], {}),
        ("--rows", {}),
        (None, {}),
    ],
)
def test_arguments_are_told_by_their_names(words: object, by_name: dict[str, str]) -> None:
    request = {"AppSpecification": {"ImageUri": "i", "ContainerArguments": words}}
    assert arguments_of(request) == by_name  # type: ignore[arg-type]
