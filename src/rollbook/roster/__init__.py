"""The words of the field: plain dataclasses and tables of words. No I/O, no Django."""
