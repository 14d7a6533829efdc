"""People who work against each other on the same cases, through HTTP: what each may try, and what became of it."""

from __future__ import annotations

import itertools
import random
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from api.edge.auth import COOKIE, open_session
from composition import Platform
from domain.accounts.account import Account, AccountGroup, AccountKind
from engine.work_items.assignment import LEAD
from storage.columns import new_id
from storage.transactions import transaction
from tests.chaos.clients import WrongAnswer
from tests.engine.flows import FORMS, LEAVE, LEAVE_TOML, a_form, to_json

GROUP = "leave.reviewer:wuhan"
STAFF = {"first": [GROUP], "second": [GROUP], "leader": [GROUP, GROUP + LEAD], "operator": ["admin"]}
REFUSED = {403, 404, 409, 429}
WHY = {"why": "stress"}
_keys = itertools.count(1)


def write_leave_flow(flows_dir: Path) -> None:
    """fill → read (a worker) → decide (two reviewers; three seconds → expired) → record → approved; withdrawn at any time."""
    folder = flows_dir / "leave"
    (folder / "forms").mkdir(parents=True)
    (folder / "flow.toml").write_text(LEAVE_TOML.format(exclusive="false"))
    (folder / "process.bpmn").write_text(LEAVE.replace("P1D", "PT3S"))
    (folder / "handlers.py").write_text("import tests.engine.flows  # declares test.read and test.record\n")
    for name, properties in FORMS.items():
        (folder / "forms" / f"{name}.json").write_bytes(to_json(a_form(name, properties)))


@dataclass
class Person:
    """Somebody's browser: sends a command with a key of its own, now and then twice at once, as a double click does."""

    address: str
    account: str
    headers: dict[str, str]
    cookies: dict[str, str] = field(default_factory=dict)
    local: threading.local = field(default_factory=threading.local)

    def get(self, path: str) -> Any:
        return self._asked("GET", path, self.headers, None).json()

    def post(self, path: str, body: Any, key: str) -> requests.Response:
        return self._asked("POST", path, {**self.headers, "Idempotency-Key": key}, body)

    def _asked(self, method: str, path: str, headers: dict[str, str], body: Any) -> requests.Response:
        """Once more where the server has just closed the connection it kept open."""
        sent = {"json": body, "headers": headers, "cookies": self.cookies, "timeout": 60}
        try:
            return self._browser().request(method, self.address + path, **sent)
        except requests.ConnectionError:
            return self._browser().request(method, self.address + path, **sent)

    def _browser(self) -> requests.Session:
        if not hasattr(self.local, "browser"):
            self.local.browser = requests.Session()
        browser: requests.Session = self.local.browser
        return browser


def staff_of(platform: Platform, address: str, site_now: Any) -> dict[str, Person]:
    """The people of STAFF, signed in."""
    found: dict[str, Person] = {}
    with transaction(platform.sessions) as session:
        for name, groups in STAFF.items():
            account = Account(
                id=new_id(),
                kind=AccountKind.CONSOLE,
                username=name,
                password_hash="",
                display_name=name,
                created_at=site_now,
            )
            session.add(account)
            session.flush()
            for group in groups:
                session.add(AccountGroup(account_id=account.id, group_key=group))
            session.flush()
            token = open_session(session, account, site_now)
            found[name] = Person(address, account.id, {"X-Requested-With": "console"}, {COOKIE: token})
    return found


@dataclass
class Rivals:
    """done: (case, kind of input) → how often somebody was told that it was done. told: statuses and problem codes."""

    staff: dict[str, Person]
    citizens: list[Person]
    current: list[tuple[str, Person]] = field(default_factory=list)
    cases: set[str] = field(default_factory=set)
    done: Counter[tuple[str, str]] = field(default_factory=Counter)
    told: Counter[str] = field(default_factory=Counter)
    twins: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(8))
    lock: threading.Lock = field(default_factory=threading.Lock)

    def start(self, place: int) -> None:
        """A new case at this place, filled in; the old one is left as it is."""
        citizen = self.citizens[place]
        started = citizen.post("/api/v1/applications", {"flow": "leave", "values": {}}, _key())
        if not started.ok:
            raise WrongAnswer(started.text)
        with self.lock:
            self.cases.add(started.json()["id"])
        case = started.json()["id"], citizen
        if place < len(self.current):
            self.current[place] = case
        else:
            self.current.append(case)

    def act(self, chance: random.Random) -> None:
        """Somebody does something to one of the current cases, by what a page showed a moment ago."""
        place = chance.randrange(len(self.current))
        case_id, citizen = self.current[place]
        page = self.staff["operator"].get(f"/api/v1/cases/{case_id}")
        if page["state"] in ("COMPLETED", "CANCELLED") and chance.random() < 0.3:
            self.start(place)
            return
        waits = [wait for wait in page["waits"] if wait["kind"] in ("WORK_ITEM", "JOB", "INCIDENT")]
        if waits:
            wait = chance.choice([each for each in waits if each["closed_at"] is None] or waits)
            fitting = COMMANDS.get(wait["element"] if wait["kind"] == "WORK_ITEM" else wait["kind"], ())
            commands = fitting if fitting and chance.random() < 0.6 else ANYWHERE
            person, path, body, kind = chance.choice(commands)(self, citizen, case_id, wait)
            self.send(person, path, body, (case_id, kind), twice=chance.random() < 0.2)

    def send(self, person: Person, path: str, body: Any, what: tuple[str, str], *, twice: bool) -> None:
        key = _key()
        sent = [self.twins.submit(person.post, path, body, key) for _ in range(2 if twice else 1)]
        answers = [each.result(120) for each in sent]
        for answer in answers:
            self._check(answer)
        done = [each for each in answers if each.ok]
        if len({each.text for each in done}) > 1:
            raise WrongAnswer(f"one key, two answers: {[each.text for each in done]}")
        if done and (kind := _input_of(what[1], done[0])):
            with self.lock:
                self.done[what[0], kind] += 1

    def _check(self, answer: requests.Response) -> None:
        with self.lock:
            self.told[f"{answer.status_code} {'' if answer.ok else answer.json().get('code')}".strip()] += 1
        if not answer.ok and answer.status_code not in REFUSED:
            raise WrongAnswer(f"{answer.url}: {answer.status_code} {answer.text}")


