"""A person without a mouse: goes from stop to stop with Tab, and sees at each where they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Page

MOST_STOPS = 150
_STOP = """() => {
    const one = document.activeElement, box = one.getBoundingClientRect(), style = getComputedStyle(one);
    const labels = one.labels ? [...one.labels].map(label => label.innerText).join(" ") : "";
    const words = one === document.body ? "" : one.getAttribute("aria-label") || labels || one.innerText || "";
    const middle = document.elementFromPoint(box.x + Math.min(box.width, innerWidth) / 2, box.y + box.height / 2);
    return {
        name: words.replace(/\\s+/g, " ").replace(/[ *]+$/, "").trim(),
        tag: one.tagName.toLowerCase(),
        outlined: (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0) || style.boxShadow !== "none",
        inSight: box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth,
        uncovered: !middle || one.contains(middle) || middle.contains(one) || one.tagName === "BODY",
    };
}"""


@dataclass
class Keys:
    """The keyboard of a page."""

    page: Page

    def stop(self) -> dict[str, Any]:
        """What has the focus: `name`, `tag`, and whether one sees it."""
        found: dict[str, Any] = self.page.evaluate(_STOP)
        return found

    def tab(self, back: bool = False) -> dict[str, Any]:
        """One stop further; it must be seen that the focus is there."""
        self.page.keyboard.press("Shift+Tab" if back else "Tab")
        found = self.stop()
        if found["tag"] != "body":
            assert found["outlined"], f"no focus is seen at {found}"
            assert found["inSight"], f"the focus is out of sight at {found}"
            assert found["uncovered"], f"something covers the focus at {found}"
        return found

    def to(self, name: str, tag: str = "") -> None:
        """Tab to the stop of that name."""
        seen: list[str] = []
        while len(seen) < MOST_STOPS and seen.count("") < 2:  # twice past the end is all the way round
            found = self.tab()
            if found["name"] == name and tag in ("", found["tag"]):
                return
            seen.append(found["name"])
        raise AssertionError(f"no way to {name!r} with Tab; there are {seen}")

    def press(self, name: str, tag: str = "", key: str = "Enter") -> None:
        """Tab to a link or button and press it."""
        self.to(name, tag)
        self.page.keyboard.press(key)

    def open(self, name: str, tag: str = "") -> None:
        """Press what leads to another page, and be there."""
        self.to(name, tag)
        with self.page.expect_navigation():
            self.page.keyboard.press("Enter")

    def type(self, text: str) -> None:
        """Type where the focus is; in a drop-down, that chooses what begins so."""
        self.page.keyboard.type(text)
