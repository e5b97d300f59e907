"""Debian's Chromium, headless: its shell without a window, where there is one.

A page of its own costs the whole browser four times the processor time, for windows nobody sees.
"""

from pathlib import Path

CHROMIUM = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SHELL, WHOLE = "/usr/bin/chromium-headless-shell", "/usr/bin/chromium"
PROGRAM = SHELL if Path(SHELL).exists() else WHOLE
