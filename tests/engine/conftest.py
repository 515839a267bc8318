"""Engines: one suite for the one in this process and for Spark."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from regulars.engine import Engine

CLUSTER = os.environ.get("REGULARS_TEST_SPARK", "")
"""Left out unless it is asked for: Spark's start forks, which crashes in a process that has run the console's tests."""

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
    """Spark, as REGULARS_TEST_SPARK says (local-cluster[2,1,1024] has executors apart); one session for the run."""
    if not CLUSTER or shutil.which("java") is None:
        pytest.skip("REGULARS_TEST_SPARK names no Spark, or Java is not installed")
    from regulars.engine.spark import SparkEngine

    patch = pytest.MonkeyPatch()
    patch.setenv("SPARK_WORKER_DIR", str(tmp_path_factory.mktemp("executors")))
    engine = SparkEngine(CLUSTER, memory="1GB", settings=SETTINGS)
    yield engine
    patch.undo()


@pytest.fixture(params=["duckdb", pytest.param("spark", marks=pytest.mark.xdist_group("spark"))])
def engine(request: pytest.FixtureRequest) -> Engine:
    """Either engine."""
    return Engine(threads=1) if request.param == "duckdb" else request.getfixturevalue("spark")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder that is not there yet."""
    return tmp_path / "written"
