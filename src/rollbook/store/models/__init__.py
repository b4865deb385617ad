"""The tables, one file a thing."""

from __future__ import annotations

from rollbook.store.models.account import Account, ApiToken, Invitation, Membership, RemovedPerson, Role
from rollbook.store.models.audit import AuditRow
from rollbook.store.models.blob import BlobHead, BlobPiece
from rollbook.store.models.decision import MatchDecision
from rollbook.store.models.directory import DirectoryRow
from rollbook.store.models.fact import FactRow
from rollbook.store.models.grade import GradeItem, GradeLedgerRow, GradeSection, GradeSync, SectionAdmin, TeacherLook
from rollbook.store.models.hold import HoldRow, HoldState
from rollbook.store.models.installation import InstallationSecret
from rollbook.store.models.kept_form import KeptForm
from rollbook.store.models.launch import LaunchCode, LaunchPlatform, LtiLogin, LtiPlatform, ToolKey
from rollbook.store.models.launch_saml import SamlPlatform, UsedAssertion
from rollbook.store.models.ledger import LedgerVersionRow
from rollbook.store.models.loose_blob import LooseBlob
from rollbook.store.models.notice import NoticeRow, NoticeState
from rollbook.store.models.organization import Organization
from rollbook.store.models.password import PasswordRow
from rollbook.store.models.permission import PermissionRequest, TeacherPermission
from rollbook.store.models.permit import PermitRow
from rollbook.store.models.pin import PinRow
from rollbook.store.models.plan_counts import PlanCountsRow
from rollbook.store.models.refusal import RefusalRow
from rollbook.store.models.run import River, Run, RunState
from rollbook.store.models.schedule import QueuedSlot, ScheduleRow
from rollbook.store.models.secret import Secret
from rollbook.store.models.section_count import SectionCount
from rollbook.store.models.section_line import SectionLine
from rollbook.store.models.settings import SettingsVersion
from rollbook.store.models.slices import SliceIntent, SliceOutcome
from rollbook.store.models.turns import CacheRow, TurnsRow
from rollbook.store.models.upload import UploadRow, UploadState
from rollbook.store.models.worker import WorkerRow

__all__ = [
    "Account",
    "ApiToken",
    "AuditRow",
    "BlobHead",
    "BlobPiece",
    "CacheRow",
    "DirectoryRow",
    "FactRow",
    "GradeItem",
    "GradeLedgerRow",
    "GradeSection",
    "GradeSync",
    "HoldRow",
    "HoldState",
    "InstallationSecret",
    "Invitation",
    "KeptForm",
    "LaunchCode",
    "LaunchPlatform",
    "LedgerVersionRow",
    "LooseBlob",
    "LtiLogin",
    "LtiPlatform",
    "MatchDecision",
    "Membership",
    "NoticeRow",
    "NoticeState",
    "Organization",
    "PasswordRow",
    "PermissionRequest",
    "PermitRow",
    "PinRow",
    "PlanCountsRow",
    "QueuedSlot",
    "RefusalRow",
    "RemovedPerson",
    "River",
    "Role",
    "Run",
    "RunState",
    "SamlPlatform",
    "ScheduleRow",
    "Secret",
    "SectionAdmin",
    "SectionCount",
    "SectionLine",
    "SettingsVersion",
    "SliceIntent",
    "SliceOutcome",
    "TeacherLook",
    "TeacherPermission",
    "ToolKey",
    "TurnsRow",
    "UploadRow",
    "UploadState",
    "UsedAssertion",
    "WorkerRow",
]
