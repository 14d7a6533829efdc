"""`make migration m="why"`: write a revision for what the tables in the code have and the newest revision has not."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from alembic import command

from migrations import alembic_config, upgrade
from storage.engines import make_engine

VERSIONS = Path(__file__).resolve().parent.parent / "migrations" / "versions"


def main(message: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        engine = make_engine(f"sqlite:///{Path(folder) / 'empty.db'}")
        upgrade(engine)
        number = len(list(VERSIONS.glob("*.py"))) + 1
        command.revision(alembic_config(engine), message=message, autogenerate=True, rev_id=f"{number:04d}")


if __name__ == "__main__":
    if len(sys.argv) != 2 or not sys.argv[1]:
        sys.exit('用法：make migration m="为什么改"')
    main(sys.argv[1])
