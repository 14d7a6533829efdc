"""The console's types of the HTTP API are made from the server's own document. `make client` makes them anew."""

from __future__ import annotations

from tools.openapi_client import SCHEMA, digest, openapi_document


def test_the_consoles_types_fit_the_http_api():
    _, digests, _ = SCHEMA.read_text().split("\n", 2)

    document = digest(openapi_document())

    assert digests.split()[1] == document, "the HTTP API has changed since web/src/api/schema.d.ts: run `make client`"


def test_nobody_edited_the_consoles_types():
    head, digests, types = SCHEMA.read_text().split("\n", 2)

    assert "do not edit" in head
    assert digests.split()[2] == digest(types)


def test_the_document_is_the_same_every_time():
    assert openapi_document() == openapi_document()
