"""The evidence file: one archive that shows the course of a case and proves it without the database.

    manifest.json   which case, version, who exported it when, digests of every other member; manifest.sig its signature
    journal.jsonl   one entry a line: what came in (redacted or full), linked to the line before and signed by itself
    decisions.json  every decision table that was asked: what it saw, the rules that matched, what it gave
    models.json     the models behind every service result that names one
    path.json       elements and sequence flows, in order
    definition/     the files of every version the case ran on
    …               what the caller adds: consents

Signed with the platform's Ed25519 key (storage/vault.py), so that who has its public key needs nothing else; each line carries
the journal's own keyed digest, too, for who has the database and the master key.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from typing import Any

import orjson
from sqlalchemy.orm import Session

from engine.cases import journal
from engine.deployment.deploy import Definition, find_definition
from engine.errors import Conflict
from engine.inputs import CaseMigrated, Input, JobSucceeded, MessageReceived
from engine.model.definition import DefinitionId
from engine.model.tables import CASE
from engine.queries.activities import activity_views
from engine.queries.way_taken import lines_of, lines_used
from engine.replay.carry_over import Walk, first_version
from engine.replay.evidence.check import FORMAT, JOURNAL, MANIFEST, SIGNATURE, first_link, line_link
from engine.replay.evidence.decisions_made import DecisionMade, WatchingMachine
from engine.replay.evidence.items import has_items, item_digests
from engine.replay.rebuild import case_row, process_finder
from engine.replay.scenarios.recording import constants_of
from engine.waits import element_of
from storage import vault

Json = Any  # a JSON value
Redact = Callable[[Mapping[str, Json], Definition], Mapping[str, Json]]

# Of an input, what is no value that somebody or something gave.
_PLAIN = frozenset(
    {"at", "by", "wait", "computed", "code", "to", "place", "from_definition", "to_definition", "elements", "reverts"}
)
_NAMES_OF_MODELS = ("models", "reader", "engine")


@dataclass(frozen=True, slots=True)
class Export:
    """exported_by: account id. redact: None for everything in full. added: further JSON members by name."""

    exported_by: str
    now: datetime
    redact: Redact | None
    added: Mapping[str, Json]


def evidence_file(session: Session, case_id: str, export: Export) -> bytes:
    """The archive (zip).

    Raises NotFound("case.unknown"), Conflict("case.erased"), BrokenChain for a journal that does not hold.
    """
    row = case_row(session, case_id)
    if row.wrapped is None:
        raise Conflict("case.erased", case=case_id)
    entries = journal.read_entries(session, case_id)
    journal.check_chain(case_id, entries, revision=row.revision, head=row.head)
    inputs = list(journal.open_inputs(vault.current().unwrap(f"case:{case_id}", row.wrapped), entries))
    walk, decisions, versions = _walked(session, row.definition_id, inputs)
    members = _definition_files(versions) | {
        JOURNAL: _journal_lines(case_id, entries, inputs, versions[-1], export),
        "decisions.json": _dump(_decisions(decisions, versions[-1], export)),
        "models.json": _dump(_models(inputs, versions)),
        "path.json": _dump(_path(versions[-1], walk)),
        **{name: _dump(value) for name, value in export.added.items()},
    }
    ended = session.execute(CASE.select().where(CASE.c.id == case_id)).one()
    manifest = _dump(_manifest(ended, versions, members, len(entries), export))
    signature = vault.current().master_key.sign(manifest).hex().encode()
    return _zipped({MANIFEST: manifest, SIGNATURE: signature, **members}, export.now)


def _walked(
    session: Session, definition_id: str, inputs: list[Input]
) -> tuple[Walk, list[tuple[int, DecisionMade]], list[Definition]]:
    first = first_version(definition_id, inputs)
    walk = Walk(process_finder(session), first, WatchingMachine)
    decisions: list[tuple[int, DecisionMade]] = []
    ids = [first]
    for seq, given in enumerate(inputs, 1):
        walk.apply(seq, given)
        machine = walk.course.machine
        assert isinstance(machine, WatchingMachine), "asked for above"
        made = machine.take_decisions()
        if isinstance(given, CaseMigrated):  # decided again for the new version: nobody acted on it
            ids.append(given.to_definition)
        else:
            decisions.extend((seq, one) for one in made)
    return walk, decisions, [find_definition(session, DefinitionId(one)) for one in ids]


def _journal_lines(
    case_id: str, entries: Iterable[journal.Entry], inputs: Iterable[Input], definition: Definition, export: Export
) -> bytes:
    link = first_link(case_id)
    lines: list[bytes] = []
    for entry, given in zip(entries, inputs, strict=True):
        line = {
            "seq": entry.seq,
            "kind": entry.kind,
            "at": entry.at.astimezone(UTC).isoformat(),
            "actor": entry.actor,
            "element": element_of(getattr(given, "wait", "")),
            "input": _shown_input(given, definition, export.redact),
            "journal_digest": entry.digest.hex(),
            "ciphertext_sha256": hashlib.sha256(entry.payload).hexdigest(),
        }
        link = line_link(link, line)
        lines.append(
            orjson.dumps(line | {"link": link.hex(), "signature": vault.current().master_key.sign(link).hex()})
        )
    return b"\n".join(lines) + b"\n"


def _shown_input(given: Input, definition: Definition, redact: Redact | None) -> dict[str, Json]:
    shown: dict[str, Json] = {}
    for each in fields(given):
        value = getattr(given, each.name)
        if each.name == "settings":
            continue  # the version's own, in its flow.toml
        is_plain = each.name in _PLAIN or (each.name == "message" and isinstance(given, MessageReceived))
        if redact is not None and not is_plain:
            value = redact({each.name: value}, definition)[each.name]
        shown[each.name] = value
    return shown


def _decisions(
    decisions: Iterable[tuple[int, DecisionMade]], definition: Definition, export: Export
) -> list[dict[str, Json]]:
    """Redacted but for texts that the flow's own files compare with or give: the rule that matched tells them anyway."""
    constants = constants_of(definition.flow)

    def shown(values: Mapping[str, Json]) -> Mapping[str, Json]:
        if export.redact is None:
            return values
        own = {name: value for name, value in values.items() if isinstance(value, str) and value in constants}
        return {**export.redact(values, definition), **own}

    return [
        {"seq": seq, **asdict(made), "inputs": shown(made.inputs), "outputs": shown(made.outputs)}
        for seq, made in decisions
    ]


