"""How a person gets into a page, in Chromium, and what others on the machine are sent of it."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

from pages import make_collection, printed_address, started

from tvcli.cli import run


def test_reload_another_tab_another_browser(chromium: Any, tmp_path: Path) -> None:
    make_collection(tmp_path, run)
    with started(tmp_path, "gallery", "photos.tvx") as (address, stderr):
        home = address.partition("#")[0]
        context = chromium.new_context()
        page = context.new_page()
        page.goto(address)
        page.wait_for_selector("#results li")
        assert page.url == home
        assert context.cookies() == []
        page.reload()
        page.wait_for_selector("#results li")
        page.wait_for_function("() => [...document.images].every((one) => one.naturalWidth > 0)")
        tab = context.new_page()  # the address that was used opens another tab of this browser
        tab.goto(address)
        tab.wait_for_selector("#results li")
        assert tab.url == home
        other = chromium.new_context().new_page()  # and none of another
        other.goto(address)
        other.wait_for_selector("dialog.ask")
        assert other.locator("#results li").count() == 0
        other.fill("dialog.ask input", printed_address(stderr))
        other.press("dialog.ask input", "Enter")
        other.wait_for_selector("#results li")
        assert other.locator("dialog.ask").count() == 0


def test_another_server_of_this_machine_is_sent_nothing(chromium: Any, tmp_path: Path) -> None:
    heard: list[str] = []

    class Other(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            heard.append(f"{self.path}\n{self.headers}")
            self.send_response(200)
            self.end_headers()

        def log_message(self, *about: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Other)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    make_collection(tmp_path, run)
    try:
        with started(tmp_path, "gallery", "photos.tvx") as (address, _):
            page = chromium.new_context().new_page()
            page.goto(address)
            page.wait_for_selector("#results li")
            session = json.loads(page.evaluate("() => localStorage.tv"))
            page.goto(f"http://127.0.0.1:{server.server_port}/")
            assert page.evaluate("() => localStorage.tv") is None
    finally:
        server.shutdown()
        server.server_close()
    told = "".join(heard)
    assert heard and "ookie" not in told
    assert not any(secret in told for secret in (*session.values(), address.partition("=")[2]))
