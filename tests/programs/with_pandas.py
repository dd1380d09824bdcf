"""A table of pandas from arrays and back."""

import numpy as np
import pandas as pd

rng = np.random.default_rng(0)
frame = pd.DataFrame(
    {"x": np.arange(8), "y": rng.normal(size=8).round(3), "group": np.tile(["a", "b"], 4)}
)
frame["z"] = np.sqrt(frame["x"]) + np.where(frame["y"] > 0, 1, -1)
print(frame)
print(frame.groupby("group")["y"].mean().round(4))
print(frame.describe().round(3))
values = frame[["x", "y"]].to_numpy()
print(type(values).__name__, values.mean(axis=0).round(4), (values @ np.array([1.0, 2])).round(3))
frame["w"] = np.log1p(frame["x"].values) * 2
print(frame["w"].round(4).tolist())
frame.loc[frame["x"] > np.int64(5), "y"] = np.nan
print(frame["y"].isna().sum(), np.nanmean(frame["y"]).round(4), frame["y"].fillna(0).sum().round(3))
series = pd.Series(np.linspace(0, 1, 5), index=pd.date_range("2024-01-01", periods=5))
print(series.rolling(2).mean(), np.exp(series).round(4).iloc[-1], series.index.values[0])
print(pd.cut(np.array([1, 5, 9]), bins=np.array([0, 3, 6, 10])).tolist())
print(frame.pivot_table(index="group", values="x", aggfunc="sum"))
print(pd.DataFrame(np.arange(6).reshape(2, 3)).T.values.tolist(), pd.isna(np.array([1, np.nan])))
merged = frame.merge(pd.DataFrame({"group": ["a", "b"], "n": np.array([10, 20])}))
print(merged["n"].sum(), np.asarray(merged["n"])[:2], np.unique(merged["group"]))
mask = np.asarray(frame["x"]) % 3 == 0
frame.loc[mask, "x"] = np.arange(mask.sum())
frame[mask & (np.arange(8) > 3)] = frame.iloc[np.array([0])].values
print(frame[mask], frame.iloc[np.flatnonzero(~mask), 0].tolist(), frame.set_index(np.arange(8) * 2))
print(frame["x"].groupby(np.arange(8) // 3).sum().tolist(), pd.factorize(np.array([3, 1, 3])))
print(
    np.maximum(np.arange(8), frame["x"]).tolist(), (np.ones((2, 2)) - pd.DataFrame(np.eye(2))).sum()
)