def _models(inputs: Iterable[Input], versions: Iterable[Definition]) -> list[dict[str, Json]]:
    """What service results say of the models behind them. hashes: SHA-256 of weights by name, empty where not recorded."""
    services = {node.id: node.service for version in versions for node in version.process.nodes()}
    found = []
    for seq, given in enumerate(inputs, 1):
        result = given.result if isinstance(given, JobSucceeded) else None
        if not isinstance(result, dict) or not any(name in result for name in _NAMES_OF_MODELS):
            continue
        assert isinstance(given, JobSucceeded), "it has a result"
        element = element_of(given.wait)
        hashes = result.get("models") if isinstance(result.get("models"), dict) else {}
        names = [result[name] for name in ("reader", "engine") if isinstance(result.get(name), str)]
        found.append(
            {"seq": seq, "element": element, "service": services.get(element, ""), "names": names, "hashes": hashes}
        )
    return found


def _path(definition: Definition, walk: Walk) -> dict[str, Json]:
    activities = activity_views(definition.process, (event for _, event in walk.course.activities))
    return {
        "elements": [
            {
                "element": one.element,
                "title": one.title,
                "kind": one.kind,
                "entered_at": one.entered_at,
                "left_at": one.left_at,
                "how": one.how,
            }
            for one in activities
        ],
        "lines": lines_used(lines_of(definition.flow), activities),
    }


def _definition_files(versions: Iterable[Definition]) -> dict[str, bytes]:
    return {
        f"definition/{definition.version}/{path}": content
        for definition in versions
        for path, content in definition.flow.files.items()
    }


def _manifest(
    case: Any, versions: list[Definition], members: Mapping[str, bytes], entries: int, export: Export
) -> dict[str, Json]:
    return {
        "format": FORMAT,
        "case": case.id,
        "flow": case.flow_key,
        "versions": [{"version": one.version, "digest": one.flow.digest} for one in versions],
        "state": case.state,
        "outcome": case.outcome,
        "started_by": case.started_by,
        "created_at": case.created_at,
        "ended_at": case.ended_at,
        "entries": entries,
        "journal_head": case.head.hex(),
        "is_redacted": export.redact is not None,
        "exported_at": export.now.astimezone(UTC),
        "exported_by": export.exported_by,
        "public_key": vault.current().master_key.public_key.hex(),
        "members": {name: hashlib.sha256(content).hexdigest() for name, content in sorted(members.items())},
        "items": {name: item_digests(name, content) for name, content in sorted(members.items()) if has_items(name)},
    }


def _zipped(members: Mapping[str, bytes], now: datetime) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name, now.astimezone(UTC).timetuple()[:6]), content)
    return packed.getvalue()


def _dump(value: Json) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2)
