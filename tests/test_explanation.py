"""``trueno.explain``: the plan as data, text, Mermaid, SVG and HTML; nothing runs for it."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from typing import Any

import numpy as np
import pytest

import trueno as tn


@pytest.fixture(autouse=True)
def settings() -> Any:
    with tn.config(backend="auto", threshold=1000):
        yield


def ones(*shape: int) -> Any:
    return tn.asarray(np.ones(shape))


def two_kernels() -> Any:
    """Four fused operations, whose result is read transposed by a fifth."""
    x = ones(50, 40)
    return np.exp(np.sqrt(x * x + ones(40)) * 2).T + ones(40, 50)


def test_kernels_of_a_pending_graph() -> None:
    first, second = tn.explain(two_kernels()).kernels
    assert first.operations == ("multiply", "add", "sqrt", "multiply", "exp")
    assert (first.number, first.backend, first.shape, first.axes) == (1, "simd", (50, 40), ())
    assert first.flops == 5 * 2000
    assert first.nbytes == 8 * (2000 + 40 + 2000)
    assert [operand.shape for operand in first.inputs] == [(50, 40), (40,)]
    assert [operand.kernel for operand in first.inputs] == [0, 0]
    assert [operand.kernel for operand in second.inputs] == [1, 0]
    assert second.seconds > 0 and second.bound == "launch"


def test_explaining_computes_nothing_and_changes_nothing() -> None:
    x = two_kernels()
    with tn.profile() as p:
        before = tn.explain(x)
        assert tn.explain(x) == before
        assert not p.rows
        tn.evaluate(x)
    assert sorted(name for _, name in p.kernels) == sorted(k.title for k in before.kernels)
    assert not tn.explain(x).kernels


def test_the_reason_has_figures() -> None:
    x = ones(60, 60)
    (kernel,) = tn.explain(x + 1).kernels
    assert kernel.reason == "simd: 3 600 elements, from the threshold of 500 on (add of float64)"
    with tn.backend("numpy"):
        (kernel,) = tn.explain(x + 1).kernels
    assert kernel.backend == "numpy"
    with tn.backend("numpy"):
        y = x + 1
        assert tn.explain(y).kernels[0].reason == "numpy: trueno.backend('numpy') asks for it"
    (_, small) = tn.explain((x + 1)[:3, :3] - 1).kernels
    assert small.reason == "simd: 9 elements, fewer than pay alone; with pending work"


def test_the_reason_of_what_is_not_pending() -> None:
    with tn.config(threshold=4096):
        text = str(tn.explain(ones(800) + 1))
        assert "numpy: 800 elements, under the simd threshold of 4 096" in text
        assert "simd for floor_divide" in text
    assert "simd: 5 000 elements" in str(tn.explain(ones(5000)))


def test_several_arrays_are_one_plan() -> None:
    x = ones(2000)
    found = tn.explain(x + 1, x * 2, x)
    assert len(found.kernels) == 1
    assert found.reasons[:2] == ("pending", "pending") and found.reasons[2] != "pending"


def test_text() -> None:
    text = str(tn.explain(two_kernels()))
    assert "2 kernels of 6 operations" in text
    assert "1. simd: multiply add sqrt multiply exp" in text
    assert "reads 2, writes 1, 32.3 kB, 10 000 operations" in text


def test_mermaid() -> None:
    head, *lines = tn.explain(two_kernels()).mermaid().splitlines()
    assert head == "flowchart TD"
    assert "    kernel1 --> kernel2" in lines
    assert '    input1_1["float64 50 x 40"]' in lines


def test_svg_is_well_formed() -> None:
    root = ElementTree.fromstring(tn.explain(two_kernels()).svg())
    kinds = [element.tag.rpartition("}")[2] for element in root]
    assert kinds.count("rect") == 5 and kinds.count("line") == 4
    sizes = {side: float(root.attrib[side]) for side in ("width", "height")}
    for element in root:
        if element.tag.endswith("rect"):
            x, y, width, height = (float(element.attrib[k]) for k in ("x", "y", "width", "height"))
            assert 0 <= x <= x + width <= sizes["width"]
            assert 0 <= y <= y + height <= sizes["height"]


def test_html() -> None:
    assert tn.explain(two_kernels())._repr_html_().startswith("<svg")
    array = two_kernels()
    html = array._repr_html_()
    assert "float64 40 x 50" in html and "2 kernels" in html
    assert "&#x27;" not in html and "<details>" in html
    assert "<details>" not in array._repr_html_()


def test_what_is_no_array() -> None:
    with pytest.raises(TypeError, match=r"trueno\.explain: expected TruenoArrays, not ndarray"):
        tn.explain(np.ones(3))
