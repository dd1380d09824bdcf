"""Arrays to files and back."""

import io
import os
import tempfile

import numpy as np

with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "table.csv")
    table = np.arange(12, dtype=float).reshape(4, 3) / 4
    np.savetxt(path, table, delimiter=",", header="a,b,c", fmt="%.3f")
    with open(path) as file:
        print(file.read())
    again = np.loadtxt(path, delimiter=",")
    print(np.array_equal(table, again), again.shape)
    a, b = np.loadtxt(path, delimiter=",", usecols=(0, 2), unpack=True)
    print(a, b)

    np.save(os.path.join(folder, "x.npy"), table)
    loaded = np.load(os.path.join(folder, "x.npy"))
    print(loaded.dtype, (loaded == table).all())
    np.savez_compressed(os.path.join(folder, "both.npz"), first=table, second=np.arange(3))
    with np.load(os.path.join(folder, "both.npz")) as archive:
        print(sorted(archive.files), archive["second"], archive["first"].sum())

    table.astype("<f4").tofile(os.path.join(folder, "raw.bin"))
    raw = np.fromfile(os.path.join(folder, "raw.bin"), dtype="<f4")
    print(raw.size, raw[-1], os.path.getsize(os.path.join(folder, "raw.bin")))

text = io.StringIO("name value\nx 1.5\ny nan\nz 3\n")
rows = np.genfromtxt(text, names=True, dtype=None, encoding="utf-8")
print(rows["name"], np.nanmean(rows["value"]))
print(np.genfromtxt(io.StringIO("1,2,\n4,,6"), delimiter=",", filling_values=-1))
print(np.fromstring("1 2 3", sep=" "), np.frombuffer(b"\x01\x02\x03", dtype=np.uint8))
out = io.BytesIO()
np.save(out, np.arange(4))
out.seek(0)
print(np.load(out), np.arange(3).tobytes().hex()[:16])
np.savetxt(io.StringIO(), [1, 2])
print(np.fromiter((i * i for i in range(5)), dtype=int))
