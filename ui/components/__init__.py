"""Widgets that run in the browser: JavaScript beside a thin Python wrapper each."""
