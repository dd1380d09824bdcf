"""Tables of pandas made of TruenoArrays, indexed by them, computed with them, and back."""

from __future__ import annotations

import operator
import pickle
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import trueno as tn
from tests.mixed import A, B, K, V, agree
from trueno.pandas import FUNCTIONS, METHODS, register


def _frame(c: Any) -> Any:
    pandas = pytest.importorskip("pandas")
    return pandas.DataFrame({"a": c(V), "k": c(K), "b": c(B)}, index=c(np.array([2, 3, 5, 7])))


def _assigned(c: Any) -> Any:
    frame = _frame(c)
    frame["d"] = c(V) * 2
    frame.loc[c(B), "a"] = c(V)[:2]
    frame.iloc[c(K)[:2], 1] = c(K)[2:]
    frame["e"] = frame["a"] + c(V)
    frame.loc[:, ["a", "d"]] *= c(V)[:, None]
    return frame


PANDAS: dict[str, Callable[[Any, Any], Any]] = {
    "frames": lambda pd, c: [
        _frame(c), pd.DataFrame(c(A)), pd.DataFrame(c(A), columns=list("wxyz")),
        pd.DataFrame([c(V), V]), pd.DataFrame(c(A.T)).T,
        _assigned(c), pd.DataFrame.from_dict({"p": c(V)}), pd.DataFrame.from_records(c(A)),
    ],
    "series": lambda pd, c: [
        pd.Series(c(V)), pd.Series(c(V), index=c(K)), pd.Series(c(K), dtype=float),
        pd.Series(c(B)), pd.Index(c(K)),
        pd.MultiIndex.from_arrays([c(K), c(V)]), pd.Categorical(c(K)),
    ],
    "operators": lambda pd, c: [
        f(x, y)
        for s in (pd.Series(V, name="s"),)
        for x, y in ((s, c(V)), (c(V), s), (s, c(V)[0]), (c(V)[0], s), (pd.Index(V), c(V)))
        for f in (operator.add, operator.truediv, operator.lt)
    ],
    "frames and operators": lambda pd, c: [
        pd.DataFrame(A) + c(V), c(A) - pd.DataFrame(A), pd.DataFrame(A) @ c(V),
        c(V)[:3] @ pd.DataFrame(A), c(A) * pd.DataFrame(A), pd.DataFrame(A) > c(A) / 2,
        pd.DataFrame(A).dot(c(A).T),
    ],
    "functions": lambda pd, c: [
        pd.cut(c(V), 2), pd.cut(c(V), bins=c(np.array([0.0, 1.5, 4.0]))), pd.factorize(c(K)),
        pd.unique(c(K)), pd.isna(c(V)), pd.notna(c(V)), pd.to_numeric(c(V)), pd.to_datetime(c(K)),
        pd.crosstab(c(K), c(B)), pd.qcut(c(V), 2, duplicates="drop"), pd.get_dummies(c(K)),
        pd.concat([pd.Series(c(V)), pd.Series(V)]), pd.to_timedelta(c(K)),
        pd.api.types.is_list_like(c(V)), pd.api.types.is_float_dtype(c(V).dtype),
    ],
    "methods": lambda pd, c: [
        pd.Series(V).isin(c(V)[:1]), pd.Series(V).where(c(B)), pd.Series(V).mask(c(B), c(-V)),
        pd.Series(V).clip(c(V) - 1, c(V)),
        pd.Series(V)[c(B)], pd.Series(V).iloc[c(K)], pd.Series(V).loc[c(K)],
        pd.Series(V).take(c(K)), pd.Series(V).reindex(c(K)), pd.Series(V).searchsorted(c(V)[1]),
        pd.Series(V).groupby(c(K)).sum(), pd.Series(V).dot(c(V)),
        pd.Series(V).combine_first(pd.Series(c(V))), pd.Series(V).repeat(c(K)),
        pd.Series(V).quantile(c(V) / 4),
    ],
    "groups": lambda pd, c: [
        _frame(c).groupby("k").mean(), _frame(c).groupby(c(K))["a"].sum(),
        _frame(c).sort_values("a"), _frame(c).merge(pd.DataFrame({"k": c(K), "z": c(V)})),
        _frame(c).describe(), _frame(c)[c(B)], _frame(c).assign(z=c(V)),
        _frame(c).apply(lambda column: column * 1).apply(np.sum), _frame(c).rolling(2).mean(),
        _frame(c).pivot_table(index="k", values="a"), _frame(c).set_index(c(K)),
    ],
    "numpy": lambda pd, c: [
        np.add(pd.Series(V), c(V)), np.add(c(V), pd.Series(V)), np.sqrt(pd.Series(c(V))),
        np.concatenate([pd.Series(V), c(V)]), np.where(c(B), pd.Series(V), c(V)),
        np.maximum(c(V), pd.Series(V)), np.dot(pd.DataFrame(A), c(V)),
        np.corrcoef(pd.Series(V), c(V)).round(9), np.isin(c(V), pd.Series(V)),
        np.interp(c(V), pd.Series([0.0, 4.0]), c(V)[:2]), c(V)[pd.Series(K)], c(V)[pd.Series(B)],
    ],
    "back": lambda pd, c: [
        c(_frame(c)["a"]), c(_frame(c)[["a", "k"]]), c(pd.Series(V)) + c(V),
        _frame(c)["a"].to_numpy() + c(V), _frame(c).values.shape, _frame(c)["a"].tolist(),
        c(pd.Series(V).values) * c(V),
    ],
    "written": lambda pd, c: _written(pd, c),
    "elements": lambda pd, c: [
        pd.Series([c(V)[1]]), pd.DataFrame({"x": [c(V)[0], 2.0]}),
        pd.Series(V).map(lambda x: x + c(V)[0]),
    ],
    "dates": lambda pd, c: [
        pd.Series(c(V), index=pd.date_range("2024-01-01", periods=4)).resample("2D").sum(),
        pd.DatetimeIndex(c(np.array(["2024-01-01", "2024-02-01"], "M8[ns]"))),
        pd.Series(c(np.array([1, 2], "m8[s]"))),
    ],
    "text": lambda pd, c: [
        _frame(c).to_csv(), _frame(c).to_json(), repr(_frame(c)), str(pd.Series(c(V))),
    ],
    "pickles": lambda pd, c: pickle.loads(pickle.dumps(_frame(c))),
}  # fmt: skip


def _written(pd: Any, c: Any) -> Any:
    """A column that is changed does not change what it was made of, and the other way round."""
    x = c(V)
    frame = pd.DataFrame({"a": x})
    frame.loc[0, "a"] = -1.0
    x[1] = -2.0
    return [x, frame]


@pytest.mark.parametrize("name", PANDAS)
@pytest.mark.parametrize("dropin", [False, True])
def test_pandas(name: str, dropin: bool, backend: str) -> None:
    pandas = pytest.importorskip("pandas")
    register()
    if dropin or name != "elements":  # ours are arrays of no axes, which pandas takes for objects
        with tn.config(dropin=dropin):
            agree(lambda c: PANDAS[name](pandas, c))


def test_what_is_replaced_is_there() -> None:
    """Of the version that is tested: what another lacks is left out."""
    pytest.importorskip("pandas")
    for module, names in FUNCTIONS.items():
        assert all(hasattr(sys.modules[module], name) for name in names)
    for (module, kind), names in METHODS.items():
        assert all(hasattr(getattr(sys.modules[module], kind), name) for name in names)
