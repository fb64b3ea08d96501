"""`gridpoints witness watch`: what is countersigned, and what never is."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.cli.log_client import MOST_ANSWER_BYTES
from app.ledger.seals.notes import cosignatures, parse_note
from tests.cli.office import NAME, Office, run
from tests.doubles.log import ADDRESS, COMMUNITY, DoubleLog


class Killed(BaseException):
    """The machine went down at this very moment."""


def test_each_checkpoint_that_grew_is_countersigned_once(office: Office, log: DoubleLog) -> None:
    first, idle = office.watch(), office.watch()
    log.grow(4)
    grown = office.watch()

    assert [done.exit_code for done in (first, idle, grown)] == [0, 0, 0]
    assert "First look" in first.stdout
    assert "Countersigned" in first.stdout
    assert idle.stdout == ""
    assert "at 7 lines" in grown.stdout
    assert log.asked.count("cosignatures") == 2
    (signed,) = cosignatures(log.note() + log.posted[0], [office.key.public])
    assert signed.witness == NAME
    assert office.remembered() == parse_note(log.note())[0]


def test_every_size_grows_out_of_every_smaller_one(office: Office, log: DoubleLog) -> None:
    office.watch()
    for lines in (1, 1, 3, 8, 1, 15, 33):
        log.grow(lines)
        assert office.watch().exit_code == 0
    assert office.remembered().size == 3 + 62


def test_a_rewritten_book_is_not_signed_and_both_notes_are_kept(
    office: Office, log: DoubleLog
) -> None:
    office.watch()
    before = log.note()
    log.rewrite(1)
    same_size = office.watch()
    log.grow(2)
    grown = office.watch()

    for done, reason in ((same_size, "two different trees of 3 lines"), (grown, "no proof")):
        assert (done.exit_code, done.stdout) == (1, "")
        assert "ALARM" in done.stderr
        assert reason in done.stderr
    assert log.posted == []
    remembered = office.state.read_text(encoding="utf-8")
    assert parse_note(remembered)[0] == parse_note(before)[0]
    assert {remembered, log.note()} <= office.evidence()
    assert len(office.evidence()) == 3


def test_an_alarm_that_is_raised_again_leaves_no_more_files(office: Office, log: DoubleLog) -> None:
    office.watch()
    log.rewrite(1)
    for _ in range(3):
        assert office.watch().exit_code == 1
    assert len(office.evidence()) == 2


def test_a_book_that_went_back_is_an_alarm(office: Office, log: DoubleLog) -> None:
    office.watch()
    log.shrink(1)

    done = office.watch()

    assert done.exit_code == 1
    assert "shrank from 3 lines to 2" in done.stderr
    assert log.posted == []
    assert len(office.evidence()) == 2
    log.grow(1)
    assert office.watch().exit_code == 0


def broken_proofs() -> dict[str, Any]:
    right = DoubleLog(8).proof(
        httpx.Request("GET", f"{ADDRESS}/v1/public/communities/7/consistency?from=3&to=8")
    )["path"]
    assert isinstance(right, list)
    assert len(right) > 2
    return {
        "swapped": [right[1], right[0], *right[2:]],
        "short": right[:-1],
        "long": [*right, right[0]],
        "empty": [],
        "endless": right * 100,
        "numbers": [1, 2, 3],
        "not base64": ["*"],
        "of other bytes": ["QQ=="],
        "none": None,
    }


@pytest.mark.parametrize("path", broken_proofs().values(), ids=broken_proofs().keys())
def test_a_tampered_proof_is_an_alarm(office: Office, log: DoubleLog, path: Any) -> None:
    office.watch()
    log.grow(5)
    log.instead["consistency"] = lambda _: httpx.Response(200, json={"path": path})

    done = office.watch()

    assert (done.exit_code, done.stdout) == (1, "")
    assert log.posted == []
    assert office.remembered().size == 3
    log.instead.clear()
    assert office.watch().exit_code == 0


def test_a_log_that_refuses_the_proof_is_an_alarm(office: Office, log: DoubleLog) -> None:
    office.watch()
    log.grow(5)
    log.instead["consistency"] = lambda _: httpx.Response(404, json={"code": "sizes_not_in_book"})

    done = office.watch()

    assert done.exit_code == 1
    assert "404 sizes_not_in_book" in done.stderr


def test_another_key_is_not_trusted_and_a_rotated_one_is_once_it_is_named(
    office: Office, log: DoubleLog
) -> None:
    office.watch()
    old_key = str(log.key)
    log.private_key = Ed25519PrivateKey.generate()
    log.grow(1)

    refused = office.watch(log_keys=(old_key,))
    accepted = office.watch(log_keys=(old_key, str(log.key)))

    assert refused.exit_code == 1
    assert "no key that is trusted" in refused.stderr
    assert office.evidence() >= {log.note()}
    assert accepted.exit_code == 0


def test_a_signature_in_our_name_that_we_never_gave_is_an_alarm(
    office: Office, log: DoubleLog
) -> None:
    office.watch()
    forged = log.posted
    log.grow(1)
    log.posted = forged

    assert office.watch().exit_code == 1


async def test_a_kill_between_remembering_and_posting_loses_nothing(
    office: Office, log: DoubleLog
) -> None:
    def die(_: httpx.Request) -> httpx.Response:
        raise Killed

    log.instead["cosignatures"] = die
    with pytest.raises(Killed):
        await office.look()
    assert office.remembered().size == 3
    assert log.posted == []
    log.instead.clear()

    await office.look()

    assert len(log.posted) == 1


async def test_a_kill_while_remembering_leaves_what_was_remembered_and_nothing_is_posted(
    office: Office, log: DoubleLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    await office.look()
    log.grow(2)

    def die(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", die)
        with pytest.raises(Killed):
            await office.look()
    assert (office.remembered().size, log.posted) == (3, [])

    await office.look()

    assert (office.remembered().size, len(log.posted)) == (5, 1)


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(502, text="bad gateway"),
        httpx.Response(404, json={"code": "checkpoint_unknown"}),
        httpx.Response(200, text="<html>"),
        httpx.Response(200, json=[]),
        httpx.Response(302, headers={"Location": "https://elsewhere.example.cn/"}),
        httpx.Response(200, json={"note": "x" * MOST_ANSWER_BYTES}),
    ],
    ids=lambda answer: f"{answer.status_code}-{len(answer.content)}",
)
def test_no_proper_answer_is_no_alarm_but_tried_later(
    office: Office, log: DoubleLog, answer: httpx.Response
) -> None:
    log.instead["latest"] = lambda _: httpx.Response(
        answer.status_code, headers=answer.headers, content=answer.content
    )

    done = office.watch()

    assert (done.exit_code, done.stdout) == (3, "")
    assert done.stderr.startswith("No answer")
    assert log.asked == ["latest"]
    assert not office.state.exists()


def test_an_unknown_witness_keeps_what_it_saw_and_hands_it_in_later(
    office: Office, log: DoubleLog
) -> None:
    log.instead["cosignatures"] = lambda _: httpx.Response(403, json={"code": "witness_unknown"})
    refused = office.watch()
    log.instead.clear()
    accepted = office.watch()

    assert refused.exit_code == 3
    assert "403 witness_unknown" in refused.stderr
    assert accepted.exit_code == 0
    assert len(log.posted) == 1


def test_a_log_that_cannot_be_reached_is_tried_again_until_it_can(
    office: Office, log: DoubleLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("connection refused", request=request)

    waits: list[float] = []

    async def wait(seconds: float) -> None:
        waits.append(seconds)
        log.instead.clear()
        if len(waits) > 2:
            raise KeyboardInterrupt

    log.instead["latest"] = refuse
    once = office.watch()
    monkeypatch.setattr(asyncio, "sleep", wait)
    keys = ("--log-key", str(log.key), "--key-file", str(office.key_file))
    done = run(
        "watch", ADDRESS, "--community", str(COMMUNITY), *keys, "--state", str(office.state),
        "--every", "20",
    )  # fmt: skip

    assert (once.exit_code, "ConnectError connection refused" in once.stderr) == (3, True)
    assert waits == [20, 20, 20]
    assert "trying again" in done.stderr
    assert done.stdout.count("Countersigned") == 1
    assert done.exit_code == 130
