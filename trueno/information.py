"""``python -m trueno info``: what a good bug report needs, as text and as JSON."""

from __future__ import annotations

import importlib
import importlib.metadata
import json
import os
import platform
from typing import Any

import numpy as np

from trueno import acceleration, cores, engine, machine, memory
from trueno.config import SETTINGS, THREADS

# Packages whose versions matter, where they are installed.
_PACKAGES = ("array-api-compat", "cffi", "scipy", "scikit-learn", "threadpoolctl", "wgpu")


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _blas() -> str:
    """The BLAS that NumPy was built with, which computes matrix products."""
    found: Any = np.show_config(mode="dicts")
    blas = found.get("Build Dependencies", {}).get("blas", {})
    return f"{blas.get('name', 'unknown')} {blas.get('version', '')}".strip()


def _threads(usual: int) -> dict[str, Any]:
    quota = cores.quota()
    named = os.environ.get("TRUENO_NUM_THREADS")
    return {
        "used": SETTINGS.get().threads or usual,
        "processors": os.cpu_count(),
        "affinity": cores.affinity(),
        "quota": None if quota == float("inf") else quota,
        "TRUENO_NUM_THREADS": named,
    }


def _adapters() -> list[dict[str, Any]]:
    """Every adapter, with the features and limits that kernels depend on."""
    try:
        device = importlib.import_module("trueno._backends.wgpu_device")
        found = device.adapters(device.load())
    except Exception as error:  # no driver, no library: said as it is
        return [{"error": f"{type(error).__name__}: {error}"}]
    limits = ("max-buffer-size", "max-storage-buffer-binding-size", "max-compute-workgroup-size-x")
    return [
        {
            "device": adapter.info["device"],
            "type": adapter.info["adapter_type"],
            "backend": adapter.info["backend_type"],
            "features": [name for name in device.FEATURES if name in adapter.features],
            "limits": {name: adapter.limits[name] for name in limits if name in adapter.limits},
        }
        for adapter in found
    ]


def collect() -> dict[str, Any]:
    """All of it, as JSON has it."""
    simd: Any = engine.backend("simd")
    gpu: Any = None if os.environ.get("TRUENO_GPU") == "off" else engine.backend("wgpu")
    settings = SETTINGS.get()
    file = machine.cache_file()
    replaced, replaceable = acceleration.replaced()
    return {
        "trueno": _version("trueno") or "0+unknown",
        "python": f"{platform.python_version()} ({platform.python_implementation()})",
        "platform": platform.platform(),
        "numpy": np.__version__,
        "packages": {name: v for name in _PACKAGES if (v := _version(name)) is not None},
        "processor": machine.identity(THREADS)[1] or platform.machine(),
        "instruction sets": {
            "used": simd.isa,
            "built": simd.built,
            "TRUENO_ISA": os.environ.get("TRUENO_ISA"),
        },
        "threads": _threads(simd.threads),
        "blas": _blas(),
        "gpu": {"used": gpu.gpu.info["device"] if gpu else None, "adapters": _adapters()},
        "backend": settings.backend,
        "thresholds": {
            "elements": settings.threshold,
            "calibrated": machine.current() is not machine.DEFAULT,
        },
        "numpy's loops": {"replaced": replaced, "can be": replaceable},
        "caches": {
            "figures": str(file) + ("" if file.exists() else " (not measured)"),
            "memory kept at most": memory.LIMIT,
        },
        "switches": {k: v for k, v in sorted(os.environ.items()) if k.startswith("TRUENO_")},
    }


def _lines(name: str, value: Any, depth: int = 0) -> list[str]:
    """``name  value``, with what is nested below it and indented."""
    head = f"{'  ' * depth}{name}"
    if isinstance(value, dict) and value:
        rest = [line for key, item in value.items() for line in _lines(key, item, depth + 1)]
        return [head, *rest]
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return [
            line
            for at, item in enumerate(value)
            for line in _lines(f"{name} {at + 1}", item, depth)
        ]
    if isinstance(value, list):
        value = ", ".join(map(str, value))
    shown = "none" if value in (None, {}, "") else value
    return [f"{head:<24} {shown}"]


def main(as_json: bool) -> int:
    """Prints what is known; the exit status."""
    found = collect()
    if as_json:
        print(json.dumps(found, indent=2))
    else:
        print("\n".join([line for name, value in found.items() for line in _lines(name, value)]))
    return 0
