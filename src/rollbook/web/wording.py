"""Rollbook's short remarks as sentences."""

from __future__ import annotations


def sentence(words: str) -> str:
    """`the year is missing` → `The year is missing.`"""
    words = words.rstrip(".")
    return f"{words[:1].upper()}{words[1:]}." if words else ""
