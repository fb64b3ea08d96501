"""The Merkle tree of RFC 6962, section 2.1: roots, and proofs of inclusion and consistency.

A tree only grows. Of its complete subtrees those of every fourth level are kept, the leaves
among them; any other hash is folded from at most eight that are kept. Proofs are checked as
RFC 9162 says in 2.1.3.2 and 2.1.4.2.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

HASH_BYTES = 32
LEVELS_APART = 4
GROUP = 1 << LEVELS_APART
EMPTY_ROOT = sha256(b"").digest()
# More than 63 hashes no proof has: that would be a tree of more than 2^63 leaves.
MOST_HASHES = 63

Span = tuple[int, int]  # leaves from the first until before the second
Node = tuple[int, int]  # level and number of a complete subtree: leaves number << level and on


def leaf_hash(entry: bytes) -> bytes:
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


def root_of(leaf_hashes: Sequence[bytes]) -> bytes:
    """Return the root over all leaves, as the RFC defines it."""
    if not leaf_hashes:
        return EMPTY_ROOT
    if len(leaf_hashes) == 1:
        return leaf_hashes[0]
    middle = _split(len(leaf_hashes))
    return node_hash(root_of(leaf_hashes[:middle]), root_of(leaf_hashes[middle:]))


def inclusion_path(index: int, size: int) -> list[Span]:
    """Return the subtrees whose hashes prove the leaf at `index`, from its sibling up."""
    start, end = 0, size
    spans = []
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            spans.append((middle, end))
            end = middle
        else:
            spans.append((start, middle))
            start = middle
    return spans[::-1]


def consistency_path(old_size: int, new_size: int) -> list[Span]:
    """Return the subtrees whose hashes prove that the new tree begins with the old one."""
    if old_size in (0, new_size):
        return []
    start, end = 0, new_size
    spans = []
    while old_size != end:
        middle = start + _split(end - start)
        if old_size <= middle:
            spans.append((middle, end))
            end = middle
        else:
            spans.append((start, middle))
            start = middle
    if start > 0:
        spans.append((start, end))
    return spans[::-1]


def is_included(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """Tell whether the path leads from the leaf hash at `index` to the root."""
    sides = _sides(index, size - 1, len(path)) if 0 <= index < size else None
    if sides is None:
        return False
    found = leaf
    for sibling, is_left in zip(path, sides, strict=True):
        found = node_hash(sibling, found) if is_left else node_hash(found, sibling)
    return found == root


def is_consistent(
    old_size: int, new_size: int, old_root: bytes, new_root: bytes, path: Sequence[bytes]
) -> bool:
    """Tell whether the path proves that nothing of the old tree was changed, only added to."""
    if not 0 <= old_size <= new_size or (old_size == 0 and old_root != EMPTY_ROOT):
        return False
    if old_size == new_size:
        return not path and old_root == new_root
    if old_size == 0:
        return not path
    # The largest complete subtree at the old tree's end is where both begin.
    level = _trailing_zeros(old_size)
    is_whole = old_size == 1 << level
    rest = [old_root, *path] if is_whole else list(path)
    sides = _sides(old_size - 1 >> level, new_size - 1 >> level, len(rest) - 1)
    if sides is None:
        return False
    old = new = rest[0]
    for sibling, is_left in zip(rest[1:], sides, strict=True):
        old = node_hash(sibling, old) if is_left else old
        new = node_hash(sibling, new) if is_left else node_hash(new, sibling)
    return (old, new) == (old_root, new_root)


def kept_nodes(spans: Sequence[Span]) -> list[tuple[int, int, int]]:
    """Return which kept nodes the hashes of these subtrees are folded from.

    Each is a level with the first number and the one after the last.
    """
    return [_kept(node) for span in spans for node in _complete(span)]


def hash_of(span: Span, kept: Mapping[Node, bytes]) -> bytes:
    """Fold a subtree's hash from kept nodes; raises KeyError where one is missing."""
    hashes = [_folded(_kept(node), kept) for node in _complete(span)]
    if not hashes:
        return EMPTY_ROOT
    found = hashes.pop()
    while hashes:
        found = node_hash(hashes.pop(), found)
    return found


@dataclass
class Edge:
    """The right edge of a tree: kept nodes that no kept node above covers yet, by level.

    That is all it takes to add leaves and to know the root.
    """

    size: int
    groups: dict[int, list[bytes]] = field(default_factory=dict)

    def append(self, leaf_hashes: Sequence[bytes]) -> list[tuple[int, int, bytes]]:
        """Add leaves; return the kept nodes that became complete: level, number, hash."""
        made: list[tuple[int, int, bytes]] = []
        level, added = 0, list(leaf_hashes)
        while added:
            group = self.groups.setdefault(level, [])
            number = self.size >> level + LEVELS_APART
            group.extend(added)
            added = [_perfect(group[at : at + GROUP]) for at in _whole_groups(group)]
            del group[: len(added) * GROUP]
            level += LEVELS_APART
            made.extend((level, number + at, found) for at, found in enumerate(added))
        self.size += len(leaf_hashes)
        return made

    def root(self) -> bytes:
        """Return the root of the tree."""
        kept = {
            (level, (self.size >> level) - len(group) + at): found
            for level, group in self.groups.items()
            for at, found in enumerate(group)
        }
        return hash_of((0, self.size), kept)


def edge_nodes(size: int) -> list[tuple[int, int, int]]:
    """Return which kept nodes make up the edge of a tree: level, first number, one after last."""
    nodes, level = [], 0
    while size >> level:
        first, end = size >> level + LEVELS_APART << LEVELS_APART, size >> level
        if first < end:
            nodes.append((level, first, end))
        level += LEVELS_APART
    return nodes


def _split(size: int) -> int:
    """Return the largest power of two below `size`."""
    return 1 << (size - 1).bit_length() - 1


def _sides(number: int, last: int, count: int) -> list[bool] | None:
    """Return for each of `count` siblings whether it stands left, on the way from a node up.

    None where the way to the root has not that many.
    """
    sides = []
    for _ in range(count):
        if last == 0:
            return None
        is_left = bool(number & 1) or number == last
        if is_left and number:
            level = _trailing_zeros(number)
            number, last = number >> level, last >> level
        sides.append(is_left)
        number, last = number >> 1, last >> 1
    return sides if last == 0 else None


def _trailing_zeros(number: int) -> int:
    return (number & -number).bit_length() - 1


def _complete(span: Span) -> Iterator[Node]:
    """Yield the complete subtrees that a span is made of, left to right."""
    start, end = span
    while start < end:
        level = (end - start).bit_length() - 1
        if start:
            level = min(level, _trailing_zeros(start))
        yield level, start >> level
        start += 1 << level


def _kept(node: Node) -> tuple[int, int, int]:
    level, number = node
    above = level % LEVELS_APART
    return level - above, number << above, number + 1 << above


def _folded(kept: tuple[int, int, int], hashes: Mapping[Node, bytes]) -> bytes:
    level, first, end = kept
    return _perfect([hashes[level, number] for number in range(first, end)])


def _perfect(hashes: Sequence[bytes]) -> bytes:
    """Fold a power of two of neighbours into one."""
    level = list(hashes)
    while len(level) > 1:
        level = [node_hash(*pair) for pair in zip(level[::2], level[1::2], strict=True)]
    return level[0]


def _whole_groups(group: Sequence[bytes]) -> range:
    return range(0, len(group) - GROUP + 1, GROUP)
