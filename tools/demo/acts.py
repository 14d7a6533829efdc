"""The three acts of the demo: people prove who they are, institutions apply, units grant. Each gives its lines of the table."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from itertools import groupby

from composition import Platform
from engine.queries.pages import history
from tools.demo import grants, institutions
from tools.demo.clients import Applicant, Reviewer
from tools.demo.stories import STORIES, Stage, Story
from tools.demo.table import Played

SEED = 20261123
AT_ONCE = 4  # people on their phones at the same time
PASSED_THROUGH = ("userTask", "serviceTask", "businessRuleTask", "callActivity", "endEvent")

Say = Callable[[str], None]
Play = Callable[[], Played]


@dataclass(slots=True)
class Theatre:
    """passwords: of the demo accounts, by user name. verified: whoever got a credential by resident ID in the first act."""

    platform: Platform
    address: str
    passwords: Mapping[str, str]
    say: Say
    verified: dict[int, grants.Citizen] = field(default_factory=dict)

    def clerk(self, username: str) -> Reviewer:
        return Reviewer(self.address, username, self.passwords[username])


def play_people_and_institutions(theatre: Theatre) -> tuple[list[Played], list[Played]]:
    """Both acts at once: they need nothing of each other."""
    reviewer = theatre.clerk("reviewer")
    library = institutions.Library(theatre.address, theatre.clerk("wuchang"))
    applications = [_institution_play(theatre, library, n, story) for n, story in enumerate(institutions.STORIES)]
    people = [_person_play(theatre, reviewer, n, story) for n, story in enumerate(STORIES)]
    # the first application goes first: others wait for its institution to be in the library
    played = _together(theatre, [*applications, *people])
    return played[len(applications) :], played[: len(applications)]


def play_grants(theatre: Theatre) -> list[Played]:
    """The unit grants, with the institutions admitted and the people verified before."""
    clerk = theatre.clerk("wuchang")
    free = [theatre.verified[n] for n in sorted(theatre.verified)]
    plays = []
    for number, story in enumerate(grants.STORIES):
        taken = 0 if story.needs_face else story.people
        people, free = free[:taken], free[taken:]
        plays.append(_grant_play(theatre, clerk, number, story, people))
    return _together(theatre, plays)


def _together(theatre: Theatre, plays: Sequence[Play]) -> list[Played]:
    """All of them, a few at a time; their lines in the given order."""
    played: dict[int, Played] = {}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        running: dict[Future[Played], int] = {pool.submit(play): n for n, play in enumerate(plays)}
        for done in as_completed(running):
            one = played[running[done]] = done.result()
            mark = "✓" if one.is_expected else "✗"
            told = f"{len(played):2d}/{len(plays)} {mark} {one.who}：{one.outcome}，{one.seconds:.1f} 秒"
            theatre.say(f"{told} {one.trouble}".rstrip())
    return [played[n] for n in sorted(played)]


def _person_play(theatre: Theatre, reviewer: Reviewer, number: int, story: Story) -> Play:
    applicant = Applicant(theatre.address)
    stage = Stage(applicant, reviewer, random.Random(f"{SEED}-{number}"))

    def play() -> str:
        applicant.sign_in(f"demo-{number}")
        story.play(stage)
        outcome = applicant.wait_until_ended()
        if outcome == "verified" and stage.number:
            theatre.verified[number] = grants.Citizen(applicant, stage.number)
        return outcome

    return lambda: _timed(story.who, story.expected, play, lambda: _path(theatre, [applicant.application_id]))


def _institution_play(
    theatre: Theatre, library: institutions.Library, number: int, story: institutions.InstitutionStory
) -> Play:
    desk = institutions.Desk(library, random.Random(f"{SEED}-institution-{number}"), number)
    return lambda: _timed(story.who, story.expected, lambda: story.play(desk), lambda: _path(theatre, desk.cases[:1]))


def _grant_play(
    theatre: Theatre, clerk: Reviewer, number: int, story: grants.GrantStory, people: list[grants.Citizen]
) -> Play:
    rng = random.Random(f"{SEED}-grant-{number}")
    grant = grants.Grant(clerk, people, rng, "")

    def play() -> str:
        if story.needs_face:
            grant.people = [_newcomer(theatre, rng)]
        if len(grant.people) < story.people:
            raise AssertionError(f"{story.people} verified people are needed, {len(grant.people)} are left")
        rows = clerk.get("/grants", business=story.business, name=story.institution)["items"]
        grant.id = next(row["id"] for row in rows if row["institution"] == story.institution)
        story.play(grant)
        return str(grant.page()["state"])

    def path() -> str:
        if not grant.id:
            return ""
        page = grant.page()
        passed = " → ".join(["未生成", *(change["became_label"] for change in page["changes"])])
        return f"{passed}；第 {page['tenure']} 任"

    return lambda: _timed(story.who, story.expected, play, path)


def _newcomer(theatre: Theatre, rng: random.Random) -> grants.Citizen:
    applicant = Applicant(theatre.address)
    applicant.sign_in("demo-face")
    stage = Stage(applicant, theatre.clerk("reviewer"), rng)
    card = grants.with_a_face(stage)
    outcome = applicant.wait_until_ended()
    assert outcome == "verified", f"the person with the face was not verified but {outcome}"
    return grants.Citizen(applicant, stage.number, card)


def _timed(who: str, expected: str, play: Callable[[], str], path: Callable[[], str]) -> Played:
    started = time.monotonic()
    outcome, trouble = "（未完成）", ""
    try:
        outcome = play()
    except Exception as error:  # a story that fails is a line of the table, the others go on
        trouble = f"{type(error).__name__}: {error}"
    seconds = time.monotonic() - started
    return Played(who, expected, outcome, path(), seconds, trouble)


def _path(theatre: Theatre, cases: Sequence[str]) -> str:
    """The activities' labels in the order they were entered; `×3` for one entered three times in a row."""
    steps = []
    with theatre.platform.sessions() as session:
        for case_id in filter(None, cases):
            steps += [
                a.title
                for a in history(session, case_id).activities
                if a.kind in PASSED_THROUGH and a.how == "completed"
            ]
    return " → ".join(f"{title}×{n}" if n > 1 else title for title, n in ((t, len(list(g))) for t, g in groupby(steps)))
