"""What WCAG asks of a page that a program can tell: axe's rules, and the contrast of borders.

The dark scheme is another set of colours and nothing else, which is seen to in each page: so axe's
rules of colours alone are asked again there.
"""

import json
from pathlib import Path
from typing import Any

import pytest

LEVELS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
SCHEMES = {
    "light": {
        "runOnly": {"type": "tag", "values": LEVELS},
        "rules": {"target-size": {"enabled": True}},  # 2.5.8, off unless it is asked for
    },
    "dark": {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}},
}
RUN = """options => axe.run({ ...options, resultTypes: ["violations"] })
  .then(({ violations }) => violations)"""
# What a rule for the dark scheme sets that is no colour.
NOT_COLOURS = """() => [...document.styleSheets].flatMap((sheet) => [...sheet.cssRules])
  .filter((rule) => rule.conditionText?.includes("prefers-color-scheme"))
  .flatMap((media) => [...media.cssRules])
  .flatMap(({ selectorText, style }) => [...style]
    .filter((name) => !CSS.supports("color", style.getPropertyValue(name).trim()))
    .map((name) => `${selectorText}: ${name}`))"""
LEAST_BORDER = 3.0  # WCAG 1.4.11: what shows where a control is
CONTRASTS = (Path(__file__).parent / "browser" / "contrasts.js").read_text("utf-8")


def violations(page: Any) -> list[str]:
    """Return what a page violates in its light and its dark scheme, one line each.

    Skips the test where axe is not installed.
    """
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed"
    ).Axe()
    if not page.evaluate("'axe' in window"):
        page.evaluate(axe.axe_script)
    found = [f"dark: more than a colour: {one}" for one in page.evaluate(NOT_COLOURS)]
    for scheme, options in SCHEMES.items():
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        for violation in page.evaluate(RUN, options):
            for node in violation["nodes"]:
                told = [check["message"] for kind in ("any", "all", "none") for check in node[kind]]
                found.append(f"{scheme}: {violation['id']}: {node['html'][:160]}: {told}")
        faint = [one for one in page.evaluate(CONTRASTS) if one["contrast"] < LEAST_BORDER]
        found += [f"{scheme}: faint border: {json.dumps(one)}" for one in faint]
    return found
