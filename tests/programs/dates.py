"""Dates, time differences and business days."""

import numpy as np

days = np.arange("2024-02", "2024-03", dtype="datetime64[D]")
print(days[:3], days[-1], len(days))
prices = 100 + np.cumsum(np.sin(np.arange(len(days))))
week = days.astype("datetime64[W]")
for start in np.unique(week)[:3]:
    print(start, round(prices[week == start].mean(), 4))
print(np.diff(days)[:2], (days[5] - days[0]), (days[5] - days[0]) / np.timedelta64(1, "h"))
now = np.datetime64("2024-02-29T12:34:56")
print(now, now + np.timedelta64(36, "h"), now.astype("datetime64[M]"), now > days[0])
print(np.is_busday(days[:7]), np.busday_count("2024-02-01", "2024-03-01"))
print(np.busday_offset("2024-02-10", 0, roll="forward"))
stamps = np.array(["2020-01-01", "NaT", "2021-06-15"], dtype="datetime64[s]")
print(stamps, np.isnat(stamps), stamps.astype("int64")[[0, 2]])
print(np.sort(stamps), stamps.min() if not np.isnat(stamps).any() else "has NaT")
print(days[3].item(), days.dtype, repr(days[0]), np.datetime_as_string(now, unit="D"))
print(np.searchsorted(days, np.datetime64("2024-02-10")))
years = days.astype("datetime64[Y]").astype(int) + 1970
print(set(years.tolist()), np.timedelta64(90, "m").astype("timedelta64[s]"))
