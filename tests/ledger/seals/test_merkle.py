"""The tree of RFC 6962: published vectors, every proof of small trees, and no other."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.ledger.seals.merkle import (
    EMPTY_ROOT,
    GROUP,
    LEVELS_APART,
    Edge,
    Node,
    Span,
    consistency_path,
    edge_nodes,
    hash_of,
    inclusion_path,
    is_consistent,
    is_included,
    kept_nodes,
    leaf_hash,
    node_hash,
    root_of,
)

MOST = 300
OTHER = leaf_hash(b"other")

# The vectors of the Certificate Transparency reference implementation (merkle_tree_test.cc), as
# transparency-dev/merkle publishes them too (testonly/constants.go, cmd/proofgen).
LEAVES = [
    bytes.fromhex(leaf)
    for leaf in (
        "", "00", "10", "2021", "3031", "40414243", "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]  # fmt: skip
ROOTS = (
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
FIRST = "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
SECOND = "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"
FIRST_TWO = "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"
THIRD_AND_FOURTH = "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e"
FIRST_FOUR = "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"
FIFTH = "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"
FIFTH_AND_SIXTH = "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a"
SEVENTH = "b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f"
LAST_TWO = "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0"
LAST_FOUR = "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"
INCLUSIONS = (
    (0, 1, ()),
    (0, 8, (SECOND, THIRD_AND_FOURTH, LAST_FOUR)),
    (5, 8, (FIFTH, LAST_TWO, FIRST_FOUR)),
    (2, 3, (FIRST_TWO,)),
    (1, 5, (FIRST, THIRD_AND_FOURTH, FIFTH)),
)
CONSISTENCIES = (
    (1, 1, ()),
    (1, 8, (SECOND, THIRD_AND_FOURTH, LAST_FOUR)),
    (6, 8, (FIFTH_AND_SIXTH, LAST_TWO, FIRST_FOUR)),
    (2, 5, (THIRD_AND_FOURTH, FIFTH)),
    (6, 7, (FIFTH_AND_SIXTH, SEVENTH, FIRST_FOUR)),
)


def in_hex(hashes: Sequence[bytes]) -> list[str]:
    return [found.hex() for found in hashes]


def hashes_of(spans: Sequence[Span], leaves: Sequence[bytes]) -> list[bytes]:
    """Compute subtrees from the leaves alone, as the RFC defines them."""
    return [root_of(leaves[start:end]) for start, end in spans]


def test_hashes_are_those_that_are_published() -> None:
    assert EMPTY_ROOT.hex() == ROOTS[0]
    expected = "395aa064aa4c29f7010acfe3f25db9485bbd4b91897b6ad7ad547639252b4d56"
    assert leaf_hash(b"L123456").hex() == expected
    expected = "aa217fe888e47007fa15edab33c2b492a722cb106c64667fc2b044444de66bbb"
    assert node_hash(b"N123", b"N456").hex() == expected


@pytest.mark.parametrize("size", range(9))
def test_roots_are_those_that_are_published(size: int) -> None:
    leaves = [leaf_hash(leaf) for leaf in LEAVES[:size]]
    edge = Edge(0)
    edge.append(leaves)

    assert root_of(leaves).hex() == edge.root().hex() == ROOTS[size]


@pytest.mark.parametrize(("index", "size", "path"), INCLUSIONS)
def test_inclusion_proofs_are_those_that_are_published(
    index: int, size: int, path: Sequence[str]
) -> None:
    leaves = [leaf_hash(leaf) for leaf in LEAVES]
    hashes = hashes_of(inclusion_path(index, size), leaves)

    assert in_hex(hashes) == list(path)
    assert is_included(leaves[index], index, size, hashes, bytes.fromhex(ROOTS[size]))


@pytest.mark.parametrize(("old", "new", "path"), CONSISTENCIES)
def test_consistency_proofs_are_those_that_are_published(
    old: int, new: int, path: Sequence[str]
) -> None:
    leaves = [leaf_hash(leaf) for leaf in LEAVES]
    hashes = hashes_of(consistency_path(old, new), leaves)
    old_root, new_root = bytes.fromhex(ROOTS[old]), bytes.fromhex(ROOTS[new])

    assert in_hex(hashes) == list(path)
    assert is_consistent(old, new, old_root, new_root, hashes)


# Trees of up to 300 leaves, each root computed once.


class Forest:
    """A tree of 300 leaves with the root of each of its sizes, and its kept nodes."""

    def __init__(self) -> None:
        self.leaves = [leaf_hash(b"%d" % number) for number in range(MOST)]
        self.roots = [root_of(self.leaves[:size]) for size in range(MOST + 1)]
        self.kept: dict[Node, bytes] = {(0, at): leaf for at, leaf in enumerate(self.leaves)}
        made = Edge(0).append(self.leaves)
        self.kept |= {(level, number): found for level, number, found in made}
        self.spans: dict[Span, bytes] = {}

    def hashes(self, spans: Sequence[Span]) -> list[bytes]:
        """Fold subtrees from kept nodes, as the service does; each only once."""
        for span in spans:
            if span not in self.spans:
                self.spans[span] = hash_of(span, self.kept)
        return [self.spans[span] for span in spans]


@cache
def forest() -> Forest:
    return Forest()


def test_kept_nodes_are_the_roots_of_what_they_cover() -> None:
    trees = forest()
    above = {node: found for node, found in trees.kept.items() if node[0]}

    assert above.keys() == {(4, number) for number in range(18)} | {(8, 0)}
    for (level, number), found in above.items():
        assert found == root_of(trees.leaves[number << level : number + 1 << level])


def test_every_leaf_of_every_size_is_proved_to_be_there() -> None:
    trees = forest()
    for size in range(1, MOST + 1):
        for index in range(size):
            path = trees.hashes(inclusion_path(index, size))
            assert is_included(trees.leaves[index], index, size, path, trees.roots[size])


def test_every_size_is_proved_to_have_grown_out_of_every_smaller_one() -> None:
    trees = forest()
    for new in range(MOST + 1):
        for old in range(new + 1):
            path = trees.hashes(consistency_path(old, new))
            assert is_consistent(old, new, trees.roots[old], trees.roots[new], path)


def test_a_subtree_is_folded_from_at_most_eight_kept_nodes_for_each_of_its_parts() -> None:
    for size in (1, 16, 17, 255, 256, 299, 300):
        for index in range(size):
            for level, first, end in kept_nodes(inclusion_path(index, size)):
                assert level % LEVELS_APART == 0
                assert end - first <= GROUP // 2


def test_a_hash_is_not_folded_where_a_kept_node_is_missing() -> None:
    kept = dict(forest().kept)
    del kept[4, 3]

    with pytest.raises(KeyError):
        hash_of((0, 100), kept)


# What proves nothing.


def spoilt(path: Sequence[bytes]) -> Iterator[list[bytes]]:
    """Yield the path with a bit turned, a hash dropped, added or swapped with its neighbour."""
    for at, found in enumerate(path):
        turned = bytes([found[0] ^ 8, *found[1:]])
        yield [*path[:at], turned, *path[at + 1 :]]
        yield [*path[:at], *path[at + 1 :]]
        yield [*path[:at], found, *path[at:]]
    for at in range(len(path) + 1):
        for extra in (OTHER, b"", EMPTY_ROOT):
            yield [*path[:at], extra, *path[at:]]
    for at in range(len(path) - 1):
        yield [*path[:at], path[at + 1], path[at], *path[at + 2 :]]


SOME_SIZES = (1, 2, 3, 5, 8, 13, 16, 17, 31, 64, 100, 255, 256, 300)


@pytest.mark.parametrize("size", SOME_SIZES)
def test_a_changed_path_does_not_prove_that_a_leaf_is_there(size: int) -> None:
    trees = forest()
    for index in {0, 1, size // 3, size // 2, size - 2, size - 1} & set(range(size)):
        leaf, root = trees.leaves[index], trees.roots[size]
        path = trees.hashes(inclusion_path(index, size))
        for wrong in spoilt(path):
            assert not is_included(leaf, index, size, wrong, root)
        assert not is_included(OTHER, index, size, path, root)
        assert not is_included(leaf, index, size, path, OTHER)
        assert not is_included(leaf, index, size, path, EMPTY_ROOT)


@pytest.mark.parametrize("size", SOME_SIZES)
def test_a_path_proves_the_leaf_of_no_other_place(size: int) -> None:
    trees = forest()
    for index in {0, size // 2, size - 1}:
        leaf = trees.leaves[index]
        path = trees.hashes(inclusion_path(index, size))
        for other in {-1, *range(size + 2)} - {index}:
            assert not is_included(leaf, other, size, path, trees.roots[size])


def test_a_path_is_of_no_use_for_a_tree_of_another_height() -> None:
    trees = forest()
    path = trees.hashes(inclusion_path(5, 100))
    for size in (-1, 0, 5, 6, 50, 64, 200, 100_000):
        assert not is_included(trees.leaves[5], 5, size, path, trees.roots[100])


def test_nothing_is_in_an_empty_tree() -> None:
    assert not is_included(EMPTY_ROOT, 0, 0, [], EMPTY_ROOT)
    assert not is_included(OTHER, 1, 1, [], OTHER)
    assert not is_included(OTHER, 2, 1, [], OTHER)


PAIRS = list(itertools.combinations(SOME_SIZES, 2))


@pytest.mark.parametrize(("old", "new"), PAIRS)
def test_a_changed_path_does_not_prove_that_a_tree_has_grown(old: int, new: int) -> None:
    trees = forest()
    old_root, new_root = trees.roots[old], trees.roots[new]
    path = trees.hashes(consistency_path(old, new))

    for wrong in spoilt(path):
        assert not is_consistent(old, new, old_root, new_root, wrong)
    for wrong_root in (OTHER, EMPTY_ROOT, new_root, b""):
        assert not is_consistent(old, new, wrong_root, new_root, path)
    for wrong_root in (OTHER, EMPTY_ROOT, old_root, b""):
        assert not is_consistent(old, new, old_root, wrong_root, path)
    assert not is_consistent(old, new, old_root, new_root, [])


def test_a_path_proves_the_growth_of_no_other_size() -> None:
    trees = forest()
    for old, new in ((1, 8), (6, 8), (100, 300), (128, 300), (255, 256)):
        path = trees.hashes(consistency_path(old, new))
        for other in {-1, *range(MOST + 2)} - {old}:
            assert not is_consistent(other, new, trees.roots[old], trees.roots[new], path)


def test_a_tree_does_not_shrink() -> None:
    trees = forest()
    path = trees.hashes(consistency_path(6, 8))
    assert not is_consistent(8, 6, trees.roots[8], trees.roots[6], path)
    assert not is_consistent(8, 6, trees.roots[6], trees.roots[8], path)
    assert not is_consistent(1, 0, trees.roots[1], EMPTY_ROOT, [])


def test_trees_of_one_size_are_consistent_only_if_they_are_the_same() -> None:
    root = forest().roots[8]
    assert is_consistent(8, 8, root, root, [])
    assert not is_consistent(8, 8, root, OTHER, [])
    assert not is_consistent(8, 8, root, root, [OTHER])
    assert not is_consistent(-1, -1, root, root, [])


def test_every_tree_grows_out_of_the_empty_one() -> None:
    root = forest().roots[8]
    assert is_consistent(0, 8, EMPTY_ROOT, root, [])
    assert is_consistent(0, 0, EMPTY_ROOT, EMPTY_ROOT, [])
    assert not is_consistent(0, 8, OTHER, root, [])
    assert not is_consistent(0, 8, EMPTY_ROOT, root, [OTHER])
    assert not is_consistent(0, 0, EMPTY_ROOT, OTHER, [])
    assert not is_consistent(0, 0, OTHER, OTHER, [])
    assert not is_consistent(0, -1, EMPTY_ROOT, OTHER, [])


# The edge of a growing tree.


def edge_from(kept: Mapping[Node, bytes], size: int) -> Edge:
    """Load an edge from kept nodes, as of some size."""
    edge = Edge(size)
    for level, first, end in edge_nodes(size):
        edge.groups[level] = [kept[level, number] for number in range(first, end)]
    return edge


@given(batches=st.lists(st.integers(0, 40), max_size=12))
def test_leaves_added_in_any_batches_make_the_same_tree(batches: list[int]) -> None:
    trees = forest()
    edge, kept = Edge(0), {(0, at): leaf for at, leaf in enumerate(trees.leaves)}
    for batch in batches:
        if edge.size + batch > MOST:
            break
        made = edge.append(trees.leaves[edge.size : edge.size + batch])
        kept |= {(level, number): found for level, number, found in made}
        assert edge.root() == trees.roots[edge.size]
        reloaded = edge_from(kept, edge.size)
        assert reloaded.root() == trees.roots[edge.size]
        assert {level: group for level, group in edge.groups.items() if group} == reloaded.groups
    complete = {node for node in trees.kept if (node[1] + 1) << node[0] <= edge.size or not node[0]}
    assert kept == {node: trees.kept[node] for node in complete}


@given(size=st.integers(0, MOST), more=st.integers(0, MOST))
def test_an_edge_that_was_loaded_goes_on_growing(size: int, more: int) -> None:
    trees = forest()
    edge = edge_from(trees.kept, size)
    edge.append(trees.leaves[size : size + more])
    assert edge.root() == trees.roots[min(size + more, MOST)]
