"""Facts of the machine that figures were measured on. No path, no name of a host or a person."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import psutil


def facts() -> dict[str, Any]:
    """Cores, memory, CPU model, and versions of what does the work."""
    return {
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "cpu": _cpu(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "duckdb": duckdb.__version__,
    }


def today() -> str:
    return datetime.now(UTC).date().isoformat()


def _cpu() -> str:
    cpus = Path("/proc/cpuinfo")
    if cpus.exists():
        lines = [line.partition(":") for line in cpus.read_text(encoding="utf-8").splitlines()]
        named = {name.strip(): value.strip() for name, _, value in reversed(lines)}
        words = named.get("model name") or named.get("Processor")
        if words:
            more = [f"{key} {named[key]}" for key in ("cpu family", "model") if key in named]
            return f"{words} ({', '.join(more)})" if more else words
    return platform.processor() or "not told"
