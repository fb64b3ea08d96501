"""The book that tests of walks change is one that was lived in."""

from tests.audit.lived_in import lived_in

__all__ = ["lived_in"]
