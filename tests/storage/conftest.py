"""The engine's databases: its tables and cases are what most of these tests write."""

from tests.engine.conftest import _postgres_engine, any_store, postgres_store, store

__all__ = ["_postgres_engine", "any_store", "postgres_store", "store"]
