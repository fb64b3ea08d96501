"""Every constraint that a caller can break has a problem of its own; the others say why not."""

from sqlalchemy import CheckConstraint, UniqueConstraint

from app.core.problem_handlers import DataConflict, problem_of_constraint
from app.core.problems import constraint_problems
from app.models import metadata

ENUMERATION = "only members of an enumeration or literals are ever written"
BY_SCHEMA = "the request's schema, or the preset's, is at least as strict"
MADE_BY_US = "made by us from a fresh number, or only inserted where there is none"
JOB = "written by the sealer or the audit, whose requests nobody sends"
COUNTED = "counted by statements of the standings' own, from what awards have stored"
SIGN = "computed by the service, which refuses before it writes"

CANNOT_BE_CAUSED_BY_A_CALLER = {
    "ck_account_rollups_transfers_positive": JOB,
    "ck_accounts_kind_known": ENUMERATION,
    "ck_activities_closes_after_opening": SIGN,
    "ck_activities_ends_after_start": SIGN,
    "ck_activities_place_is_whole": SIGN,
    "ck_activities_state_known": ENUMERATION,
    "ck_activities_units_positive": BY_SCHEMA,
    "ck_appeals_decided_in_writing": BY_SCHEMA,
    "ck_appeals_decided_with_time": SIGN,
    "ck_appeals_kind_known": ENUMERATION,
    "ck_appeals_state_known": ENUMERATION,
    "ck_audits_different_names_difference": JOB,
    "ck_audits_ended_unless_running": JOB,
    "ck_audits_state_known": ENUMERATION,
    "ck_award_list_rows_granted_is_told": SIGN,
    "ck_award_list_rows_units_positive": SIGN,
    "ck_award_lists_decided_with_time": SIGN,
    "ck_award_lists_not_empty": SIGN,
    "ck_award_lists_on_a_list": SIGN,
    "ck_award_lists_posted_with_time": SIGN,
    "ck_award_lists_state_known": ENUMERATION,
    "ck_campaign_usage_used_not_negative": SIGN,
    "ck_campaigns_bonus_not_negative": BY_SCHEMA,
    "ck_campaigns_budget_positive": BY_SCHEMA,
    "ck_campaigns_newcomer_days_positive": BY_SCHEMA,
    "ck_campaigns_per_person_positive": BY_SCHEMA,
    "ck_campaigns_percent_not_less_than_base": BY_SCHEMA,
    "ck_campaigns_runs_forwards": BY_SCHEMA,
    "ck_cap_usage_period_known": ENUMERATION,
    "ck_cap_usage_used_not_negative": SIGN,
    "ck_case_categories_hours_positive": BY_SCHEMA,
    "ck_case_categories_kind_known": ENUMERATION,
    "ck_case_categories_near_meters_not_negative": BY_SCHEMA,
    "ck_case_photos_purpose_known": ENUMERATION,
    "ck_case_settings_confirm_days_in_range": BY_SCHEMA,
    "ck_case_settings_most_bounces_not_negative": BY_SCHEMA,
    "ck_case_statuses_kind_known": ENUMERATION,
    "ck_case_statuses_state_known": ENUMERATION,
    "ck_cases_closed_with_time": SIGN,
    "ck_cases_joined_to_one": SIGN,
    "ck_cases_kind_known": ENUMERATION,
    "ck_cases_paused_with_time": SIGN,
    "ck_cases_rating_in_range": BY_SCHEMA,
    "ck_cases_state_known": ENUMERATION,
    "ck_cases_whole_position": SIGN,
    "ck_checkpoints_size_positive": JOB,
    "ck_claim_reviews_refused_with_reason": BY_SCHEMA,
    "ck_claim_reviews_verdict_known": ENUMERATION,
    "ck_claims_awarded_has_contribution": SIGN,
    "ck_claims_on_a_list": SIGN,
    "ck_claims_refused_with_reason": SIGN,
    "ck_claims_reviewed_enough": SIGN,
    "ck_claims_state_known": ENUMERATION,
    "ck_claims_units_positive": BY_SCHEMA,
    "ck_closures_ended_with_time": SIGN,
    "ck_closures_state_known": ENUMERATION,
    "ck_communities_number_is_four_bytes": "the sequence would have to run out",
    "ck_consents_withdrawn_after_granted": SIGN,
    "ck_content_checks_decided_with_time": SIGN,
    "ck_content_checks_kind_known": ENUMERATION,
    "ck_content_checks_state_known": ENUMERATION,
    "ck_contribution_reversals_taken_within_asked": SIGN,
    "ck_contributions_granted_within_asked": SIGN,
    "ck_contributions_source_kind_known": ENUMERATION,
    "ck_contributions_state_known": ENUMERATION,
    "ck_data_exports_ready_with_file": SIGN,
    "ck_data_exports_state_known": ENUMERATION,
    "ck_duties_ended_by_somebody": SIGN,
    "ck_funds_state_known": ENUMERATION,
    "ck_hold_lots_points_positive": SIGN,
    "ck_holds_points_positive": SIGN,
    "ck_holds_state_known": ENUMERATION,
    "ck_idempotency_keys_key_length": BY_SCHEMA,
    "ck_identities_provider_known": ENUMERATION,
    "ck_join_requests_state_known": ENUMERATION,
    "ck_lapse_notices_kind_known": ENUMERATION,
    "ck_lot_moves_points_not_zero": SIGN,
    "ck_manual_postings_answered_with_time": SIGN,
    "ck_manual_postings_decided_by_somebody": SIGN,
    "ck_manual_postings_kind_known": ENUMERATION,
    "ck_manual_postings_points_positive": BY_SCHEMA,
    "ck_manual_postings_posted_has_result": SIGN,
    "ck_manual_postings_repair_of": SIGN,
    "ck_manual_postings_rule_named": SIGN,
    "ck_manual_postings_state_known": ENUMERATION,
    "ck_manual_postings_transfer_named": SIGN,
    "ck_message_quotas_left_not_negative": SIGN,
    "ck_notice_remarks_answered_with_time": SIGN,
    "ck_notice_remarks_kind_known": ENUMERATION,
    "ck_notice_remarks_objection_is_judged": SIGN,
    "ck_paper_cards_revoked_by_somebody": SIGN,
    "ck_photos_deleted_without_files": SIGN,
    "ck_photos_size_positive": SIGN,
    "ck_point_policies_lowest_points_in_reach": BY_SCHEMA,
    "ck_privacy_policies_version_positive": SIGN,
    "ck_procedures_appeal_answer_days_sane": BY_SCHEMA,
    "ck_procedures_appeal_days_sane": BY_SCHEMA,
    "ck_procedures_hearing_days_sane": BY_SCHEMA,
    "ck_procedures_repair_days_sane": BY_SCHEMA,
    "ck_procedures_rule_notice_days_sane": BY_SCHEMA,
    "ck_public_notices_kind_known": ENUMERATION,
    "ck_public_notices_open_for_a_while": SIGN,
    "ck_regions_kind_known": ENUMERATION,
    "ck_repair_tasks_done_was_checked": SIGN,
    "ck_repair_tasks_points_positive": SIGN,
    "ck_repair_tasks_state_known": ENUMERATION,
    "ck_residents_state_known": ENUMERATION,
    "ck_rewards_kind_known": ENUMERATION,
    "ck_rewards_limit_positive": BY_SCHEMA,
    "ck_rewards_price_positive": BY_SCHEMA,
    "ck_rewards_state_known": ENUMERATION,
    "ck_rewards_voucher_days_within_a_year": BY_SCHEMA,
    "ck_role_grants_one_place": "roles are granted by the operator's presets",
    "ck_role_grants_role_known": ENUMERATION,
    "ck_rule_categories_not_its_own_parent": BY_SCHEMA,
    "ck_rule_changes_adopted_after_notice": SIGN,
    "ck_rule_changes_decided_with_time": SIGN,
    "ck_rule_changes_never_back_in_time": SIGN,
    "ck_rule_changes_state_known": ENUMERATION,
    "ck_rule_versions_arrives_on_known": ENUMERATION,
    "ck_rule_versions_award_notice_days_sane": BY_SCHEMA,
    "ck_rule_versions_direction_known": ENUMERATION,
    "ck_rule_versions_earned_by_known": ENUMERATION,
    "ck_rule_versions_effort_known": ENUMERATION,
    "ck_rule_versions_in_force_forwards": SIGN,
    "ck_rule_versions_interval_positive": BY_SCHEMA,
    "ck_rule_versions_max_units_positive": BY_SCHEMA,
    "ck_rule_versions_mode_known": ENUMERATION,
    "ck_rule_versions_never_back_in_time": SIGN,
    "ck_rule_versions_points_positive": BY_SCHEMA,
    "ck_rule_versions_review_level_known": BY_SCHEMA,
    "ck_rule_versions_unit_known": ENUMERATION,
    "ck_salt_erasures_done_after_asked": JOB,
    "ck_score_changes_one_per_score": COUNTED,
    "ck_score_counts_level_known": COUNTED,
    "ck_seals_leaf_hash_is_sha256": JOB,
    "ck_seals_leaf_index_not_negative": JOB,
    "ck_shops_void_within_a_day": BY_SCHEMA,
    "ck_signing_keys_key_id_of_codes_is_a_byte": "keys are made by the operator, 255 at most",
    "ck_signing_keys_key_id_positive": MADE_BY_US,
    "ck_signing_keys_purpose_known": ENUMERATION,
    "ck_standings_period_known": ENUMERATION,
    "ck_transfers_kind_known": ENUMERATION,
    "ck_transfers_points_positive": SIGN,
    "ck_transfers_two_accounts": SIGN,
    "ck_tree_nodes_level_is_kept": JOB,
    "ck_tree_nodes_node_hash_is_sha256": JOB,
    "ck_trees_size_not_negative": JOB,
    "ck_verifications_operation_known": ENUMERATION,
    "ck_vouchers_state_known": ENUMERATION,
    "ck_vouchers_used_names_shop_and_time": SIGN,
    "ck_wechat_messages_state_known": ENUMERATION,
    "uq_accounts_owner": MADE_BY_US,
    "uq_audits_running": JOB,
    "uq_case_categories_code": "the category tree comes from a preset, in one transaction",
    "uq_closures_asked": "the resident's row is locked first: asked twice is the same one",
    "uq_households_room": "inserted with ON CONFLICT: whoever comes second shares the flat",
    "uq_paper_cards_serial": "40 random bits; who draws one twice may try again",
    "uq_photos_upload": "inserted with ON CONFLICT: the same file is the same photo",
    "uq_repair_tasks_deduction": MADE_BY_US,
    "uq_rewards_code": "the catalogue comes from a preset, in one transaction",
    "uq_seals_transfer": JOB,
    "uq_verifications_id": MADE_BY_US,
    "uq_vouchers_typed_code": "60 random bits; who draws one twice may try again",
}


