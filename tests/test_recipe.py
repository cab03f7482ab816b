"""What a system is made of: a connector, a block, a flow, a sandbox and an entry in prefect.yaml, nothing else."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]


def systems(root: Path) -> set[str]:
    """The stems of all systems: the packages in connectors/ that declare streams."""
    return {path.parent.name for path in root.glob("connectors/*/streams.py")}


def missing(root: Path, stem: str) -> list[str]:
    """What a system still lacks, in words."""
    flow = next(iter(root.glob(f"flows/*_{stem}*.py")), None)
    entries = yaml.safe_load((root / "prefect.yaml").read_text())["deployments"]
    wanted = {
        f"connectors/{stem}/client.py (talks)": (root / f"connectors/{stem}/client.py").exists(),
        f"connectors/{stem}/models.py (means)": (root / f"connectors/{stem}/models.py").exists(),
        f"connectors/{stem}/streams.py (declares)": (root / f"connectors/{stem}/streams.py").exists(),
        f"blocks/{stem}.py": (root / f"blocks/{stem}.py").exists(),
        f"sandbox/{stem}.py": (root / f"sandbox/{stem}.py").exists(),
        f"flows/VERB_{stem}.py": flow is not None,
        "an entry in prefect.yaml": flow is not None and any(flow.stem in str(e.get("entrypoint")) for e in entries),
        f"tests/connectors/{stem}/": (root / f"tests/connectors/{stem}").is_dir(),
    }
    return [what for what, there in wanted.items() if not there]


@pytest.mark.parametrize("stem", sorted(systems(ROOT)))
def test_a_system_has_all_its_parts(stem: str) -> None:
    """Whoever looks for a system finds it under the same name everywhere."""
    assert missing(ROOT, stem) == []


def test_what_a_new_system_lacks_is_named(tmp_path: Path) -> None:
    """Whoever adds the next system is told what is still to do."""
    (tmp_path / "connectors" / "acme").mkdir(parents=True)
    (tmp_path / "connectors" / "acme" / "streams.py").touch()
    (tmp_path / "prefect.yaml").write_text("deployments: []")
    assert systems(tmp_path) == {"acme"}
    lacking = missing(tmp_path, "acme")
    assert "blocks/acme.py" in lacking
    assert "flows/VERB_acme.py" in lacking
    assert "connectors/acme/streams.py (declares)" not in lacking


@pytest.mark.parametrize("folder", ["tasks", "warehouse"])
def test_shared_folders_know_no_system(folder: str) -> None:
    """A new system changes no line in tasks/ or warehouse/, since no line there names one."""
    named = []
    for path in (ROOT / folder).rglob("*.py"):
        if path.stem in systems(ROOT):
            continue  # what only one system needs of Postgres has a file of its own
        code = re.sub(r'""".*?"""|#[^\n]*', "", path.read_text(), flags=re.DOTALL)
        named += [f"{path.name}: {stem}" for stem in systems(ROOT) if re.search(rf"\b{stem}\b", code)]
    assert named == []
