"""Trueno's threads under threadpoolctl: ``threadpool_info()`` lists them, ``threadpool_limits``
limits them (user API "trueno").

Imported with Trueno where threadpoolctl has been imported before; else, once it has been,
``import trueno.threadpoolctl`` makes Trueno known to it.
"""

from __future__ import annotations

import threadpoolctl


class TruenoController(threadpoolctl.LibController):  # type: ignore[misc]
    """The thread pool of ``csrc/threads.c``, found by the name and symbols of its library."""

    user_api = "trueno"
    internal_api = "trueno"
    filename_prefixes = ("_simd",)
    check_symbols = ("trueno_get_num_threads", "trueno_set_num_threads")

    def get_num_threads(self) -> int:
        """Threads that a launch may use where ``trueno.config(threads=...)`` says nothing."""
        count: int = self.dynlib.trueno_get_num_threads()
        return count

    def set_num_threads(self, num_threads: int) -> None:
        """Sets that number, for the process. Less than usual, it limits ``trueno.config`` too."""
        self.dynlib.trueno_set_num_threads(num_threads)

    def get_version(self) -> None:
        """The library has no version of its own."""


threadpoolctl.register(TruenoController)
