"""What of the ``wgpu`` package is reached beside its documented interface, each with a way round.

``wgpu`` is imported by ``load`` only, when a GPU is first considered.
"""

from __future__ import annotations

import os
import sys
import tempfile
from contextlib import suppress
from importlib import import_module
from types import ModuleType
from typing import Any


def load() -> ModuleType:
    """The ``wgpu`` package, kept from probing OpenGL, which is slow and has no compute to speak
    of."""
    fresh = "wgpu" not in sys.modules
    wgpu = import_module("wgpu")
    if fresh:
        # Only before an instance exists, and the module is wgpu's own affair: without it, no harm.
        with suppress(ImportError, AttributeError, RuntimeError, ValueError):
            extras = import_module("wgpu.backends.wgpu_native.extras")
            extras.set_instance_extras(backends=["Vulkan", "Metal", "DX12"])
    return wgpu


def trusted_module(device: Any, text: str) -> Any:
    """A shader module without run-time checks of indices and loops.

    The modules that this package generates reach no element outside of its operands, and Vulkan's
    robust buffer access stands behind that. wgpu has the function in its native library only;
    where that has changed, modules are checked.
    """
    try:
        native = import_module("wgpu.backends.wgpu_native._api")
        source = native.new_struct_p("WGPUShaderSourceWGSL *", code=native.to_c_string_view(text))
        source[0].chain.next = native.ffi.NULL
        source[0].chain.sType = native.lib.WGPUSType_ShaderSourceWGSL
        descriptor = native.new_struct_p(
            "WGPUShaderModuleDescriptor *",
            nextInChain=native.ffi.cast("WGPUChainedStruct *", source),
            label=native.to_c_string_view(""),
        )
        create = native.libf.wgpuDeviceCreateShaderModuleTrusted
        module = create(device._internal, descriptor, 0)
        return native.GPUShaderModule("", module, device)
    except (ImportError, AttributeError, KeyError):
        return device.create_shader_module(code=text)


def adapters(wgpu: ModuleType) -> list[Any]:
    """Every adapter but OpenGL's. On a machine without a desktop the Vulkan loader's window system
    code would complain on stderr that XDG_RUNTIME_DIR is not set, so for the moment it is."""
    name = "XDG_RUNTIME_DIR"
    unset = name not in os.environ and sys.platform == "linux"
    if unset:
        os.environ[name] = tempfile.gettempdir()
    try:
        found = wgpu.gpu.enumerate_adapters_sync()
    finally:
        if unset:
            del os.environ[name]
    return [adapter for adapter in found if adapter.info["backend_type"] != "OpenGL"]


class Commands:
    """What a dispatch asks of a compute pass, by wgpu's own methods."""

    def dispatch(
        self,
        compute: Any,
        pipeline: Any,
        group: Any,
        offsets: list[int],
        immediates: bytes,
        grid: tuple[int, int],
    ) -> None:
        """Sets what is not None, and dispatches."""
        if pipeline is not None:
            compute.set_pipeline(pipeline)
        if group is not None:
            compute.set_bind_group(0, group, offsets)
        if immediates:
            compute.set_immediates(0, immediates, 0, len(immediates))
        compute.dispatch_workgroups(*grid)


class NativeCommands(Commands):
    """The same by the functions beneath, in a third of the time. What is wrong in a pass is told
    when it ends, so that nothing is lost by not asking after each call."""

    def __init__(self) -> None:
        native = import_module("wgpu.backends.wgpu_native._api")
        lib, ffi = native.lib, native.ffi
        self._pipeline = lib.wgpuComputePassEncoderSetPipeline
        self._group = lib.wgpuComputePassEncoderSetBindGroup
        self._immediates = lib.wgpuComputePassEncoderSetImmediates
        self._dispatch = lib.wgpuComputePassEncoderDispatchWorkgroups
        self._null, self._bytes = ffi.NULL, ffi.from_buffer

    def dispatch(
        self,
        compute: Any,
        pipeline: Any,
        group: Any,
        offsets: list[int],
        immediates: bytes,
        grid: tuple[int, int],
    ) -> None:
        if offsets:
            super().dispatch(compute, pipeline, group, offsets, immediates, grid)
            return
        encoder = compute._internal
        if pipeline is not None:
            self._pipeline(encoder, pipeline._internal)
        if group is not None:
            self._group(encoder, 0, group._internal, 0, self._null)
        if immediates:
            self._immediates(encoder, 0, self._bytes(immediates), len(immediates))
        self._dispatch(encoder, *grid, 1)


def commands() -> Commands:
    """The fastest that this wgpu has."""
    try:
        return NativeCommands()
    except (ImportError, AttributeError):
        return Commands()
