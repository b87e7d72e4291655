"""Mailings: one mass mail to many, each of whom gets a mail of their own.

Written by `_mailing_drafts`, given recipients by `_mailing_people`, looked at by `_mailing_checks`, started and held by
`_mailing_states`, and sent, mail after mail, by `pacing`.
"""

from __future__ import annotations

from webmail.actions._mailing_checks import Check, MissingValue, Preview, check, preview, send_test
from webmail.actions._mailing_drafts import (
    MAX_STEPS,
    MailingFields,
    StepFields,
    add_file,
    copy,
    create_mailing,
    delete,
    remove_file,
    save_mailing,
)
from webmail.actions._mailing_follow_ups import save_follow_ups, unsent_follow_ups
from webmail.actions._mailing_people import (
    MAX_RECIPIENTS,
    Added,
    add_contacts,
    add_recipients,
    clear_recipients,
    leave_out,
    take_in_again,
)
from webmail.actions._mailing_states import cancel, pause, resume, settle_unsure, start, wake_pacing
from webmail.actions._mailing_values import Filled, correct_recipient, values_of
from webmail.actions._pace import Plan

__all__ = [
    "MAX_RECIPIENTS",
    "MAX_STEPS",
    "Added",
    "Check",
    "Filled",
    "MailingFields",
    "MissingValue",
    "Plan",
    "Preview",
    "StepFields",
    "add_contacts",
    "add_file",
    "add_recipients",
    "cancel",
    "check",
    "clear_recipients",
    "copy",
    "correct_recipient",
    "create_mailing",
    "delete",
    "leave_out",
    "pause",
    "preview",
    "remove_file",
    "resume",
    "save_follow_ups",
    "save_mailing",
    "send_test",
    "settle_unsure",
    "start",
    "take_in_again",
    "unsent_follow_ups",
    "values_of",
    "wake_pacing",
]
