"""Shared fixtures: the backends, the software GPU, seeds, and hypothesis profiles.

``pytest -m "not slow" --hypothesis-profile=quick`` is the subset that ``make quick`` runs.
``--require-gpu`` makes a missing GPU adapter an error instead of a reason to skip.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from typing import NoReturn

# Read when trueno first looks for a GPU, and when SciPy is first imported: set before either.
os.environ.setdefault("TRUENO_GPU", "software")
os.environ.setdefault("SCIPY_ARRAY_API", "1")

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

import trueno as tn
from trueno import conditions, engine
from trueno._backends.wgpu import WgpuBackend, open_backend

SEED = 20250101
BACKENDS = ("numpy", "simd", pytest.param("wgpu", marks=pytest.mark.gpu))

# Kernels are compiled on first use, so that no example's time says anything: no deadline.
for _name, _examples in (("quick", 20), ("full", 200)):
    settings.register_profile(
        _name,
        max_examples=_examples,
        deadline=None,
        derandomize=True,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )
settings.load_profile("full")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--require-gpu",
        action="store_true",
        help="fail, do not skip, where no GPU adapter is found",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "gpu: needs a GPU adapter; a software one will do")
    config.addinivalue_line("markers", "slow: left out of `make quick`")
    # A GPU that is given up, or a kernel that fails, would leave the tests to run elsewhere.
    config.addinivalue_line("filterwarnings", "error::trueno.errors.TruenoWarning")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """pytest records the warnings of a test: calls in it may wait all the same."""
    conditions.read_later()


def _without_a_gpu(request: pytest.FixtureRequest) -> NoReturn:
    reason = (
        f"no adapter for TRUENO_GPU={os.environ['TRUENO_GPU']}; "
        "Debian's mesa-vulkan-drivers and libvulkan1 give a software one"
    )
    if request.config.getoption("--require-gpu"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture
def gpu(request: pytest.FixtureRequest) -> None:
    """Asks for a GPU: skips the test where the machine has no adapter."""
    if engine.backend("wgpu") is None:
        _without_a_gpu(request)


@pytest.fixture(scope="module")
def opened(request: pytest.FixtureRequest) -> WgpuBackend:
    """A GPU backend of a module's own, beside the engine's: it tampers with limits and faults."""
    return open_backend(os.environ["TRUENO_GPU"]) or _without_a_gpu(request)


@pytest.fixture
def wgpu(opened: WgpuBackend) -> Iterator[WgpuBackend]:
    """That backend, its limits and fault hook put back afterwards."""
    limits, inject = opened.gpu.limits, opened.gpu.inject
    yield opened
    opened.gpu.limits, opened.gpu.inject = limits, inject


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> Iterator[str]:
    """Each backend in turn, pinned, with no lower bound on size: every call that can, uses it."""
    name: str = request.param
    if name == "wgpu":
        request.getfixturevalue("gpu")
    with tn.config(backend=name, threshold=0):
        yield name


@pytest.fixture(autouse=True)
def _seeded() -> None:
    """The legacy global generators start anew for each test."""
    random.seed(SEED)
    np.random.seed(SEED)


@pytest.fixture
def rng() -> np.random.Generator:
    """A generator with a fixed seed."""
    return np.random.default_rng(SEED)
