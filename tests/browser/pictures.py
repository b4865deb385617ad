"""Takes the pictures of the docs from the running pages, so that they never lie: script/docs --pictures.

They show a made-up district between practice systems. Not part of the tests: a picture differs with every clock.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.browser.installation import ROOT, Installation, chromium

PICTURES = ROOT / "docs" / "images" / "pages"
#: Name of the picture → the page's path in the organization.
PAGES = {
    "home": "",
    "select-sis": "select-sis/",
    "configuration": "configuration/",
    "schools": "schools/",
    "terms": "terms/",
    "users": "users/",
    "sections": "sections/",
    "plan": "plan/",
    "logs": "logs/",
    "what-moves": "what-moves/",
}
WIDE, HIGH = 1280, 900


def main() -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        installation = Installation(Path(folder))
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox", "--disable-gpu"])
        try:
            installation.mapped()
            page = browser.new_context(viewport={"width": WIDE, "height": HIGH}).new_page()
            installation.sign_in(page, "Ann", "--org", "maple", "--acting")
            page.goto(f"{installation.address}/o/maple/data-prep/")
            page.get_by_role("button", name="Skip this step knowingly").click()
            for side in ("schools", "terms"):
                page.goto(f"{installation.address}/o/maple/{side}/")
                for button in page.get_by_role("button", name="Read").all()[:1]:
                    button.click()
            for name, path in PAGES.items():
                page.goto(f"{installation.address}/o/maple/{path}")
                page.screenshot(path=PICTURES / f"{name}.png")
        finally:
            browser.close()
            installation.stop()


if __name__ == "__main__":
    main()
