"""Holds: points promised to somebody, pinned in their lots and posted only when captured."""
