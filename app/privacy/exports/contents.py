"""What a copy of a resident's data consists of: one statement for each part.

Every table of the service either appears in a part's `tables` or, with the reason, in
`NOT_EXPORTED`; a test compares both with the schema, so that a new table cannot be forgotten.
Statements know `:community_id`, `:resident_id` and `:person_id`.
"""

from dataclasses import dataclass

from app.privacy.exports.cases import queries as cases
from app.privacy.exports.membership import queries as membership
from app.privacy.exports.points import queries as points
from app.privacy.exports.procedures import queries as procedures


@dataclass(frozen=True, slots=True)
class Sealed:
    """A sealed column: the vault's field, the column that numbers its row, what it is called."""

    column: str
    field: str
    row: str
    name: str
    is_masked: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """A key of data.json, with the name that the README gives it."""

    code: str
    title: str
    tables: tuple[str, ...]
    statement: str
    sealed: tuple[Sealed, ...] = ()


PARTS = (
    Part(
        "me", "我是谁：姓名、手机号、住址",
        ("residents", "persons", "communities", "buildings", "grids", "households"), membership.ME,
        (
            Sealed("sealed_name", "residents.name", "resident_id", "name"),
            Sealed("sealed_phone", "residents.phone", "resident_id", "phone"),
        ),
    ),
    Part(
        "roles", "我在社区担任的职务", ("role_grants", "shops"), membership.ROLES,
        (Sealed("sealed_name", "role_grants.name", "role_grant_id", "name"),),
    ),
    Part("consents", "我给过的授权及其凭证", ("consents", "privacy_policies"), membership.CONSENTS),
    Part("sessions", "我的登录", ("login_sessions",), membership.SESSIONS),
    Part("identities", "我用什么身份登录", ("identities",), membership.IDENTITIES),
    Part("paper_cards", "发给我的纸质卡", ("paper_cards",), membership.PAPER_CARDS),
    Part(
        "join_requests", "我的入驻申请", ("join_requests",), membership.JOIN_REQUESTS,
        (Sealed("sealed_name", "join_requests.name", "join_request_id", "name"),),
    ),
    Part(
        "personal_data_reads", "谁查看过我的姓名、手机号或原始照片", ("personal_data_reads",),
        membership.PERSONAL_DATA_READS,
        (
            Sealed(
                "sealed_name", "role_grants.name", "role_grant_id", "reader_masked_name",
                is_masked=True,
            ),
        ),
    ),
    Part(
        "contributions", "我的积分行为及计算过程", ("contributions", "rules", "rule_versions"),
        points.CONTRIBUTIONS,
    ),
    Part(
        "contribution_reversals", "被撤回的积分", ("contribution_reversals",),
        points.CONTRIBUTION_REVERSALS,
    ),
    Part(
        "claims", "我的积分申报、照片和审核意见",
        ("claims", "claim_reviews", "evidence_photos"), procedures.CLAIMS,
    ),
    Part(
        "award_list_rows", "批量积分名单中与我有关的行", ("award_list_rows", "award_lists"),
        procedures.AWARD_LIST_ROWS,
    ),
    Part("duties", "我担任的岗位职责", ("duties",), procedures.DUTIES),
    Part(
        "manual_postings", "居委会对我的手工记账、复核结果和我的申辩", ("manual_postings",),
        procedures.MANUAL_POSTINGS,
    ),
    Part("repair_tasks", "我的积分修复任务", ("repair_tasks",), procedures.REPAIR_TASKS),
    Part("appeals", "我的申诉及处理结果", ("appeals",), procedures.APPEALS),
    Part(
        "notice_remarks", "我对公示的留言和异议", ("notice_remarks", "public_notices"),
        procedures.NOTICE_REMARKS,
    ),
    Part(
        "balance", "我的积分余额（钱包和积分银行）", ("balances", "accounts"), points.BALANCE,
    ),
    Part("statement", "我的积分流水（含存取、赠送和捐赠）", ("transfers",), points.STATEMENT),
    Part("lots", "我的积分批次及有效期", ("lots", "lot_moves"), points.LOTS),
    Part("holds", "为我预留的积分", ("holds", "hold_lots"), points.HOLDS),
    Part(
        "lapse_notices", "积分到期、衰减前给我的提醒", ("lapse_notices",), points.LAPSE_NOTICES,
    ),
    Part("vouchers", "我的兑换券", ("vouchers", "rewards"), points.VOUCHERS),
    Part("voucher_uses", "兑换券的核销记录", ("verifications",), points.VOUCHER_USES),
    Part("standings", "我的榜单积分", ("standings",), points.STANDINGS),
    Part("cap_usage", "我已用的积分上限", ("cap_usage",), points.CAP_USAGE),
    Part(
        "campaign_usage", "我在主题活动中获得的积分", ("campaign_usage",),
        procedures.CAMPAIGN_USAGE,
    ),
    Part(
        "cases", "我上报的事件、处理过程和我的评价",
        ("cases", "case_events", "case_photos", "case_categories"), cases.CASES,
    ),
    Part("case_joins", "我点过“我也看到了”的事件", ("case_joins",), cases.CASE_JOINS),
    Part("case_flags", "我的照片与其他照片相似的提示", ("case_flags",), cases.CASE_FLAGS),
    Part(
        "photos", "我的照片（文件在 photos 文件夹里）", ("photos",), cases.PHOTOS,
        (Sealed("sealed_position", "photos.position", "photo_id", "taken_position"),),
    ),
    Part("content_checks", "对我发布内容的审核", ("content_checks",), cases.CONTENT_CHECKS),
    Part("inbox", "我的消息", ("inbox_messages",), membership.INBOX),
    Part("subscriptions", "我订阅的微信消息", ("message_quotas",), membership.SUBSCRIPTIONS),
    Part("wechat_messages", "发给我的微信消息", ("wechat_messages",), membership.WECHAT_MESSAGES),
    Part("data_exports", "我申请过的个人信息副本", ("data_exports",), membership.DATA_EXPORTS),
    Part("closures", "我的注销申请", ("closures",), membership.CLOSURES),
)  # fmt: skip

