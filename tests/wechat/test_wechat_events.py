"""Events: one meaning, whichever of its forms WeChat uses."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.wechat.content import Suggest
from app.wechat.events import (
    Event,
    MediaVerdict,
    MessageArrival,
    Revocation,
    SubscriptionAnswer,
    SubscriptionChange,
    Unknown,
    events_of,
)

EVENTS = [
    "subscribe_msg_popup_event",
    "subscribe_msg_change_event",
    "subscribe_msg_sent_event",
    "wxa_media_check",
    "user_authorization_revoke",
    "user_authorization_cancellation",
    "user_info_modified",
]


def entry(template_id: str, status: str = "accept", **more: Any) -> dict[str, Any]:
    return {"TemplateId": template_id, "SubscribeStatusString": status, **more}


def event(name: str, **more: Any) -> list[Event]:
    return events_of({"FromUserName": "o1", "MsgType": "event", "Event": name, **more})


def test_a_popup_for_one_template_is_one_answer() -> None:
    found = event("subscribe_msg_popup_event", List=entry("t1", PopupScene="0"))
    assert found == [SubscriptionAnswer("o1", "t1", is_accepted=True)]


def test_a_popup_for_several_templates_is_several_answers() -> None:
    found = event("subscribe_msg_popup_event", List=[entry("t1"), entry("t2", "reject")])
    assert found == [
        SubscriptionAnswer("o1", "t1", is_accepted=True),
        SubscriptionAnswer("o1", "t2", is_accepted=False),
    ]


@pytest.mark.parametrize("listed", [entry("t1"), [entry("t1")]])
@pytest.mark.parametrize("is_wrapped", [True, False])
def test_a_list_may_be_wrapped_as_in_xml(listed: Any, *, is_wrapped: bool) -> None:
    wrapped = {"List": listed} if is_wrapped else listed
    assert event("subscribe_msg_popup_event", SubscribeMsgPopupEvent=wrapped) == [
        SubscriptionAnswer("o1", "t1", is_accepted=True)
    ]


def test_a_changed_mind_is_a_change() -> None:
    assert event("subscribe_msg_change_event", List=entry("t1", "reject")) == [
        SubscriptionChange("o1", "t1", is_accepted=False)
    ]


@pytest.mark.parametrize(
    ("errcode", "number", "is_delivered"),
    [("0", 0, True), (0, 0, True), ("43101", 43101, False)],
    ids=repr,
)
def test_an_arrival_has_its_number_as_text_or_not(
    errcode: object, number: int, *, is_delivered: bool
) -> None:
    sent = {"TemplateId": "t1", "MsgID": 1864323726461255680, "ErrorCode": errcode}
    [arrival] = event("subscribe_msg_sent_event", List=sent)
    assert arrival == MessageArrival("o1", "t1", "1864323726461255680", number)
    assert isinstance(arrival, MessageArrival)
    assert arrival.is_delivered == is_delivered


def test_an_arrival_without_a_number_is_none() -> None:
    [arrival] = event("subscribe_msg_sent_event", List={"TemplateId": "t1", "MsgID": "7"})
    assert isinstance(arrival, MessageArrival)
    assert not arrival.is_delivered


@pytest.mark.parametrize(
    ("suggest", "label", "meant"),
    [
        ("pass", 100, Suggest.PASS),
        ("review", "20001", Suggest.REVIEW),
        ("risky", 20002, Suggest.RISKY),
        ("perhaps", 100, Suggest.REVIEW),
    ],
)
def test_a_verdict_is_wechats(suggest: str, label: object, meant: Suggest) -> None:
    result = {"suggest": suggest, "label": label}
    [verdict] = event("wxa_media_check", trace_id="t", errcode=0, result=result)
    assert verdict == MediaVerdict("t", meant, int(str(label)), 0)
    assert isinstance(verdict, MediaVerdict)
    assert not verdict.is_failed


@pytest.mark.parametrize("errcode", [-1008, "-1008", 40001], ids=repr)
def test_a_failed_check_passes_nothing(errcode: object) -> None:
    result = {"suggest": "pass", "label": 100}
    [verdict] = event("wxa_media_check", trace_id="t", errcode=errcode, result=result)
    assert verdict == MediaVerdict("t", Suggest.REVIEW, None, int(str(errcode)))
    assert isinstance(verdict, MediaVerdict)
    assert verdict.is_failed


@pytest.mark.parametrize("more", [{}, {"result": None}, {"result": []}, {"result": {}}], ids=repr)
def test_a_verdict_without_a_result_passes_nothing(more: dict[str, Any]) -> None:
    assert event("wxa_media_check", trace_id="t", **more) == [
        MediaVerdict("t", Suggest.REVIEW, None, 0)
    ]


@pytest.mark.parametrize(
    ("listed", "kinds"),
    [("8", (8,)), (8, (8,)), ("6,8", (6, 8)), (["6", 13], (6, 13)), ("", ()), (None, ())],
    ids=repr,
)
def test_a_revocation_names_what_is_taken_back(listed: object, kinds: tuple[int, ...]) -> None:
    found = event("user_authorization_revoke", OpenID="o2", AppID="wx1", RevokeInfo=listed)
    assert found == [Revocation("o2", "wx1", kinds, is_cancellation=False)]


def test_who_leaves_wechat_takes_back_everything() -> None:
    assert event("user_authorization_cancellation", OpenID="o2", AppID="wx1") == [
        Revocation("o2", "wx1", (), is_cancellation=True)
    ]


def test_a_cleaned_up_profile_is_no_cancellation() -> None:
    assert event("user_info_modified", OpenID="o2", AppID="wx1", RevokeInfo="6") == [
        Revocation("o2", "wx1", (6,), is_cancellation=False)
    ]


def test_other_events_are_named() -> None:
    assert event("debug_demo") == [Unknown("debug_demo")]
    assert events_of({}) == [Unknown("")]


@pytest.mark.parametrize("name", EVENTS)
@pytest.mark.parametrize(
    "listed", [None, "x", 5, [], ["x"], {}, [{}], [{"TemplateId": None}]], ids=repr
)
def test_an_event_that_lacks_what_matters_is_unknown(name: str, listed: object) -> None:
    assert event(name, List=listed) == [Unknown(name)]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=4,
)
NAMES = [
    "FromUserName", "List", "trace_id", "errcode", "result", "OpenID", "AppID", "RevokeInfo",
    "SubscribeMsgPopupEvent", "SubscribeMsgChangeEvent", "SubscribeMsgSentEvent",
]  # fmt: skip
ENTRY_NAMES = ["TemplateId", "SubscribeStatusString", "MsgID", "ErrorCode", "suggest", "label"]
INSIDE = JSON | st.dictionaries(st.sampled_from([*ENTRY_NAMES, "List"]), JSON)


@given(st.sampled_from(EVENTS), st.dictionaries(st.sampled_from(NAMES), INSIDE, max_size=4))
def test_no_event_is_too_odd_to_be_read(name: str, more: dict[str, Any]) -> None:
    assert events_of({**more, "Event": name})
