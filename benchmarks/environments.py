"""Environments of the peers, each with its own packages, kept in a cache folder from run to run."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from benchmarks.place import ROOT

INSTALL_TIMEOUT_S = 600
PACKAGES: dict[str, tuple[str, ...]] = {
    "dlt": ("dlt[postgres]==1.31.0", "pyarrow==26.0.1", "orjson==3.13.0"),
    "singer": ("meltanolabs-target-postgres==0.8.1", "orjson==3.13.0"),
    "pandas": ("pandas==3.1.1", "sqlalchemy==2.1.9", "psycopg[binary]==3.3.9", "orjson==3.13.0"),
}


class NoEnvironment(Exception):
    """A peer cannot be installed here, so it is left out."""


def python_of(name: str) -> Path:
    """The Python of an environment, made if need be. Raises `NoEnvironment`."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "landfall-bench"
    folder = cache / f"{name}-{sys.version_info[0]}.{sys.version_info[1]}"
    python, made_from = folder / "bin" / "python", folder / "made-from"
    wanted = "\n".join(PACKAGES[name])
    if made_from.exists() and made_from.read_text() == wanted:
        return python
    uv = shutil.which("uv", path=f"{ROOT / '.boot/bin'}{os.pathsep}{os.environ.get('PATH', '')}")
    if uv is None:
        raise NoEnvironment("uv is not there to install it; start with ./run bench")
    print(f"installing {name} for comparison (once)", file=sys.stderr)
    for command in (
        [uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(folder)],
        [uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", str(python), *PACKAGES[name]],
    ):
        done = subprocess.run(command, check=False, timeout=INSTALL_TIMEOUT_S, capture_output=True, text=True)  # noqa: S603
        if done.returncode:
            raise NoEnvironment(f"it cannot be installed: {done.stderr.strip()[-300:]}")
    made_from.write_text(wanted)
    return python
