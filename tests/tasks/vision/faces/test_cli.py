"""`flask match-faces` and `flask models install`: one JSON object a line, plain words, exit codes."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from PIL import Image

from tasks.vision import cli
from tasks.vision.faces import match as face
from tests.tasks.vision.faces.face_pack import build_pack, paint
from tests.tasks.vision.faces.test_models import a_list_of
from tools.cards import faces


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.setattr(face, "_loaded", None)
    environment = {"VAR_DIR": str(tmp_path / "var"), "FACE_MODEL_DIR": str(tmp_path / "pack"), "DATABASE_URL": ""}

    def run(*arguments: str | Path, answer: str | None = None) -> Result:
        command, *rest = (str(argument) for argument in arguments)
        chosen = next(one for one in cli.COMMANDS if one.name == command)
        return CliRunner().invoke(chosen, rest, input=answer, env=environment)

    return run


@pytest.fixture
def photos(tmp_path) -> dict[str, Path]:
    rng = random.Random(7)
    pictures = {
        "portrait": faces.card_portrait(0, rng),
        "selfie": Image.fromarray(faces.selfie(0, rng)),
        "stranger": Image.fromarray(faces.selfie(3, rng)),
        "nobody": faces.placeholder(rng),
        "painted": Image.fromarray(paint(1)),
    }
    for name, picture in pictures.items():
        picture.save(tmp_path / f"{name}.png")
    (tmp_path / "text.jpg").write_text("not a photo")
    return {name: tmp_path / f"{name}.png" for name in pictures} | {"text": tmp_path / "text.jpg"}


@pytest.mark.parametrize(("other", "band"), [("selfie", "same"), ("stranger", "different")])
def test_match_faces_prints_engine_score_band_and_seconds(run, photos, other, band):
    done = run("match-faces", photos["portrait"], photos[other], "--json")

    answer = json.loads(done.stdout)
    assert done.exit_code == 0
    assert (answer["engine"], answer["band"]) == ("dlib-resnet-v1", band)
    assert set(answer) == {"engine", "score", "band", "seconds"}
    assert done.stdout.count("\n") == 1


@pytest.mark.parametrize(("other", "code"), [("nobody", "face.none"), ("text", "document.unreadable_file")])
def test_what_cannot_be_compared_is_a_line_with_an_error(run, photos, other, code):
    done = run("match-faces", photos["portrait"], photos[other], "--json")

    assert done.exit_code == 0
    assert json.loads(done.stdout)["error"] == code


def test_a_missing_file_is_a_line_with_an_error(run, photos, tmp_path):
    done = run("match-faces", photos["portrait"], tmp_path / "gone.jpg", "--json")

    assert json.loads(done.stdout)["error"] == "document.unreadable_file"


def test_without_json_it_speaks_to_people(run, photos):
    done = run("match-faces", photos["portrait"], photos["selfie"])

    assert done.stdout.startswith("同一人")


def test_installing_shows_the_licence_asks_and_then_the_pack_is_used(run, photos, tmp_path):
    source = build_pack(tmp_path / "painted")
    sums = a_list_of(source, tmp_path / "sums")

    installed = run("models", "install", "insightface", "--from", source, "--sha256", sums, answer="y\n")
    compared = run("match-faces", photos["painted"], photos["painted"], "--json")

    assert installed.exit_code == 0
    assert "非商业研究" in installed.stdout
    assert json.loads(compared.stdout)["engine"] == "insightface-painted"


def test_who_does_not_accept_the_licence_gets_nothing(run, tmp_path):
    source = build_pack(tmp_path / "painted")

    done = run("models", "install", "insightface", "--from", source, answer="n\n")

    assert done.exit_code == 1
    assert not (tmp_path / "pack").exists()


def test_an_unknown_pack_is_refused_in_plain_words(run, tmp_path):
    source = build_pack(tmp_path / "painted")

    done = run("models", "install", "insightface", "--from", source, "--yes")

    assert done.exit_code == 1
    assert "--sha256" in done.stderr
    assert not (tmp_path / "pack").exists()


@pytest.mark.parametrize("arguments", [(), ("--from", "x", "--download")])
def test_one_source_must_be_named(run, arguments):
    assert run("models", "install", "insightface", *arguments).exit_code == 2
