"""A small world for tests."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from regulars.simulate import Params, World, load


@pytest.fixture(scope="session")
def gifts() -> Params:
    """The gifts preset with a small catalogue."""
    params = load("gifts")
    return params.model_copy(update={"catalogue": params.catalogue.model_copy(update={"products": 200})})


@pytest.fixture
def make_world(gifts: Params) -> Callable[..., World]:
    """make_world(**changes): a world of 400 customers; changes are of World's parameters."""

    def make(params: Params = gifts, **changes: int) -> World:
        return World(params, **({"customers": 400, "seed": 1, "days": 40} | changes))

    return make
