"""Identifiers that look random and are the same for the same seed and place. It holds no state."""

from __future__ import annotations

from hashlib import shake_128


def digest(seed: int, key: str, identifiers: int = 1) -> str:
    """Hexadecimal digits for this many identifiers, 32 each; a longer digest begins with the shorter one."""
    return shake_128(f"{seed}|{key}".encode()).hexdigest(16 * identifiers)


def identifier(digits: str, place: int = 0) -> str:
    """The UUID (version 4 layout) that stands at this place of a digest."""
    a = place * 32
    first = f"{digits[a : a + 8]}-{digits[a + 8 : a + 12]}-4{digits[a + 13 : a + 16]}"
    return f"{first}-a{digits[a + 17 : a + 20]}-{digits[a + 20 : a + 32]}"
