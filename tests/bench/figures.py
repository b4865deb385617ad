"""Turns results into a page that people read. Measures nothing."""

from __future__ import annotations

from typing import Any

_HEAD = """\
# Figures

Written by `script/bench` from `tests/bench/results.json`; do not edit. Figures as measured, met or not. Everything runs
on one machine that may have had other work to do: `load` is the load average just before a bench began. Ratios and
medians of interleaved runs mean more than single times.
"""


def page(results: dict[str, Any]) -> str:
    machine = results["machine"]
    about = (
        f"{machine['cores']} cores of {machine['cpu']}, {machine['memory_gib']} GiB, {machine['system']}, "
        f"Python {machine['python']}, DuckDB {machine['duckdb']}."
    )
    return "\n".join([_HEAD, about, "", *(section(name, found) for name, found in results["benches"].items())])


def section(name: str, found: dict[str, Any]) -> str:
    """One bench: what was measured, the target where there is one, and whether it is met."""
    about = found.get("about", "").strip()
    lines = [f"## {name}", ""]
    lines += [about, ""] if about else []
    lines += [f"{found['students']:,} students, {found['date']}, load {found['load_before']}.", ""]
    lines += ["| | Measured | Target | |", "| --- | ---: | ---: | --- |"]
    lines += [_row(one) for one in found["figures"]]
    return "\n".join([*lines, ""])


def _row(one: dict[str, Any]) -> str:
    target, met = "", ""
    for word, sign in (("at_most", "≤"), ("at_least", "≥")):
        if word in one:
            aim = f"{one[word]:g} ×" if one["unit"] == "×" else _number(one[word], one["unit"])
            target, met = f"{sign} {aim}", "met" if one["met"] else "**not met**"
    return f"| {one['name']} | {_number(one['value'], one['unit'])} | {target} | {met} |"


def _number(value: float, unit: str) -> str:
    if unit == "%":
        return f"{value * 100:.1f} %"
    if unit == "×":
        return f"{value:.3f} ×" if value < 2 else f"{value:.2f} ×"
    digits = 0 if value >= 1000 or float(value).is_integer() else 1 if value >= 100 else 2
    return f"{value:,.{digits}f} {unit}".strip()
