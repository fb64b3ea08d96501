"""The book that these tests change is one that was lived in."""

from tests.audit.lived_in import lived_in

__all__ = ["lived_in"]
