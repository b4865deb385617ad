"""Static files, as a server behind an event loop sends them: whole, and without a warning."""

from __future__ import annotations

from tests.web.asking import Site


def test_a_file_is_sent_whole(site: Site) -> None:  # a warning of the server's thread is an error here
    page = site.get("/static/rollbook.css")
    assert page.status == 200
    assert page.headers["Content-Type"].startswith("text/css")
    assert int(page.headers["Content-Length"]) == len(page.text.encode())
    assert "max-age=3600" in page.headers["Cache-Control"]
    assert site.get("/static/rollbook.css", "HEAD").text == ""


def test_parts_and_what_has_not_changed(site: Site) -> None:
    part = site.get("/static/rollbook.css", Range="bytes=0-9")
    assert (part.status, len(part.text)) == (206, 10)
    stamp = site.get("/static/rollbook.css").headers["Last-Modified"]
    same = site.get("/static/rollbook.css", **{"If-Modified-Since": stamp})
    assert (same.status, same.text) == (304, "")
    assert site.get("/static/nothing.css").status == 404