def _input_of(kind: str, answer: requests.Response) -> str:
    """The kind of input that was made; "" for none. Who is not the last to sign completes nothing yet."""
    said = answer.json()
    is_signed = kind == "WorkItemCompleted" and said["state"] != "COMPLETED"
    return "WorkItemSigned" if is_signed else kind


def _key() -> str:
    return f"stress-{next(_keys):010}"


Sent = tuple[Person, str, Any, str]
Command = Callable[[Rivals, Person, str, Any], Sent]


def _item(verb: str, who: str, kind: str = "", **body: Any) -> Command:
    """A verb of a work item by one of the staff. to: of one of the staff, by name."""

    def sent(rivals: Rivals, citizen: Person, case_id: str, wait: Any) -> Sent:
        given = {**body, **({"to": rivals.staff[body["to"]].account} if body.get("to") in rivals.staff else {})}
        return rivals.staff[who], f"/api/v1/work-items/{wait['id']}/{verb}", given, kind

    return sent


def _operator(verb: str, kind: str, **body: Any) -> Command:
    def sent(rivals: Rivals, citizen: Person, case_id: str, wait: Any) -> Sent:
        at_wait = f"waits/{wait['id']}/" if verb in ("skip", "move") else ""
        return rivals.staff["operator"], f"/api/v1/cases/{case_id}/{at_wait}{verb}", {**WHY, **body}, kind

    return sent


def _fill(rivals: Rivals, citizen: Person, case_id: str, wait: Any) -> Sent:
    values = {"number": "42-1", "office": "wuhan"}
    return citizen, f"/api/v1/work-items/{wait['id']}/complete", {"values": values}, "WorkItemCompleted"


def _withdraw(rivals: Rivals, citizen: Person, case_id: str, wait: Any) -> Sent:
    return citizen, f"/api/v1/applications/{case_id}/messages/withdraw", {"payload": {}}, "MessageReceived"


def _retry(rivals: Rivals, citizen: Person, case_id: str, wait: Any) -> Sent:
    body = {**WHY, "variables": {"opinion": "mended"}}
    return rivals.staff["operator"], f"/api/v1/incidents/{wait['id']}/retry", body, "IncidentRetried"


def _decide(who: str, opinion: str) -> Command:
    return _item("complete", who, "WorkItemCompleted", values={"opinion": opinion})


# By element of a work item, or by kind of another wait. Some more often than others: what ends a case ends the race for it.
COMMANDS: dict[str, tuple[Command, ...]] = {
    "fill": (_fill, _fill, _fill, _item("claim", "first")),
    "INCIDENT": (_retry,),
    "decide": (
        *(_item("claim", "first"), _item("claim", "second"), _item("claim", "first"), _item("claim", "second")),
        *(_item("release", "first"), _item("release", "second")),
        *(_decide("first", "yes"), _decide("second", "no"), _decide("first", "fails"), _decide("leader", "fails")),
        *(_item("assign", "leader", to="first"), _item("assign", "leader", to="second")),
        *(_item("hand-over", "first", to="second"), _item("hand-over", "second", to="first")),
        *(_item("delegate", "first", to="second"), _item("delegate", "second", to="first")),
        *(_item("give-back", "first"), _item("give-back", "second")),
        *(_item("signers", "first", to="second"), _item("signers", "second", to="leader")),
        *(_item("refuse-signature", who, "SignatureRefused", why="no") for who in ("second", "leader")),
        *(_item("return", who, "WorkItemReturned", to="fill", why="again") for who in ("first", "second")),
    ),
}
ANYWHERE: tuple[Command, ...] = (
    *(_operator("suspend", "CaseSuspended"), *[_operator("resume", "CaseResumed")] * 4),
    *(_withdraw, _operator("cancel", "CaseCancelled")),
    *[_operator("variables", "VariableEdited", values={"number": "43"})] * 2,
    *[_operator("skip", "ElementSkipped", values={"opinion": "skipped", "office": "wuhan"})] * 2,
    *(_operator("move", "TokenMoved", to="fill"), _operator("move", "TokenMoved", to="decide")),
)
