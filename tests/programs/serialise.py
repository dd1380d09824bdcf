"""Results as JSON, pickles and copies."""

import copy
import json
import pickle

import numpy as np


class Encoder(json.JSONEncoder):
    def default(self, o):
        if isinstance(o, np.ndarray):
            return o.tolist()
        if isinstance(o, np.integer):
            return int(o)
        if isinstance(o, np.floating):
            return float(o)
        return super().default(o)


class Model:
    def __init__(self):
        self.weights = np.linspace(0, 1, 5)
        self.steps = np.int64(3)


result = {"mean": np.arange(5).mean(), "n": np.arange(5).sum(), "x": np.eye(2), "loss": 0.5}
print(json.dumps(result, cls=Encoder, sort_keys=True))
print(json.dumps({"x": np.arange(3).tolist(), "y": float(np.float32(0.5))}))
try:
    json.dumps({"x": np.arange(3)})
except TypeError as error:
    print("TypeError:", str(error).startswith("Object of type"))
print(json.dumps(np.arange(4.0).mean()))

model = pickle.loads(pickle.dumps(Model()))
print(model.weights, model.steps, type(model.steps).__name__)
for protocol in range(2, 6):
    x = pickle.loads(pickle.dumps(np.arange(6).reshape(2, 3)[:, ::2], protocol))
    assert isinstance(x, np.ndarray) and x.tolist() == [[0, 2], [3, 5]]
print(pickle.loads(pickle.dumps(np.float64(1.5))), pickle.loads(pickle.dumps(np.sqrt))(16.0))
print(pickle.loads(pickle.dumps(np.random.default_rng(1))).random())
rng = pickle.loads(pickle.dumps(np.random.RandomState(1)))
print(
    rng.rand(),
    pickle.loads(pickle.dumps(np.dtype("f4"))),
    pickle.loads(pickle.dumps(np.sum))([1, 2]),
)
a = np.arange(3)
b, c = copy.copy(a), copy.deepcopy({"a": a, "again": a})
a[0] = 9
print(a, b, c["a"], c["a"] is c["again"])
print(eval(repr(np.arange(3)), {"array": np.array}), json.loads(json.dumps(a.tolist())))
print(bytes(np.arange(3, dtype=np.uint8)), np.arange(3, dtype=np.uint8).data.tolist())