def unique_and_check_constraints() -> set[str]:
    names: set[str] = set()
    for table in metadata.tables.values():
        names |= {
            str(constraint.name)
            for constraint in table.constraints
            if isinstance(constraint, (CheckConstraint, UniqueConstraint))
        }
        names |= {str(index.name) for index in table.indexes if index.unique}
    return names


def other_constraints() -> set[str]:
    return {
        str(constraint.name)
        for table in metadata.tables.values()
        for constraint in table.constraints
        if not isinstance(constraint, (CheckConstraint, UniqueConstraint))
    }


def test_every_unique_and_check_constraint_is_a_problem_or_cannot_be_broken() -> None:
    ours = unique_and_check_constraints()
    spoken_for = set(constraint_problems) | set(CANNOT_BE_CAUSED_BY_A_CALLER)
    assert len(ours) > 60
    assert ours - spoken_for == set()


def test_no_constraint_is_both() -> None:
    assert set(constraint_problems) & set(CANNOT_BE_CAUSED_BY_A_CALLER) == set()


def test_only_constraints_that_are_there_are_spoken_for() -> None:
    ours = unique_and_check_constraints()
    assert set(CANNOT_BE_CAUSED_BY_A_CALLER) - ours == set()
    assert set(constraint_problems) - ours - other_constraints() == set()


def test_a_shards_suffix_changes_no_meaning() -> None:
    for name, problem in constraint_problems.items():
        assert problem_of_constraint(name) is problem
        assert problem_of_constraint(f"{name}_102140") is problem


def test_a_constraint_nobody_mapped_is_a_plain_conflict() -> None:
    for name in ("", "uq_somewhere_else", "uq_somewhere_else_102140", "_102140"):
        assert problem_of_constraint(name) is DataConflict


def test_a_name_that_only_begins_like_ours_is_not_ours() -> None:
    for name in constraint_problems:
        assert problem_of_constraint(f"{name}_again") is DataConflict
        assert problem_of_constraint(f"{name}_102140_x") is DataConflict
