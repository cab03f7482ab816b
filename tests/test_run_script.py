import os
import re
import shutil
import stat
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout, in a folder with a space in its name, whose environment counts as made."""
    folder = tmp_path / "a checkout"
    (folder / ".venv/bin").mkdir(parents=True)
    for name in ("run", "requirements.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, folder / name)
    sums = [
        subprocess.run(["cksum"], stdin=(folder / name).open("rb"), capture_output=True, text=True).stdout
        for name in ("requirements.lock", "pyproject.toml")
    ]
    (folder / ".venv/made-from").write_text(f"{folder.resolve()}\n{''.join(sums)}")
    return folder


def command_of(checkout: Path, name: str, script: str) -> None:
    """Put a command into the environment of the checkout."""
    program = checkout / ".venv/bin" / name
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


def run(
    checkout: Path, *arguments: str, cwd: Path | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [checkout / "run", *arguments],
        cwd=cwd or checkout, env=os.environ | environment, capture_output=True, text=True, timeout=60,
    )  # fmt: skip


def test_any_command_runs_where_the_caller_stands(checkout: Path, tmp_path: Path) -> None:
    """A command of the environment gets its arguments whole, in the caller's folder, and its status comes back."""
    command_of(checkout, "landfall", 'pwd -P; for word in "$@"; do echo "<$word>"; done; exit 3')
    done = run(checkout, "landfall", "run", "two words", "", cwd=tmp_path)
    assert done.stdout.splitlines() == [str(tmp_path.resolve()), "<run>", "<two words>", "<>"]
    assert done.returncode == 3
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("name", "becomes"),
    [
        ("demo", "landfall demo --json"),
        ("bench", "python -m benchmarks bench --json"),
        ("crash", "python -m benchmarks crash --json"),
        ("test", "pytest -n 3 --dist loadfile --no-loadscope-reorder --json"),
    ],
)
def test_the_named_doors(checkout: Path, name: str, becomes: str) -> None:
    """`demo`, `bench`, `crash` and `test` hand their arguments on."""
    for program in ("landfall", "python", "pytest"):
        command_of(checkout, program, 'echo "$(basename "$0") $*"')
    assert run(checkout, name, "--json").stdout.strip() == becomes


def test_check_runs_all_steps_and_names_those_that_failed(checkout: Path) -> None:
    """`check` does not stop at the first failure, and fails if any step did."""
    for program in ("ruff", "mypy", "lint-imports", "landfall"):
        command_of(checkout, program, f'echo {program} "$@"; [ {program} != mypy ]')
    done = run(checkout, "check")
    assert done.returncode == 1
    assert "check failed in: mypy" in done.stderr
    assert "landfall docs --check" in done.stderr
    command_of(checkout, "mypy", "exit 0")
    assert run(checkout, "check").returncode == 0


def test_prefect_talks_to_the_server_that_up_started(checkout: Path, tmp_path: Path) -> None:
    """`./run prefect` finds the local server by itself; an address that the user set wins."""
    command_of(checkout, "prefect", 'echo "${PREFECT_API_URL-} ${PREFECT_SERVER_ANALYTICS_ENABLED-} ${DO_NOT_TRACK-}"')
    home = tmp_path / "home"
    home.mkdir()
    assert run(checkout, "prefect", LANDFALL_HOME=str(home)).stdout == " false 1\n"
    (home / "prefect.env").write_text("PREFECT_API_URL=http://127.0.0.1:4207/api\n")
    assert run(checkout, "prefect", LANDFALL_HOME=str(home)).stdout.split()[0] == "http://127.0.0.1:4207/api"
    chosen = run(checkout, "prefect", LANDFALL_HOME=str(home), PREFECT_API_URL="http://prefect.example.com/api")
    assert chosen.stdout.split()[0] == "http://prefect.example.com/api"


def other_python(folder: Path, script: str) -> str:
    """A PATH on which python3 is this script and no other Python is."""
    folder.mkdir()
    for program in ("sh", "dirname", "cksum", "cat", "id", "basename"):
        (folder / program).symlink_to(shutil.which(program) or program)
    (folder / "python3").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "python3").chmod(0o755)
    return str(folder)


def test_an_old_python_is_told_in_words(checkout: Path, tmp_path: Path) -> None:
    """With too old a Python the message says which one was found and which are wanted."""
    (checkout / ".venv/made-from").unlink()
    path = other_python(tmp_path / "bin", '[ "$1" = -V ] && echo Python 3.9.18; exit 1')
    done = run(checkout, "demo", PATH=path)
    assert done.returncode != 0
    assert "needs Python 3.11, 3.12 or 3.13" in done.stderr
    assert "Python 3.9.18" in done.stderr


def test_a_missing_venv_is_told_with_its_package(checkout: Path, tmp_path: Path) -> None:
    """Debian's Python without its venv package is told with the name of that package."""
    (checkout / ".venv/made-from").unlink()
    script = f'case $2 in *ensurepip*) exit 1;; *) exec "{sys.executable}" "$@";; esac'
    done = run(checkout, "demo", PATH=other_python(tmp_path / "bin", script))
    assert done.returncode != 0
    wanted = "python{}.{}-venv".format(*sys.version_info[:2])
    assert f"apt-get install {wanted}" in done.stderr


def test_a_missing_python_is_told(checkout: Path, tmp_path: Path) -> None:
    """Without any Python the message says what to install."""
    (checkout / ".venv/made-from").unlink()
    path = other_python(tmp_path / "bin", "")
    (tmp_path / "bin/python3").unlink()
    done = run(checkout, "demo", PATH=path)
    assert done.returncode != 0
    assert "Python is not installed" in done.stderr


@pytest.mark.parametrize("change", ["requirements.lock", "pyproject.toml"])
def test_a_changed_lock_makes_the_environment_anew(checkout: Path, tmp_path: Path, change: str) -> None:
    """After a change of what is to be installed, the old environment is not used as it is."""
    command_of(checkout, "landfall", "echo ran")
    assert run(checkout, "landfall").stdout == "ran\n"
    with (checkout / change).open("a") as file:
        file.write("# changed\n")
    done = run(checkout, "landfall", PATH=other_python(tmp_path / "bin", "exit 1"))
    assert "ran" not in done.stdout
    assert done.returncode != 0


def test_the_lock_is_whole_and_names_no_registry() -> None:
    """Every dependency is pinned by hash, and nothing says from where it is fetched."""
    for lock in (ROOT / "requirements.lock", ROOT / ".ci/installer.lock"):
        text = lock.read_text()
        assert "://" not in text
        assert not re.search(r"^\s*-", re.sub(r"^\s*--hash=\S+( \\)?$", "", text, flags=re.M), flags=re.M)
        pins = re.findall(r"^\S+==\S+.*\\$", text, flags=re.M)
        assert len(pins) == len(re.findall(r"^[a-z0-9]", text, flags=re.M))
    locked = set(re.findall(r"^([a-z0-9-]+)(?:\[\S+\])?==", (ROOT / "requirements.lock").read_text(), flags=re.M))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    asked = project["project"]["dependencies"] + project["dependency-groups"]["dev"]
    assert {re.split(r"[^a-zA-Z0-9-]", name)[0] for name in asked} <= locked


@pytest.mark.parametrize("script", ["run", ".ci/run"])
def test_the_scripts_can_be_executed(script: str) -> None:
    """A clone has scripts that run as they are."""
    assert stat.S_IMODE((ROOT / script).stat().st_mode) & 0o111
