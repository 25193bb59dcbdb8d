"""Manifests must come back as written, and alike rows as alike bytes."""

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cygnet.model.manifest import ManifestRow
from cygnet.storage import manifest
from cygnet.storage.errors import CorruptedError

from .strategies import ROWS


@settings(max_examples=50, deadline=None)
@given(rows=st.lists(ROWS, max_size=8))
def test_rows_survive_parquet(rows: list[ManifestRow]) -> None:
    data = manifest.to_parquet(rows)
    assert manifest.to_rows(manifest.from_parquet(data)) == rows
    assert manifest.to_parquet(rows) == data


def test_schema_holds_every_field_of_a_row() -> None:
    assert manifest.SCHEMA.names == [field.name for field in dataclasses.fields(ManifestRow)]


def test_footer_survives() -> None:
    data = manifest.table_to_parquet(manifest.to_table([]), {"manifests": '["é"]'})
    assert manifest.metadata_of(manifest.from_parquet(data)) == {"manifests": '["é"]'}


@pytest.mark.parametrize("data", [b"", b"PAR1", b"<html>", b"PAR1" + bytes(100) + b"PAR1"])
def test_file_that_is_no_manifest_is_named(data: bytes) -> None:
    with pytest.raises(CorruptedError, match=r"r/manifest/x\.parquet"):
        manifest.from_parquet(data, "r/manifest/x.parquet")
