"""Programs for tests out of Debian's packages, unpacked into a folder: nothing is installed and no service starts."""

import os
import platform
import shutil
import subprocess
from pathlib import Path

import pytest

from warehouse.home import ROOT_HOME


def unpacked(folder: str, packages: list[str], reason: str) -> tuple[Path, str]:
    """Where these packages, and what they need beside, lie unpacked, and the path of their libraries.

    They are fetched once and kept. Without Debian's tools or its server the test is skipped, ``reason`` first.
    """
    from tests.postgres import exclusive

    if not shutil.which("apt-get") or not shutil.which("dpkg"):
        pytest.skip(f"{reason}, and this system has no apt-get to fetch it with")
    kept = ROOT_HOME if os.geteuid() == 0 else Path(__file__).parents[1] / ".landfall"
    kept.mkdir(parents=True, exist_ok=True)
    place = kept / folder
    with exclusive(kept / f"{folder}.lock"):
        if not place.exists():
            try:
                _fetch(place, packages)
            except (subprocess.SubprocessError, OSError) as error:
                pytest.skip(f"{reason}, and Debian's package could not be fetched: {error}")
    libraries = [str(path) for path in (place / "usr/lib").glob(f"{platform.machine()}-linux-gnu*")]
    return place, ":".join(libraries)


def _fetch(place: Path, packages: list[str]) -> None:
    fresh = place.with_suffix(".new")
    shutil.rmtree(fresh, ignore_errors=True)
    (fresh / "lists/partial").mkdir(parents=True)
    (fresh / "debs").mkdir()
    options = ["-o", "APT::Sandbox::User=root", "-o", "Debug::NoLocking=1"]
    wanted = ["-s", "install", "--no-install-recommends", *packages]
    planned = subprocess.run(["apt-get", *options, *wanted], capture_output=True, text=True, timeout=60)
    if planned.returncode != 0:  # The package lists of a bare image are empty: read them into a folder of our own.
        options += ["-o", f"Dir::State::Lists={fresh / 'lists'}", "-o", f"Dir::Cache={fresh}"]
        subprocess.run(["apt-get", *options, "-qq", "update"], check=True, timeout=180, stdout=subprocess.DEVNULL)
        planned = subprocess.run(["apt-get", *options, *wanted], check=True, capture_output=True, text=True, timeout=60)
    # What is installed here already is not among what would be; the packages asked for are wanted all the same.
    names = [line.split()[1] for line in planned.stdout.splitlines() if line.startswith("Inst ")]
    command = ["apt-get", *options, "-qq", "download", *dict.fromkeys([*names, *packages])]
    subprocess.run(command, check=True, timeout=300, cwd=fresh / "debs", stdout=subprocess.DEVNULL)
    for deb in (fresh / "debs").glob("*.deb"):
        subprocess.run(["dpkg", "-x", str(deb), str(fresh)], check=True, timeout=120)
    shutil.rmtree(fresh / "debs")
    fresh.chmod(0o755)
    fresh.rename(place)
