"""What a system is made of: a connector, a block, a flow, a sandbox and an entry in prefect.yaml, nothing else."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]


def systems(root: Path) -> set[str]:
    """The stems of all systems: the packages in connectors/ that declare streams."""
    return {path.parent.name for path in root.glob("connectors/*/streams.py")}


def kinds(root: Path, stem: str) -> list[str]:
    """The kinds of a system that has several: those with a default mapping."""
    return sorted(path.stem for path in root.glob(f"connectors/{stem}/mappings/*.yaml") if "." not in path.stem)


def parts(root: Path, stem: str, kind: str) -> dict[str, bool]:
    """What a kind is made of, and whether it is there; its block says which file of the connector talks."""
    block = root / f"blocks/{stem}_{kind.replace('-', '_')}.py"
    talks = re.search(rf"from connectors\.{stem} import (\w+)", block.read_text()) if block.exists() else None
    module = talks[1] if talks else kind.replace("-", "_")
    return {
        block.relative_to(root).as_posix(): block.exists(),
        f"connectors/{stem}/{module}.py (talks)": any(root.glob(f"connectors/{stem}/{module}*.py")),
        f"sandbox/{module}.py": any(root.glob(f"sandbox/{module}.py")) or any(root.glob(f"sandbox/{block.name}")),
        f"tests/connectors/{stem}/test_{module}.py": any(root.glob(f"tests/connectors/{stem}/test_{module}*.py")),
    }


def missing(root: Path, stem: str) -> list[str]:
    """What a system still lacks, in words."""
    flow = next(iter(root.glob(f"flows/*_{stem}*.py")), None)
    entries = yaml.safe_load((root / "prefect.yaml").read_text())["deployments"]
    own = {
        f"connectors/{stem}/client.py (talks)": (root / f"connectors/{stem}/client.py").exists(),
        f"blocks/{stem}.py": (root / f"blocks/{stem}.py").exists(),
        f"sandbox/{stem}.py": (root / f"sandbox/{stem}.py").exists(),
    }
    of_kinds = {what: there for kind in kinds(root, stem) for what, there in parts(root, stem, kind).items()}
    wanted = (of_kinds or own) | {
        f"connectors/{stem}/models.py (means)": (root / f"connectors/{stem}/models.py").exists(),
        f"connectors/{stem}/streams.py (declares)": (root / f"connectors/{stem}/streams.py").exists(),
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
        if path.stem.partition("_")[0] in systems(ROOT):
            continue  # what only one system needs of Postgres has files of its own
        code = re.sub(r'""".*?"""|#[^\n]*', "", path.read_text(), flags=re.DOTALL)
        named += [f"{path.name}: {stem}" for stem in systems(ROOT) if re.search(rf"\b{stem}\b", code)]
    assert named == []


def test_what_a_new_kind_of_erp_lacks_is_named(tmp_path: Path) -> None:
    """Whoever adds the next kind writes a mapping and is told the rest."""
    (tmp_path / "connectors" / "hub" / "mappings").mkdir(parents=True)
    (tmp_path / "connectors" / "hub" / "streams.py").touch()
    for name in ("old-erp.yaml", "old-erp.v2.yaml"):
        (tmp_path / "connectors" / "hub" / "mappings" / name).touch()
    (tmp_path / "prefect.yaml").write_text("deployments: []")
    lacking = missing(tmp_path, "hub")
    assert {"blocks/hub_old_erp.py", "connectors/hub/old_erp.py (talks)", "sandbox/old_erp.py"} <= set(lacking)
    assert "blocks/hub.py" not in lacking


@pytest.mark.parametrize("folder", ["flows", "tasks", "warehouse"])
def test_no_kind_of_erp_is_known_outside_its_own_files(folder: str) -> None:
    """A new kind changes no line of the flow, in tasks/ or in warehouse/, since no line there names one."""
    names = [name for kind in kinds(ROOT, "erp") for name in (kind, *map(module_of, parts(ROOT, "erp", kind)))]
    named = []
    for path in (ROOT / folder).rglob("*.py"):
        code = re.sub(r'""".*?"""|#[^\n]*', "", path.read_text(), flags=re.DOTALL)
        named += [f"{path.name}: {name}" for name in names if re.search(rf"\b{name}\b", code)]
    assert named == []


def module_of(part: str) -> str:
    """The name of a part's file without its folder."""
    return Path(part.partition(" ")[0]).stem
