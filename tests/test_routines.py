"""Routines: what every one of them must hold, on every backend."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import trueno as tn
from tests.compare import same
from trueno.ops import ROUTINES

ORDERED = (*"?bhilqBHILQefd",)


def test_every_routine_of_the_cpu_has_a_row() -> None:
    from trueno._backends import simd

    assert simd.ROUTINES.keys() <= ROUTINES.keys()


@pytest.mark.parametrize("side", ["left", "right"])
@given(data=st.data())
def test_searchsorted(backend: str, side: Any, data: st.DataObject) -> None:
    dtype = data.draw(st.sampled_from(ORDERED))
    table = np.sort(data.draw(hnp.arrays(dtype, st.integers(0, 40))))
    values = data.draw(hnp.arrays(data.draw(st.sampled_from((dtype, "d"))), hnp.array_shapes()))
    ours = np.searchsorted(tn.asarray(table), tn.asarray(values), side=side)
    same(ours, np.searchsorted(table, values, side=side))


def test_searchsorted_splits_among_threads(rng: np.random.Generator) -> None:
    table, values = np.sort(rng.random(1000)), rng.random(50_000)
    with tn.config(backend="simd", threshold=0), tn.profile() as profile:
        ours = np.searchsorted(tn.asarray(table), tn.asarray(values))
    same(ours, np.searchsorted(table, values))
    assert profile.where() == {"simd": 1, "deferred": 0}


def test_searchsorted_errors_are_numpys(backend: str) -> None:
    table, values = tn.arange(5.0), tn.arange(3.0)
    with pytest.raises(ValueError, match=r"trueno\.searchsorted: .*middle"):
        np.searchsorted(table, values, side="middle")
    with pytest.raises(ValueError, match=r"trueno\.searchsorted: "):
        np.searchsorted(tn.ones((2, 2)), values)
    same(np.searchsorted(table, 2.5), np.searchsorted(np.arange(5.0), 2.5))
    order = np.array([2, 0, 1])
    same(
        np.searchsorted(tn.asarray([2.0, 3.0, 1.0]), values, sorter=tn.asarray(order)),
        np.searchsorted(np.array([2.0, 3.0, 1.0]), np.arange(3.0), sorter=order),
    )
