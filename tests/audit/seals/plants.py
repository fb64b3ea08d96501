"""Changes by a superuser to what is sealed, one or more for each claim of the audit."""

from app.audit.seals.rebuilding import Claim
from tests.ledger.plants import Plant

SHORT = {
    "LEAF_5": "community_id = :id AND transfer_id = (SELECT transfer_id FROM seals"
    " WHERE community_id = :id AND leaf_index = 5)",
    "ZEROES": "decode(repeat('00', 32), 'hex')",
    "KEEP": "INSERT INTO unlinked_transfers SELECT :id, transfer_id, ",
    "OF_IT": ", now() FROM transfers WHERE ",
}
TRANSFERS_ARE_SEALED = "every transfer waits to be sealed or is sealed, once"
QUEUED_WAS_POSTED = "what waits to be sealed was posted"
UNLINKED_WAS_SEALED = "only what was sealed was unlinked"

# What a transfer says, each column changed to something that was possible too.
COLUMNS = {
    "posting_id": "posting_id + 1",
    "kind": "'gift'",
    "debit_account_id": "4",
    "credit_account_id": "credit_account_id + 1",
    "points": "points + 1",
    "source_kind": "'planted'",
    "source_id": "source_id + 1",
    "leg": "leg + 7",
    "memo": "memo || '。'",
    "rule_version_id": "rule_version_id + 1",
    "reverses_transfer_id": "transfer_id",
    "maker_id": "maker_id + 100",
    "checker_id": "checker_id + 100",
    "occurred_at": "occurred_at + interval '1 microsecond'",
    "posted_at": "posted_at - interval '1 microsecond'",
}


def change(check: str, sql: str, tells: str) -> Plant:
    """Return a plant, with what is written in short written out."""
    for short, long in SHORT.items():
        sql = sql.replace(short, long)
    return Plant(check, sql, tells)


