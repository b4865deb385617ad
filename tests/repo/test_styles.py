"""The style sheet says each thing once, and only about what pages have."""

from __future__ import annotations

import re
from collections import Counter

from tests.repo.tree import SOURCE, files, text

WEB = SOURCE / "web"
STYLES = re.sub(r"/\*.*?\*/", "", text(WEB / "static" / "rollbook.css"), flags=re.DOTALL)


def test_each_selector_has_one_rule() -> None:
    """A class named twice would mean two things, or one thing in two places."""
    plain = re.sub(r"@media[^{]*\{(?:[^{}]*\{[^{}]*\})*\s*\}", "", STYLES)
    selectors = Counter(" ".join(one.split()) for one in re.findall(r"([^{}]+)\{", plain))
    assert len(selectors) > 80
    assert [one for one, times in selectors.items() if times > 1] == []


def test_every_class_is_used() -> None:
    pages = "".join(text(one) for one in files(within=WEB) if one.suffix in (".html", ".py", ".js"))
    named = {name for name in re.findall(r"\.(rb-[\w-]+)", STYLES) if name not in pages}
    made = {name for name in named if any(f"{start}-{{" in pages for start in [name.rsplit("-", 1)[0]])}
    assert named - made == set()
