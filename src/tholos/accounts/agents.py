"""What a browser or program says it is, in a few words. Pure; it is a hint for people, and decides nothing."""

from __future__ import annotations

import re

_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR", "Opera"),
    ("Vivaldi", "Vivaldi"),
    ("SamsungBrowser", "Samsung Internet"),
    ("FxiOS", "Firefox"),
    ("Firefox", "Firefox"),
    ("CriOS", "Chrome"),
    ("HeadlessChrome", "Chrome"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
"""What is looked for, the most telling first: most of them name the others as well."""
_SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)
_LENGTH = 80
_PROGRAM = re.compile(r"[!-~]+(?: [!-~]+)*")


def words(agent: str) -> str:
    """``Firefox on Linux`` of a User-Agent header; of a program what it says itself, cut short."""
    browser = next((name for key, name in _BROWSERS if re.search(rf"\b{key}[\w]*/", agent)), "")
    system = next((name for key, name in _SYSTEMS if key in agent), "")
    if browser:
        return f"{browser} on {system}" if system else browser
    return " ".join(_PROGRAM.findall(agent))[:_LENGTH]
