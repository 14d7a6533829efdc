"""The evidence file: it tells the whole course, and whatever is changed in it is named by its place."""

from __future__ import annotations

import io
import json
import random
import zipfile
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from engine.errors import Conflict
from engine.operators.interventions import cancel_case, erase_case
from engine.replay.evidence.check import JOURNAL, MANIFEST, check_evidence, first_link, line_link
from engine.replay.evidence.file import Export, evidence_file
from storage import vault
from tests.engine.conftest import ANALYST, NOW, REVIEWER, Store


def export(store: Store, case_id: str, *, redact: Any = None, added: Mapping[str, Any] | None = None) -> bytes:
    with store.sessions() as session:
        return evidence_file(session, case_id, Export("exporter", NOW, redact, added or {}))


def a_file(store: Store) -> bytes:
    store.deploy()
    case_id = store.case_at_review()
    item = store.waiting(case_id, "decide").id
    store.claim(item, REVIEWER)
    store.complete(item, REVIEWER, opinion="同意")
    return export(store, case_id, added={"consents.json": [{"purpose": "x"}]})


def members(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(files: Mapping[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def altered(content: bytes, name: str, change: Callable[[bytes], bytes]) -> bytes:
    files = members(content)
    return packed({**files, name: change(files[name])})


def lines(content: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in members(content)[JOURNAL].splitlines()]


def with_lines(content: bytes, changed: list[dict[str, Any]]) -> bytes:
    return altered(content, JOURNAL, lambda _: b"\n".join(json.dumps(line).encode() for line in changed) + b"\n")


def test_it_holds_the_course_of_the_case_and_verifies_without_a_database(any_store: Store) -> None:
    content = a_file(any_store)
    key = vault.current().master_key.public_key
    any_store.engine.dispose()

    verdict = check_evidence(content, key)

    assert verdict.holds, verdict.altered
    files = members(content)
    manifest = json.loads(files[MANIFEST])
    assert (manifest["flow"], manifest["outcome"], manifest["entries"]) == ("leave", "approved", 5)
    assert [line["kind"] for line in lines(content)] == [
        "Started",
        "WorkItemCompleted",
        "JobSucceeded",
        "WorkItemCompleted",
        "JobSucceeded",
    ]
    assert lines(content)[3]["input"]["values"] == {"opinion": "同意"}
    path = json.loads(files["path.json"])
    assert [one["element"] for one in path["elements"]] == ["start", "fill", "read", "decide", "record", "approved"]
    assert path["lines"] == ["f1", "f2", "f3", "f4", "f5"]
    assert b"bpmn:definitions" in files["definition/1/process.bpmn"]
    assert json.loads(files["consents.json"]) == [{"purpose": "x"}]


def test_it_verifies_in_a_process_that_has_no_vault(store: Store) -> None:
    content, key = a_file(store), vault.current().master_key.public_key

    vault.use(vault.Vault(b"another master key, 32 bytes...."))

    assert check_evidence(content, key).holds
    assert not check_evidence(content, vault.current().master_key.public_key).holds


# ---- what is altered is named


@pytest.mark.parametrize("seq", [1, 2, 3, 4, 5])
def test_an_altered_entry_is_named_by_its_number(store: Store, seq: int) -> None:
    content = a_file(store)
    changed = lines(content)
    changed[seq - 1]["actor"] = "somebody else"

    verdict = check_evidence(with_lines(content, changed))

    assert verdict.altered is not None
    assert (verdict.altered.member, verdict.altered.seq) == (JOURNAL, seq)


def test_an_altered_entry_with_every_link_made_anew_is_named_by_its_signature(store: Store) -> None:
    content = a_file(store)
    changed = lines(content)
    changed[2]["input"]["result"] = {"length": 99}
    link = first_link(json.loads(members(content)[MANIFEST])["case"])
    for line in changed:
        link = line_link(link, line)
        line["link"] = link.hex()

    verdict = check_evidence(with_lines(content, changed))

    assert verdict.altered is not None
    assert verdict.altered.seq == 3


@pytest.mark.parametrize(
    ("change", "seq"),
    [
        (lambda found: found[:-1], 5),
        (lambda found: found[1:], 1),
        (lambda found: [found[0], found[2], found[1], *found[3:]], 2),
        (lambda found: [*found, {**found[-1], "seq": 6}], 6),
        (lambda found: [], 1),
    ],
    ids=["end cut off", "start cut off", "swapped", "one too many", "empty"],
)
def test_entries_left_out_moved_or_added_are_named(store: Store, change: Any, seq: int) -> None:
    content = a_file(store)

    verdict = check_evidence(with_lines(content, change(lines(content))))

    assert verdict.altered is not None
    assert (verdict.altered.member, verdict.altered.seq) == (JOURNAL, seq)


def test_the_journal_of_another_case_does_not_pass_for_this_one(store: Store) -> None:
    content = a_file(store)
    other = export(store, store.case_at_review())

    verdict = check_evidence(altered(content, JOURNAL, lambda _: members(other)[JOURNAL]))

    assert verdict.altered is not None
    assert verdict.altered.seq == 1


@pytest.mark.parametrize(
    "name", ["path.json", "decisions.json", "models.json", "consents.json", "definition/1/process.bpmn"]
)
def test_any_other_member_is_named_when_it_is_altered_left_out_or_added(store: Store, name: str) -> None:
    content = a_file(store)
    files = members(content)

    changed = check_evidence(packed({**files, name: files[name] + b" "})).altered
    missing = check_evidence(packed({other: kept for other, kept in files.items() if other != name})).altered
    added = check_evidence(packed({**files, "new.json": b"{}"})).altered

    assert [one.member for one in (changed, missing, added) if one] == [name, name, "new.json"]


def test_a_manifest_made_to_fit_is_not_signed(store: Store) -> None:
    content = a_file(store)

    verdict = check_evidence(altered(content, MANIFEST, lambda text: text.replace(b'"approved"', b'"rejected"')))

    assert verdict.altered is not None
    assert verdict.altered.member == MANIFEST


def test_a_flipped_bit_anywhere_never_passes_and_never_raises(store: Store) -> None:
    content = a_file(store)
    whole = members(content)
    seed = 7
    rng = random.Random(seed)
    print(f"seed {seed}")

    for _ in range(400):
        changed = bytearray(content)
        changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
        # A bit of the archive's own bookkeeping (a date) changes nothing that is told.
        verdict = check_evidence(bytes(changed))
        assert not verdict.holds or members(bytes(changed)) == whole


@pytest.mark.parametrize(
    "content", [b"", b"PK", b"no archive", packed({}), packed({MANIFEST: b"{}"}), packed({MANIFEST: b"[1]"})]
)
def test_what_is_no_evidence_file_is_told_so(content: bytes) -> None:
    assert not check_evidence(content).holds


# ---- what it may show


def test_redacted_nothing_typed_is_in_it(store: Store) -> None:
    store.deploy()
    case_id = store.case_at_review()

    def hide(values: Mapping[str, Any], _: Any) -> dict[str, Any]:
        return dict.fromkeys(values, "＊")

    content = export(store, case_id, redact=hide)

    assert check_evidence(content).holds
    assert b"42-1" not in b"".join(members(content).values())
    assert json.loads(members(content)[MANIFEST])["is_redacted"] is True
    assert lines(content)[1]["input"]["wait"] == "fill:1"


def test_an_erased_case_gives_no_evidence_file(store: Store) -> None:
    store.deploy()
    case_id = store.case_at_review()
    with store.writing() as session:
        cancel_case(session, case_id, by=ANALYST, reason="x", now=NOW)
        erase_case(session, case_id, now=NOW)

    with pytest.raises(Conflict, match=r"case\.erased"):
        export(store, case_id)
