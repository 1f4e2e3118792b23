"""What a User-Agent says of a device: its operating system and its browser.

Browsers claim to be each other, so the order of the marks decides: the most particular first.
"""

from __future__ import annotations

import re
from functools import lru_cache

_SYSTEMS = (
    ("iPad", "iPad"), ("iPhone", "iPhone"), ("iPod", "iPod"), ("Windows Phone", "Windows Phone"),
    ("Android", "Android"), ("PlayStation", "PlayStation"), ("Xbox", "Xbox"), ("Nintendo", "Nintendo"),
    ("SmartTV", "television"), ("SMART-TV", "television"), ("CrOS", "Chromebook"),
    ("Macintosh", "Mac"), ("Darwin/", "Apple device"), ("X11; Linux", "Linux"), ("Linux", "Linux"),
)  # fmt: skip
_BROWSERS = (
    ("Edg", "Edge"), ("OPR/", "Opera"), ("Opera", "Opera"), ("UCBrowser", "UC Browser"),
    ("MQQBrowser", "QQ Browser"), ("MicroMessenger", "WeChat"), ("YaBrowser", "Yandex Browser"),
    ("SamsungBrowser", "Samsung Browser"), ("Firefox", "Firefox"), ("FxiOS", "Firefox"), ("CriOS", "Chrome"),
    ("Chrom", "Chrome"), ("MSIE", "Internet Explorer"), ("Trident", "Internet Explorer"), ("Safari", "Safari"),
)  # fmt: skip
_REMEMBERED = 4096
"""User-Agents: the same few come every day."""
_WINDOWS = {"5.1": "XP", "6.0": "Vista", "6.1": "7", "6.2": "8", "6.3": "8.1", "10.0": "10 or 11"}
_WINDOWS_VERSION = re.compile(r"Windows NT (\d+\.\d+)")


@lru_cache(maxsize=_REMEMBERED)
def operating_system(user_agent: str) -> str | None:
    """Return what runs the device, or None where the text does not say; programs such as curl do not."""
    version = _WINDOWS_VERSION.search(user_agent)
    if version:
        return f"Windows {_WINDOWS.get(version[1], version[1])}"
    return next((system for mark, system in _SYSTEMS if mark in user_agent), None)


@lru_cache(maxsize=_REMEMBERED)
def browser(user_agent: str) -> str | None:
    """Return the family of the browser, or None."""
    return next((family for mark, family in _BROWSERS if mark in user_agent), None)


def describe(user_agent: str) -> str | None:
    """Return a device as a reader would call it, such as ``iPad, Safari``; None where nothing is told."""
    parts = [part for part in (operating_system(user_agent), browser(user_agent)) if part]
    return ", ".join(parts) or None
