"""Imports every module that declares a table, so that Base.metadata is complete."""

from __future__ import annotations

import importlib
import pkgutil

TABLE_PACKAGES = ("engine.model", "domain")
TABLE_MODULES = ("storage.vault", "api.model", "engine.journal")


def every_table() -> None:
    for package in TABLE_PACKAGES:
        for found in pkgutil.iter_modules(importlib.import_module(package).__path__):
            importlib.import_module(f"{package}.{found.name}")
    for module in TABLE_MODULES:
        importlib.import_module(module)
