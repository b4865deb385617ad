"""Every Struct is learned before it is read (`roster/shapes.py` says why)."""

from __future__ import annotations

import ast

from tests.repo.tree import ROOT, name, python_files, text, tree

#: These hold no Struct.
_PLAIN = {"dict[str, Any]", "dict[str, msgspec.Raw]", "list[msgspec.Raw]"}


def _shape(call: ast.Call) -> ast.expr | None:
    """What a call of msgspec reads, if it reads something of a shape."""
    if not isinstance(call.func, ast.Attribute) or call.func.attr not in ("convert", "Decoder", "decode"):
        return None  # most calls, and writing a call out takes longer than looking at it
    called = ast.unparse(call.func)
    if called == "msgspec.convert":
        return call.args[1]
    if called == "msgspec.json.Decoder":
        return call.args[0]
    if called == "msgspec.json.decode":
        return next((one.value for one in call.keywords if one.arg == "type"), None)
    return None


def test_every_struct_is_learned_before_it_is_read() -> None:
    found = 0
    for path in python_files(within=ROOT / "src"):
        if path.name == "shapes.py" or "msgspec" not in text(path):
            continue
        for call in (node for node in ast.walk(tree(path)) if isinstance(node, ast.Call)):
            shape = _shape(call)
            if shape is None:
                continue
            words = ast.unparse(shape)
            found += 1
            assert words.startswith("learned(") or words in _PLAIN, f"{name(path)}:{call.lineno}: learned({words})"
    assert found > 10
