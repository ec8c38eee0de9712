from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepmill.jobs.requirement_files import (
    MOST_LINES,
    are_met,
    index_variables,
    normal_name,
    read_requirements,
)


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", ()),
        ("\n\n# nothing\n", ()),
        ("polars>=1  # fast\r\nrich\n", ("polars>=1", "rich")),
        ("\ufeffrich", ("rich",)),
        ("  # indented\nrich # x # y", ("rich",)),
        ("a[b,c]>=1,<2; python_version < '3.12'", ("a[b,c]>=1,<2; python_version < '3.12'",)),
        ("x @ https://x.io/x-1.whl", ("x @ https://x.io/x-1.whl",)),
        ("--index-url https://x.io/simple\nrich", ("--index-url https://x.io/simple", "rich")),
        ("-i https://x.io/simple", ("-i https://x.io/simple",)),
        ("--extra-index-url=https://x.io/simple", ("--extra-index-url=https://x.io/simple",)),
        ("--trusted-host x.io:80\n--pre", ("--trusted-host x.io:80", "--pre")),
        ("--only-binary :all:", ("--only-binary :all:",)),
        ("x @ https://x.io/x-1.whl#sha256=ab", ("x @ https://x.io/x-1.whl#sha256=ab",)),
    ],
)
def test_lines_that_say_it_all_are_taken(text: str, lines: tuple[str, ...]) -> None:
    assert read_requirements(text) == lines


@pytest.mark.parametrize(
    "line",
    [
        "-e .",
        "--editable git+https://x.io/y",
        "-r more.txt",
        "-c constraints.txt",
        "--find-links wheels",
        "--find-links file:///tmp",
        "./mine",
        "mine-1.0-py3-none-any.whl",
        "/opt/ml/code/mine",
        "mine @ file:///opt/ml/code",
        "mine @ git+https://x.io/y@main",
        "git+https://x.io/y",
        "https://x.io/y.whl",
        "--index-url https://${TOKEN}@x.io/simple",
        "mine==${VERSION}",
        "rich \\",
        "rich --hash=sha256:ab",
        "rich --config-settings x=y",
        "--log /etc/passwd",
        "--index-url https://x.io --log /tmp/x",
        "not a requirement",
        "rich\x00",
    ],
)
def test_a_line_that_leads_elsewhere_is_left_to_each_job(line: str) -> None:
    assert read_requirements(f"rich\n{line}\n") is None


def test_a_file_without_end_is_not_read() -> None:
    assert read_requirements("rich\n" * MOST_LINES) is not None
    assert read_requirements("rich\n" * (MOST_LINES + 1)) is None


@given(st.text())
def test_any_text_is_taken_or_left(text: str) -> None:
    lines = read_requirements(text)
    assert lines is None or all(line == line.strip() and line for line in lines)


@pytest.mark.parametrize(
    ("environment", "found"),
    [
        ({}, {}),
        ({"EPOCHS": "3", "PIPELINE": "x"}, {}),
        ({"PIP_INDEX_URL": "https://x.io"}, {"PIP_INDEX_URL": "https://x.io"}),
        (
            {"https_proxy": "http://p", "HTTPS_PROXY": "http://p"},
            {"https_proxy": "http://p", "HTTPS_PROXY": "http://p"},
        ),
        ({"PIP_NO_CACHE_DIR": "1"}, {}),
        ({"PIP_FIND_LINKS": "wheels"}, None),
        ({"PIP_CONFIG_FILE": "/opt/ml/code/pip.conf"}, None),
        ({"pip_target": "/tmp"}, None),
        ({"CA_REPOSITORY_ARN": "arn:aws:codeartifact:x"}, None),
    ],
)
def test_the_variables_that_say_where_pip_finds_things(
    environment: dict[str, str], found: dict[str, str] | None
) -> None:
    assert index_variables(environment) == found


@pytest.mark.parametrize(
    ("line", "met"),
    [
        ("numpy", True),
        ("NumPy>=2,<3", True),
        ("numpy<2", False),
        ("scikit.learn>=1.9", True),
        ("torch", False),
        ("numpy[extra]", False),  # nobody here knows what the extra needs
        ("numpy; python_version > '3'", False),  # of whose Python?
        ("numpy @ https://x.io/numpy.whl", False),
        ("--pre", True),
    ],
)
def test_what_is_known_to_be_met(line: str, met: bool) -> None:
    assert are_met([line], {"numpy": "2.4.6", "scikit-learn": "1.9.1"}) is met
    assert are_met([line, "torch"], {"numpy": "2.4.6"}) is False


def test_nothing_is_met_by_anything() -> None:
    assert are_met([], {})
    assert normal_name("Scikit_Learn") == "scikit-learn"
