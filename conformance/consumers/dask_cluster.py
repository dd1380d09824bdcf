"""Dask's schedulers with processes: chunks that travel, data larger than memory, lost workers."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator

import dask
import dask.array as da
import numpy as np
import psutil
import pytest
from dask.distributed import Client, LocalCluster, wait

import trueno as tn
from trueno import engine

GIGABYTE = 10**9


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    """A cluster of two worker processes of 2 GB."""
    with (
        dask.config.set({"distributed.worker.daemon": True}),
        LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            memory_limit="2GB",
            dashboard_address=None,
            host="127.0.0.1",
        ) as cluster,
        Client(cluster) as client,
    ):
        yield client


def _chunked(rows: int, columns: int, chunk: int) -> da.Array:
    """Chunks of ours with the numbers 0, 1, 2, ... in each row."""
    line = da.arange(columns, chunks=-1, dtype="float64")
    return da.broadcast_to(line, (rows, columns), chunks=(chunk, columns)).map_blocks(tn.array)


def _spread(x: tn.TruenoArray) -> tn.TruenoArray:
    """Elementwise work, fused into one kernel for each chunk."""
    return tn.sqrt(x * x + 1.0) - x


def _device(x: tn.TruenoArray) -> np.ndarray:
    return np.full((1, 1), x.device)


def _expected(rows: int, columns: int) -> float:
    line = np.arange(columns, dtype="float64")
    return float((np.sqrt(line * line + 1.0) - line).sum() * rows)


def test_processes_scheduler() -> None:
    x = _chunked(64, 1000, 16)
    with dask.config.set(scheduler="processes", num_workers=2):
        total = x.map_blocks(_spread).sum().compute()
        block = (x + 1)[:, :10].compute()
    assert isinstance(total, tn.TruenoArray)
    assert float(total) == pytest.approx(_expected(64, 1000))
    assert isinstance(block, tn.TruenoArray)
    np.testing.assert_array_equal(block[0], np.arange(10) + 1.0)


def test_chunks_travel_between_workers(client: Client) -> None:
    workers = list(client.scheduler_info()["workers"])
    x = client.submit(tn.arange, 100_000, dtype="float32", workers=workers[0])
    y = client.submit(lambda x: x * 2, x, workers=workers[1])
    result = y.result()
    assert isinstance(result, tn.TruenoArray)
    np.testing.assert_array_equal(result, np.arange(100_000, dtype="float32") * 2)


def test_a_device_is_kept_on_the_way(client: Client) -> None:
    x = client.scatter(tn.arange(10, device="cpu"))
    assert client.submit(lambda x: x.device, x).result() == "cpu"
    assert x.result().device == "cpu"


@pytest.mark.skipif(engine.backend("wgpu") is None, reason="no GPU")
def test_gpu_arrays_travel_between_workers(client: Client) -> None:
    first, second = client.scheduler_info()["workers"]
    x = client.submit(tn.arange, 100_000, dtype="float32", device="gpu", workers=first)
    y = client.submit(lambda x: x * 2 + 1, x, workers=second)
    assert client.submit(lambda y: y.device, y, workers=second).result() == "gpu"
    result = y.result()
    assert result.device == "gpu"
    np.testing.assert_array_equal(result, np.arange(100_000, dtype="float32") * 2 + 1)


@pytest.mark.skipif(engine.backend("wgpu") is None, reason="no GPU")
def test_chunks_pinned_to_gpus(client: Client) -> None:
    x = _chunked(64, 1000, 16).astype("float32").map_blocks(lambda b: b.to_device("gpu"))
    spread = x.map_blocks(_spread)
    devices = [block.map_blocks(_device).compute() for block in spread.blocks.ravel()]
    assert {str(device[0, 0]) for device in devices} == {"gpu"}
    assert float(spread.sum().compute()) == pytest.approx(_expected(64, 1000), rel=1e-3)
    halves = x.rechunk((32, 500))  # joins blocks that come from different workers
    assert float((halves.T @ halves).sum().compute()) == pytest.approx(64 * 499500.0**2, rel=1e-5)


def test_overlapping_and_linear_algebra(client: Client) -> None:
    numbers = np.random.default_rng(3).random((300, 200))
    x = da.from_array(numbers, chunks=(100, 200)).map_blocks(tn.asarray)
    smooth = x.map_overlap(lambda b: b + np.roll(b, 1, 0), depth={0: 1}, boundary="periodic")
    np.testing.assert_allclose(smooth.compute(), numbers + np.roll(numbers, 1, 0))
    np.testing.assert_allclose((x.T @ x).compute(), numbers.T @ numbers)
    values = da.linalg.svd(x)[1].compute()
    np.testing.assert_allclose(values, np.linalg.svd(numbers)[1])


def _memory(stop: threading.Event, peak: list[int]) -> None:
    """Notes the most memory that this process and its children held together."""
    ours = psutil.Process()
    while not stop.wait(0.05):
        held = 0
        for process in [ours, *ours.children(recursive=True)]:
            try:
                held += process.memory_info().rss
            except psutil.NoSuchProcess:
                continue
        peak[0] = max(peak[0], held)


def test_ten_gigabytes_in_less_than_four(client: Client) -> None:
    rows, columns = 1250, 1_000_000  # 10 GB of float64, in chunks of 80 MB
    stop, peak = threading.Event(), [0]
    watcher = threading.Thread(target=_memory, args=(stop, peak))
    watcher.start()
    try:
        total = float(_chunked(rows, columns, 10).map_blocks(_spread).sum().compute())
    finally:
        stop.set()
        watcher.join()
    assert total == pytest.approx(_expected(rows, columns), rel=1e-12)
    assert GIGABYTE // 10 < peak[0] < 4 * GIGABYTE


def test_a_killed_worker_is_made_good(client: Client) -> None:
    rows, columns = 400, 100_000
    pids = client.run(os.getpid)
    parts = _chunked(rows, columns, 10).map_blocks(_spread).persist()
    while not any(future.status == "finished" for future in client.futures.values()):
        time.sleep(0.01)
    os.kill(next(iter(pids.values())), signal.SIGKILL)
    wait(parts)
    assert float(parts.sum().compute()) == pytest.approx(_expected(rows, columns), rel=1e-12)
    client.wait_for_workers(2, timeout=30)
    assert set(client.run(os.getpid).values()) != set(pids.values())
