"""Engines: one suite for the one in this process and for Spark."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from regulars.engine import Engine

CLUSTER = os.environ.get("REGULARS_TEST_SPARK", "")
"""Spark's address, set by `test_spark.py`: its start forks, which a process that has run other tests may not survive."""

SETTINGS = {
    # So little fits into the driver that whatever is collected there by mistake fails.
    "spark.driver.maxResultSize": "1m",
    "spark.sql.shuffle.partitions": "2",
    # Small tables: to compile each query takes longer than to answer it.
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.adaptive.enabled": "false",
}


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """Spark; one session for the run."""
    from regulars.engine.spark import SparkEngine

    patch = pytest.MonkeyPatch()
    patch.setenv("SPARK_WORKER_DIR", str(tmp_path_factory.mktemp("executors")))
    engine = SparkEngine(CLUSTER, memory="1GB", settings=SETTINGS)
    yield engine
    patch.undo()


@pytest.fixture(params=["duckdb", *(["spark"] if CLUSTER else [])])
def engine(request: pytest.FixtureRequest) -> Engine:
    """Each engine."""
    return Engine(threads=1) if request.param == "duckdb" else request.getfixturevalue("spark")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder that is not there yet."""
    return tmp_path / "written"