_OF_THE_COMMUNITY = "says what the community offers or rules, and of residents nothing"
_TECHNICAL = "of the service itself, says nothing of a person"
_SEALED = "hashes over transfers, which are exported; the README says where receipts are"
NOT_EXPORTED = {
    "account_rollups": "sums of the system's and of shops' accounts",
    "activities": "what takes place here; that the resident came is a contribution",
    "audits": _TECHNICAL,
    "campaigns": _OF_THE_COMMUNITY,
    "case_settings": _OF_THE_COMMUNITY,
    "case_statuses": _OF_THE_COMMUNITY,
    "check_traces": "WeChat's numbers of content checks, which are exported themselves",
    "checkpoints": _SEALED,
    "cosignatures": _SEALED,
    "funds": "what they are for; what the resident gave is in the statement, under their names",
    "idempotency_keys": "answers already given, kept two days to be repeated",
    "point_policies": _OF_THE_COMMUNITY,
    "procedures": _OF_THE_COMMUNITY,
    "rate_limits": "counters that live for minutes",
    "refresh_tokens": "hashes of secrets; the sessions they belong to are exported",
    "regions": _OF_THE_COMMUNITY,
    "resident_tokens": "keyed hashes of the name and phone, which are exported in the clear",
    "reversed_points": "sums over the statement, which is exported",
    "revoked_codes": "numbers of withdrawn codes; a resident's own cards are exported",
    "rule_categories": _OF_THE_COMMUNITY,
    "rule_changes": "what the committee proposes; what the resident said to it is exported",
    "salt_erasures": "written as the account is closed, after which there are no copies",
    "score_changes": "numbers of residents per score, on their way to be counted",
    "score_counts": "numbers of residents per score; the resident's own scores are exported",
    "seal_queue": _TECHNICAL,
    "seals": _SEALED,
    "signing_keys": _TECHNICAL,
    "tree_nodes": _SEALED,
    "trees": _SEALED,
    "unlinked_transfers": "what can still be proved of a line whose other side has left",
    "wechat_pushes": "events as WeChat sent them, sealed whole; what they led to is exported",
}
