"""Functions as the wire makes them, their published versions, and aliases."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from stepmill.core.errors import ConflictError, InvalidInputError, NotFoundError, WrongStateError
from stepmill.jobs.functions.function import Configuration
from stepmill.jobs.functions.registry import FunctionRegistry
from stepmill.jobs.functions.versions import FunctionVersions
from stepmill.storage.objects.uri import S3Uri
from support.keeping import ARNS, keeping

ARN = "arn:aws:lambda:us-west-2:123456789012:function:score"
PLAIN = Configuration("app.handler", timedelta(seconds=3), 128, {"A": "1"}, "python3.12", "It scores.")


def package(text: str = "def handler(event, context): return 1") -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("app.py", text)
    return packed.getvalue()


class Kept:
    def __init__(self, functions: FunctionRegistry, versions: FunctionVersions) -> None:
        self.functions = functions
        self.versions = versions


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    with keeping(tmp_path) as opened:
        functions = FunctionRegistry(opened.records, opened.objects, S3Uri("code", "functions"), ARNS)
        yield Kept(functions, FunctionVersions(functions, opened.records, ARNS))


class TestFunctions:
    def test_a_function_is_what_it_was_made_as(self, kept: Kept) -> None:
        zipped = package()
        made = kept.functions.create("score", zipped, PLAIN)
        assert made == kept.functions.get(ARN)
        assert (made.arn, made.configuration, made.qualifier) == (ARN, PLAIN, "$LATEST")
        assert (made.package.sha256, made.package.size_bytes) == (sha256(zipped).hexdigest(), len(zipped))

    def test_a_name_is_taken_once_even_by_many_at_once(self, kept: Kept) -> None:
        def make(_: int) -> bool:
            try:
                kept.functions.create("score", package(), PLAIN)
            except ConflictError:
                return False
            return True

        with ThreadPoolExecutor(8) as pool:
            assert sum(pool.map(make, range(8))) == 1

    def test_new_code_is_a_new_revision_and_the_same_code_is_none(self, kept: Kept) -> None:
        first = kept.functions.create("score", package(), PLAIN)
        assert kept.functions.update_code("score", package()) == first
        second = kept.functions.update_code("score", package("def handler(e, c): return 2"))
        assert second.revision != first.revision
        assert second.package != first.package
        assert second.configuration == PLAIN

    def test_a_configuration_is_changed_and_checked(self, kept: Kept) -> None:
        first = kept.functions.create("score", package(), PLAIN)
        second = kept.functions.configure("score", lambda c: replace(c, environment={"B": "2"}))
        assert second.configuration == replace(PLAIN, environment={"B": "2"})
        assert (second.code, second.package) == (first.code, first.package)
        with pytest.raises(InvalidInputError, match="timeout"):
            kept.functions.configure("score", lambda c: replace(c, timeout=timedelta(0)))
        assert kept.functions.get("score") == second

    @pytest.mark.parametrize("change", ["code", "configuration"])
    def test_a_change_of_another_revision_is_refused(self, kept: Kept, change: str) -> None:
        first = kept.functions.create("score", package(), PLAIN)

        def do(revision: str) -> Any:
            if change == "code":
                return kept.functions.update_code("score", package("x = 1"), revision)
            return kept.functions.configure("score", lambda c: replace(c, memory_mb=256), revision)

        with pytest.raises(WrongStateError, match="does not match the latest RevisionId"):
            do("another")
        assert kept.functions.get("score") == first
        assert do(first.revision).revision != first.revision
        with pytest.raises(WrongStateError):
            do(first.revision)

    def test_of_what_is_not_there(self, kept: Kept) -> None:
        for do in (
            lambda: kept.functions.update_code("score", package()),
            lambda: kept.functions.configure("score", lambda c: c),
            lambda: kept.versions.publish("score"),
            lambda: kept.versions.get("score", "1"),
            lambda: kept.versions.alias("score", "prod"),
            lambda: kept.versions.delete("score", "1"),
            lambda: kept.versions.create_alias("score", "prod", "1"),
            lambda: kept.versions.update_alias("score", "prod"),
            lambda: kept.versions.delete_alias("score", "prod"),
        ):
            with pytest.raises(NotFoundError):
                do()


class TestVersions:
    def test_a_version_stays_as_it_was(self, kept: Kept) -> None:
        made = kept.functions.create("score", package(), PLAIN)
        first = kept.versions.publish("score", description="The first.")
        kept.functions.update_code("score", package("def handler(e, c): return 2"))
        kept.functions.configure("score", lambda c: replace(c, memory_mb=512))
        assert kept.versions.get("score", "1") == first
        assert (first.arn, first.qualifier, first.code) == (f"{ARN}:1", "1", made.code)
        assert first.configuration == replace(PLAIN, description="The first.")
        assert kept.versions.publish("score").qualifier == "2"
        assert [version.qualifier for version in kept.versions.versions("score")] == ["1", "2"]

    def test_nothing_new_is_no_new_version(self, kept: Kept) -> None:
        kept.functions.create("score", package(), PLAIN)
        first = kept.versions.publish("score", description="The first.")
        assert kept.versions.publish("score", description="The second.") == first

    def test_no_number_comes_again(self, kept: Kept) -> None:
        kept.functions.create("score", package(), PLAIN)
        kept.versions.publish("score")
        kept.versions.delete("score", "1")
        assert not kept.versions.has("score", "1")
        assert kept.versions.publish("score").qualifier == "2"

    def test_only_what_was_looked_at_is_published(self, kept: Kept) -> None:
        made = kept.functions.create("score", package(), PLAIN)
        with pytest.raises(InvalidInputError, match="CodeSha256"):
            kept.versions.publish("score", package_sha256="0" * 64)
        with pytest.raises(WrongStateError):
            kept.versions.publish("score", revision="another")
        assert kept.versions.versions("score") == []
        kept.versions.publish("score", package_sha256=made.package.sha256, revision=made.revision)

    def test_the_one_that_changes_goes_by_two_names(self, kept: Kept) -> None:
        made = kept.functions.create("score", package(), PLAIN)
        assert kept.versions.get("score") == made
        assert kept.versions.get("score", "$LATEST") == replace(made, arn=f"{ARN}:$LATEST")
        assert kept.versions.has("score", "$LATEST")
        assert not kept.versions.has("score", "prod")


class TestAliases:
    def test_an_alias_points_to_a_version_and_can_be_turned(self, kept: Kept) -> None:
        kept.functions.create("score", package(), PLAIN)
        kept.versions.publish("score")
        alias = kept.versions.create_alias("score", "prod", "1", "What users see.")
        assert (alias.arn, alias.version, alias.description) == (f"{ARN}:prod", "1", "What users see.")
        assert kept.versions.get("score", "prod") == replace(
            kept.versions.get("score", "1"), arn=f"{ARN}:prod"
        )
        kept.functions.update_code("score", package("def handler(e, c): return 2"))
        kept.versions.publish("score")
        turned = kept.versions.update_alias("score", "prod", version="2", revision=alias.revision)
        assert (turned.version, turned.description) == ("2", "What users see.")
        assert kept.versions.get("score", "prod").qualifier == "2"
        with pytest.raises(WrongStateError):
            kept.versions.update_alias("score", "prod", version="1", revision=alias.revision)
        assert kept.versions.update_alias("score", "prod", description="").description == ""
        assert kept.versions.aliases("score") == [kept.versions.alias("score", "prod")]

    def test_an_alias_of_the_newest(self, kept: Kept) -> None:
        kept.functions.create("score", package(), PLAIN)
        kept.versions.create_alias("score", "dev", "$LATEST")
        assert kept.versions.get("score", "dev").qualifier == "$LATEST"

    @pytest.mark.parametrize("name", ["1", "", "a b", "a:b", "x" * 129])
    def test_what_no_alias_is_called(self, kept: Kept, name: str) -> None:
        kept.functions.create("score", package(), PLAIN)
        with pytest.raises(InvalidInputError):
            kept.versions.create_alias("score", name, "$LATEST")

    def test_a_name_is_taken_once_and_a_version_that_is_pointed_to_stays(self, kept: Kept) -> None:
        kept.functions.create("score", package(), PLAIN)
        kept.versions.publish("score")
        kept.versions.create_alias("score", "prod", "1")
        with pytest.raises(ConflictError, match="Alias already exists"):
            kept.versions.create_alias("score", "prod", "1")
        with pytest.raises(ConflictError, match="prod points to"):
            kept.versions.delete("score", "1")
        kept.versions.delete_alias("score", "prod")
        kept.versions.delete("score", "1")

    def test_all_is_forgotten_with_the_function(self, kept: Kept) -> None:
        for name in ("score", "score-2"):
            kept.functions.create(name, package(), PLAIN)
            kept.versions.publish(name)
            kept.versions.create_alias(name, "prod", "1")
        kept.versions.forget("score")
        assert (kept.versions.versions("score"), kept.versions.aliases("score")) == ([], [])
        assert kept.versions.has("score-2", "prod")
