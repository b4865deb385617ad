"""Findings of grade runs: every code with its sentence and its fix, in words that a teacher can act on. They stand in
the table of `roster.findings`; the rules live in `passback`."""

from __future__ import annotations

from typing import Final

BLOCKING: Final[dict[str, tuple[str, str]]] = {
    "CATEGORIES_UNDECIDED": (
        "Nothing of this section is sent until every grading category with items has a category of the SIS, or is not "
        "to be sent.",
        "Decide about the named categories: on the page Configuration of the section, or with `rollbook grades map`.",
    ),
    "SECTION_UNREADABLE": (
        "The section's gradebook could not be read in the LMS, or the SIS does not know the class.",
        "Look whether the section is still in both systems; sync Sections if it is new.",
    ),
    "GRADES_NOT_ALLOWED": (
        "Gradebooks are read by permission of their teachers, and no course admin of this section has given one that "
        "works.",
        "A teacher of the section presses 'Allow Rollbook to read my gradebooks' on the section's page in Rollbook.",
    ),
    "ITEM_CATEGORY_GONE": (
        "The category of the SIS to which the item's category is mapped is not there any more.",
        "Choose another category of the SIS in the section's category map.",
    ),
    "ITEM_CATEGORY_NOT_MADE": (
        "The map asks for a new category in the SIS, which the SIS or the settings do not allow.",
        "Choose one of the SIS's categories; or let the admin set `grades.create_categories`, where the SIS can.",
    ),
    "ITEM_TITLE_EMPTY": ("The item has no title.", "Give the item a title in the LMS."),
    "ITEM_TITLE_LONG": ("The item's title is longer than the SIS takes.", "Shorten the title in the LMS."),
    "ITEM_TITLE_TWICE": (
        "The class has another item of this title, and the SIS takes each title once.",
        "Give one of them another title in the LMS.",
    ),
    "ITEM_NO_POINTS": ("The item has no number of points.", "Give the item its points in the LMS."),
    "ITEM_NO_DUE_DATE": (
        "The item has no due date, and the SIS lists no grading periods that would give it one.",
        "Give the item a due date in the LMS.",
    ),
    "ITEM_DUE_OUTSIDE": (
        "The item's due date lies in none of the class's grading periods.",
        "Correct the due date in the LMS, or leave the item out.",
    ),
    "GRADE_MEMBER_UNKNOWN": (
        "A graded member of the section has no unique id, so nobody knows who that is in the SIS.",
        "Enroll the student through the SIS, or grade the account that the SIS knows.",
    ),
    "GRADE_NOT_ENROLLED": (
        "A graded member of the section is not enrolled in the class in the SIS, so these grades are not sent.",
        "Enroll the student in the SIS if they belong to the class.",
    ),
    "GRADE_ACCOUNT_OTHER": (
        "A graded account says it has a unique id, but Rollbook knows that person under another account of the LMS, or "
        "under none, so its grades are not sent.",
        "Take the unique id away from the account in the LMS if it is not the student's; else sync Users, or link the "
        "account in Data Prep.",
    ),
    "GRADE_STUDENT_TWICE": (
        "Several accounts in this section have the unique id of one student, so none of their grades is sent.",
        "Take the unique id away from all but the student's own account in the LMS; see who gave it to the others.",
    ),
    "GRADE_STATE_UNKNOWN": (
        "The grade has a state that Rollbook does not know, so it is not sent.",
        "Set another state in the LMS, or type this grade into the SIS.",
    ),
    "GRADE_ABOVE_MAXIMUM": (
        "The score is above the item's points, which this SIS refuses.",
        "Raise the item's points in the LMS, or give the extra credit as an item of its own.",
    ),
    "GRADE_LATE_ONLY": (
        "The work is marked late and has no score, which this SIS cannot hold.",
        "Give it a score, or mark it missing.",
    ),
}
WARNING: Final[dict[str, tuple[str, str]]] = {
    "ITEM_UNPUBLISHED": (
        "The item was sent and is not published any more; the SIS keeps what it has of it.",
        "Publish the item in the LMS, or delete it there and choose whether the SIS keeps it.",
    ),
    "ITEM_NO_CATEGORY": (
        "The item belongs to no grading category, so it is not graded in the LMS and not sent.",
        "Give the item a category in the LMS if it counts.",
    ),
    "ITEM_FROM_BEFORE": (
        "The item is due before the class began, so it seems to come from an older course; it is opted out.",
        "Give it a new due date, or opt it in.",
    ),
    "ITEM_POINTS_CHANGED": (
        "The item's points were changed after grades had been sent; the SIS gets the new maximum.",
        "Look whether the grades are still meant as they are.",
    ),
    "ITEM_COUNTS_OTHERWISE": (
        "The LMS counts the item more or less often than once, which the SIS does not know; averages will differ.",
        "Set the item's factor to 1 in the LMS, or weigh it in the SIS too.",
    ),
    "ITEM_DELETED": (
        "The item was deleted in the LMS, and the SIS still has it with its grades.",
        "Choose whether the SIS keeps or removes it: in the list of items, or with `rollbook grades items`.",
    ),
    "GRADE_MEMBER_LEFT": (
        "Somebody who has left the section has grades there; they are not sent, and what was sent stays.",
        "Nothing to do.",
    ),
    "GRADE_PINNED": (
        "An undo put this back, and a pin keeps it so although the LMS says something else.",
        "Change it in the LMS, or lift the pin: on the section's page, or with `rollbook pin lift`.",
    ),
    "GRADES_NOT_READ_BACK": (
        "The SIS did not show its gradebook after grades were sent, so they were not compared.",
        "Nothing to do: the next sync compares them.",
    ),
    "GRADE_NOT_SHOWN": (
        "The SIS took this and does not show it.",
        "Look into the SIS's gradebook; some SISs show grades only after a while.",
    ),
    "GRADE_SHOWN_OTHERWISE": (
        "The SIS shows this otherwise than it was sent, in the named fields.",
        "Look into the SIS's gradebook whether that is meant so.",
    ),
}