PLANTS = [
    change(
        Claim.LEAVES_COUNTED,
        "DELETE FROM seals WHERE community_id = :id AND leaf_index = 3",
        "leaf 3: leaf 4, not a leaf",
    ),
    change(
        Claim.LEAVES_COUNTED,
        "UPDATE seals SET leaf_index = 100 WHERE community_id = :id AND leaf_index = 22",
        "leaf 22: leaf 100",
    ),
    change(
        Claim.SEALED_IS_THERE, "DELETE FROM transfers WHERE LEAF_5", r"transfer \d+, leaf 5: none"
    ),
    change(
        Claim.SALT_OR_KEPT,
        "UPDATE transfers SET salt = NULL WHERE LEAF_5",
        "leaf 5: no salt, not something kept",
    ),
    change(Claim.SALT_OR_KEPT, "KEEP '{}' OF_IT LEAF_5", "leaf 5: a salt, not nothing kept"),
    change(
        Claim.SEALED_WAITS_NO_MORE,
        "INSERT INTO seal_queue SELECT :id, transfer_id FROM transfers WHERE LEAF_5",
        "leaf 5: waits",
    ),
    *(
        change(
            Claim.AS_SEALED,
            f"UPDATE transfers SET {column} = {value} WHERE LEAF_5",  # noqa: S608 - from above
            r"leaf 5: [0-9a-f]{64}, not [0-9a-f]{64}",
        )
        for column, value in COLUMNS.items()
    ),
    change(
        Claim.AS_SEALED,
        "UPDATE transfers SET salt = ZEROES WHERE LEAF_5",
        "leaf 5: ",
    ),
    change(
        Claim.AS_SEALED,
        "WITH gone AS (UPDATE transfers SET salt = NULL WHERE LEAF_5)"
        """ KEEP '{"memo": 1}' OF_IT LEAF_5""",
        "leaf 5: [0-9a-f]{64}, not unreadable",
    ),
    change(
        Claim.AS_SEALED,
        "UPDATE seals SET leaf_hash = ZEROES WHERE community_id = :id AND leaf_index = 0",
        "leaf 0: 0{64}, not ",
    ),
    change(
        Claim.AS_SEALED,
        "WITH gone AS (DELETE FROM seal_queue WHERE community_id = :id RETURNING transfer_id)"
        " UPDATE seals SET transfer_id = gone.transfer_id FROM gone"
        " WHERE community_id = :id AND leaf_index = 9",
        "leaf 9",
    ),
    change(
        Claim.NODES_FOLLOW,
        "UPDATE tree_nodes SET node_hash = ZEROES WHERE community_id = :id",
        "node 0 of level 4: 0{64}, not ",
    ),
    change(
        Claim.NODES_FOLLOW,
        "DELETE FROM tree_nodes WHERE community_id = :id",
        "node 0 of level 4: none, not ",
    ),
    change(
        Claim.CHECKPOINTS_SIGNED,
        "UPDATE checkpoints SET note = replace(note, '\n7\n', '\n6\n')"
        " WHERE community_id = :id AND size = 7",
        "checkpoint 7: the signature of .* is wrong, not signed by a known key",
    ),
    change(
        Claim.CHECKPOINTS_SIGNED,
        "UPDATE checkpoints SET note = split_part(note, '— ', 1) || '— me AAAAAAAA\n'"
        " WHERE community_id = :id AND size = 7",
        "checkpoint 7: no key that is trusted has signed",
    ),
    change(
        Claim.CHECKPOINTS_SIGNED,
        "UPDATE checkpoints SET note = '' WHERE community_id = :id AND size = 1",
        "checkpoint 1: this is not a signed note",
    ),
    change(
        Claim.CHECKPOINTS_RIGHT,
        "UPDATE checkpoints SET note = (SELECT note FROM checkpoints AS other"
        " WHERE other.community_id = :id AND size = 1) WHERE community_id = :id AND size = 7",
        r"checkpoint 7: points\S+ 1 \S+, not points\S+ 7 \S+",
    ),
    change(
        Claim.CHECKPOINTS_RIGHT,
        "INSERT INTO checkpoints SELECT community_id, 12, note, made_at FROM checkpoints"
        " WHERE community_id = :id AND size = 7",
        r"checkpoint 12: points\S+ 7 \S+, not points\S+ 12 \S+",
    ),
    change(
        Claim.CHECKPOINTS_RIGHT,
        "UPDATE trees SET origin = 'example.cn' WHERE community_id = :id",
        r"checkpoint 1: points\S+ 1 \S+, not example.cn 1 \S+",
    ),
    change(Claim.CHECKPOINTS_RIGHT, "DELETE FROM trees WHERE community_id = :id", "checkpoint 1"),
    change(
        Claim.SIZE_RIGHT,
        "UPDATE trees SET size = size + 1 WHERE community_id = :id",
        "tree: 24, not 23",
    ),
    change(
        Claim.SIZE_RIGHT,
        "DELETE FROM seals WHERE community_id = :id AND leaf_index = 22",
        "tree: 23, not 22",
    ),
    change(
        Claim.HEAD_SIGNED,
        "DELETE FROM checkpoints WHERE community_id = :id AND size = 23",
        "checkpoints: 20, not 23",
    ),
    change(
        Claim.HEAD_SIGNED,
        "INSERT INTO checkpoints SELECT community_id, 99, note, made_at FROM checkpoints"
        " WHERE community_id = :id AND size = 23",
        "checkpoints: 99, not 23",
    ),
    *(
        change(
            Claim.NO_STRAY_NODE,
            f"INSERT INTO tree_nodes VALUES (:id, {level}, {number}, ZEROES)",  # noqa: S608
            f"node {number} of level {level}: stored",
        )
        for level, number in ((4, 1), (4, -1), (8, 0), (64, 0))
    ),
    change(
        Claim.COUNTERSIGNED_IS_THERE,
        "INSERT INTO cosignatures VALUES (:id, 8, 'street office', '—', now())",
        "countersignature 8: stored",
    ),
    change(
        Claim.TOTALS_ADD_UP,
        "UPDATE account_rollups SET posted = posted - 1 WHERE community_id = :id"
        " AND account_id = 1",
        r"account 1: -\d+ points by 21 transfers, not -\d+ points by 21",
    ),
    change(
        Claim.TOTALS_ADD_UP,
        "UPDATE account_rollups SET transfers = transfers + 1 WHERE community_id = :id"
        " AND account_id > 999",
        r"account \d{4,}: 50 points by 2 transfers, not 50 points by 1",
    ),
    change(
        Claim.TOTALS_ADD_UP,
        "DELETE FROM account_rollups WHERE community_id = :id AND account_id = 3",
        r"account 3: none, not \d+ points by 1 transfers",
    ),
    change(
        Claim.TOTALS_ADD_UP,
        "INSERT INTO account_rollups VALUES (:id, 2, 5, 1)",
        "account 2: 5 points by 1 transfers, not none",
    ),
    change(
        TRANSFERS_ARE_SEALED, "DELETE FROM seal_queue WHERE community_id = :id", r"\d+: 0, not 1"
    ),
    change(
        TRANSFERS_ARE_SEALED,
        "INSERT INTO transfers SELECT (transfers).* FROM (SELECT jsonb_populate_record(transfers,"
        ' \'{"transfer_id": 7, "source_id": 7}\') AS transfers FROM transfers'
        " WHERE LEAF_5) AS copy",
        "transfer 7: 0, not 1",
    ),
    change(QUEUED_WAS_POSTED, "INSERT INTO seal_queue VALUES (:id, 7)", "transfer 7: waits"),
    change(
        QUEUED_WAS_POSTED,
        "UPDATE transfers SET salt = NULL FROM seal_queue WHERE transfers.community_id = :id"
        " AND seal_queue.community_id = :id AND seal_queue.transfer_id = transfers.transfer_id",
        r"transfer \d+: waits to be sealed, not a transfer with its salt",
    ),
    change(
        UNLINKED_WAS_SEALED,
        "INSERT INTO unlinked_transfers VALUES (:id, 7, '{}', now())",
        "transfer 7: unlinked",
    ),
    change(
        UNLINKED_WAS_SEALED,
        "INSERT INTO unlinked_transfers SELECT :id, transfer_id, '{}', now() FROM seal_queue"
        " WHERE community_id = :id",
        r"transfer \d+: unlinked, not sealed before",
    ),
]
