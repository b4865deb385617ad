"""Rollbook: rosters in, grades out. The package root holds no code."""
