"""The suite of engines once more, with Spark: two executors that are processes of their own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from regulars import Shop
from tests.conftest import MADE

HERE = Path(__file__).parent
QUICK = {"JDK_JAVA_OPTIONS": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"}
"""Of Java's compilers the first alone, of its collectors the plainest: what runs for a minute is never worth the others."""


def test_spark_answers_as_the_engine_in_this_process_does(request: pytest.FixtureRequest) -> None:
    if shutil.which("java") is None:
        if os.environ.get("CI") == "true":
            pytest.fail("Java is not installed, which Spark needs, and CI may not skip")
        pytest.skip("Java is not installed")
    # Asked for here, so that it need not run in the process of those who ask for that shop.
    tea_shop: Shop = request.getfixturevalue("tea_shop")
    command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_"))}
    done = subprocess.run(
        [*command, "-k", "spark or features or executors", str(HERE / "test_engines.py"), str(HERE / "on_spark.py")],
        cwd=HERE.parents[1], capture_output=True, text=True, check=False, timeout=400,
        env={
            **environment, **QUICK, "REGULARS_TEST_SPARK": "local-cluster[2,1,1024]",
            MADE: str(tea_shop.folder.parents[1]),
        },
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:]
