"""Imports every module that declares a table, so that Base.metadata is complete."""

from __future__ import annotations

import importlib
import pkgutil

TABLE_PACKAGES = ("engine.model", "domain")
TABLE_MODULES = ("storage.vault", "api.edge.model", "engine.cases.journal")


def every_table() -> None:
    for package in TABLE_PACKAGES:
        for found in pkgutil.walk_packages(importlib.import_module(package).__path__, f"{package}."):
            importlib.import_module(found.name)
    for module in TABLE_MODULES:
        importlib.import_module(module)
