"""Write the next migration: what the models have and an empty, upgraded database has not.

Run as: python scripts/make_migration.py "Words".
"""

import sys
import tempfile
from pathlib import Path

from alembic import command
from alembic.config import Config

from coordination import schema
from foundation.db import make_engine
from foundation.migrate import SCRIPTS, upgrade

assert schema.ROOMS


def main(message: str) -> None:
    """Upgrade an empty SQLite database to the newest migration and autogenerate what the models add."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'empty.db'}"
        upgrade(url)
        engine = make_engine(url)
        config = Config()
        config.set_main_option("script_location", str(SCRIPTS))
        number = len(list((SCRIPTS / "versions").glob("[0-9]*.py"))) + 1
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            command.revision(config, message=message, autogenerate=True, rev_id=f"{number:04d}")


if __name__ == "__main__":
    main(sys.argv[1])
