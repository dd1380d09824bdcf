"""Structured arrays and records."""

import numpy as np

person = np.dtype([("name", "U10"), ("age", "i4"), ("weight", "f8")])
people = np.array([("Ann", 33, 61.5), ("Bob", 25, 80.0), ("Cid", 47, 75.2)], dtype=person)
print(people)
print(people["name"], people["age"].mean(), people[1])
print(people[people["age"] > 30]["name"])
people["age"] += 1
people[0]["weight"] = 60.0
people[2] = ("Dora", 20, 55.0)
print(np.sort(people, order="age")["name"])
for record in people:
    print(f"{record['name']:>6} {record['age']:3d} {record['weight']:6.2f}")
print(people.dtype.names, people.dtype.itemsize, people.dtype.fields["age"][1])
records = people.view(np.recarray)
print(records.name, records.age.max(), type(records).__name__)
grid = np.zeros((2, 2), dtype=[("x", float), ("n", int)])
grid["x"] = [[1, 2], [3, 4]]
grid["n"][1] = 7
print(grid)
print(grid["x"].sum(axis=0), grid[0, 1]["x"])
nested = np.zeros(2, dtype=[("position", "f4", (3,)), ("tag", "S3")])
nested["position"][0] = 1, 2, 3
nested["tag"] = b"abc"
print(nested, nested["position"].shape)
both = np.rec.fromarrays([np.arange(3), np.ones(3)], names="a,b")
print(both.a, both["b"], both[1])
print(people["age"].dtype, people[["name", "age"]][0])
