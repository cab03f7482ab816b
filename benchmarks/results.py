"""From measured costs to ratios, a table, and a plot."""

import os
import platform
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.measure import Cost
from benchmarks.runs import PANDAS_SHARE, Runs

# The reference's goals at full size: the most that a ratio may be, or (from here on) the least.
AT_MOST = {"first_over_copy": 4.0, "first_wall_over_copy": 2.5, "rerun_over_first": 0.4, "delta_over_first": 0.07,
           "wal_rerun_over_first": 0.02, "rss_4x_over_1x": 1.2, "prefect_added_s": 2.0,
           "flow_rss_over_prefect_mb": 120.0}  # fmt: skip
AT_LEAST = {"dlt_dict_first": 4.0, "dlt_dict_rerun": 10.0, "dlt_arrow_first": 2.4, "dlt_arrow_rerun": 6.0,
            "singer_first": 5.0, "pandas_first": 18.0}  # fmt: skip
ROWS = {
    "copy_bare": "`\\copy`, without the bookkeeping columns", "copy": "`\\copy`, our columns and keys",
    "prefect_import": "importing Prefect", "prefect_flow": "an empty flow", "prefect_tasks": "a flow with a task a stream",
    "fetch": "our connector alone", "first": "**ours, first load**", "rerun": "**ours, re-run, 1 % changed**", "delta": "**ours, hourly run, 1 % changed**",
    "first_4x": "ours at 4x, first load", "rerun_4x": "ours at 4x, re-run",
    "rerun_distant": "ours, re-run at 150 ms latency", "fetch_distant": "our connector alone at 150 ms",
    "dlt_arrow_first": "dlt, Arrow, first", "dlt_arrow_rerun": "dlt, Arrow, re-run",
    "dlt_dict_first": "dlt, dicts, first", "dlt_dict_rerun": "dlt, dicts, re-run",
    "singer_first": "Singer target-postgres, first", "pandas_first": "pandas to_sql, first (in proportion)",
}  # fmt: skip

Figures = dict[str, float]


def of(runs: Runs) -> dict[str, Any]:
    """Everything that was found, ready for JSON."""
    figures = {
        name: medians(costs, PANDAS_SHARE if name == "pandas_first" else 1) for name, costs in runs.costs.items()
    }
    reasons: dict[str, str] = {}
    for name, reason in runs.missing.items():
        reasons |= {ratio: reason for ratio in AT_LEAST if ratio.startswith(name)}
    return {
        "scale": runs.scale,
        "machine": f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, Python {platform.python_version()}",
        "ratios": ratios(figures, net=True),
        "ratios_gross": ratios(figures, net=False),
        "reasons": reasons,
        "figures": figures,
        "runs": {name: [cost.cpu_s for cost in costs] for name, costs in runs.costs.items()},
    }


def medians(costs: Sequence[Cost], share: float = 1) -> Figures:
    """The medians over the rounds; ``share`` of the records was loaded."""
    names = ("client_s", "postgres_s", "cpu_s", "wall_s", "wal_bytes", "peak_rss", "peak_tree_rss", "other_s")
    sums = {"client_s", "postgres_s", "cpu_s", "wall_s", "wal_bytes"}
    return {
        name: statistics.median(getattr(cost, name) for cost in costs) / (share if name in sums else 1)
        for name in names
    }


def ratios(figures: Mapping[str, Figures], *, net: bool) -> dict[str, float | None]:
    """The ratios; ``net`` takes what an empty flow costs from ours. None where something was not measured."""

    def ours(name: str, what: str = "cpu_s") -> float | None:
        if name not in figures or "prefect_flow" not in figures:
            return None
        return figures[name][what] - (figures["prefect_flow"][what] if net else 0.0)

    def get(name: str, what: str = "cpu_s") -> float | None:
        return figures[name][what] if name in figures else None

    found = {
        "first_over_copy": _over(ours("first"), get("copy")),
        "first_over_copy_bare": _over(ours("first"), get("copy_bare")),
        "first_wall_over_copy": _over(ours("first", "wall_s"), get("copy", "wall_s")),
        "dlt_dict_first": _over(get("dlt_dict_first"), ours("first")),
        "dlt_dict_rerun": _over(get("dlt_dict_rerun"), ours("rerun")),
        "dlt_arrow_first": _over(get("dlt_arrow_first"), ours("first")),
        "dlt_arrow_rerun": _over(get("dlt_arrow_rerun"), ours("rerun")),
        "singer_first": _over(get("singer_first"), ours("first")),
        "pandas_first": _over(get("pandas_first"), ours("first")),
        "rerun_over_first": _over(ours("rerun"), ours("first")),
        "delta_over_first": _over(ours("delta"), ours("first")),
        "wal_rerun_over_first": _over(get("rerun", "wal_bytes"), get("first", "wal_bytes")),
        "rss_4x_over_1x": _over(get("first_4x", "peak_rss"), get("first", "peak_rss")),
        "prefect_added_s": _less(get("prefect_tasks"), get("prefect_import")),
        "flow_rss_over_prefect_mb": _less(get("first", "peak_rss"), get("prefect_import", "peak_rss"), 1e6),
    }
    return {name: None if value is None else round(value, 3) for name, value in found.items()}


def _over(value: float | None, base: float | None) -> float | None:
    return None if value is None or not base else value / base


def _less(value: float | None, base: float | None, unit: float = 1.0) -> float | None:
    return None if value is None or base is None else (value - base) / unit


def table(found: Mapping[str, Any]) -> str:
    """The figures and the ratios with their goals, as Markdown; goals bind at full size."""
    full_size = found["scale"] == 1
    copy = found["figures"].get("copy", {}).get("cpu_s")
    lines = ["| | client + Postgres = CPU s | ÷ `\\copy` | wall s | WAL MB | peak RSS MB | others' CPU s |"]
    lines.append("|---|---|---|---|---|---|---|")
    for name, label in ROWS.items():
        if (row := found["figures"].get(name)) is None:
            continue
        relation = f"{row['cpu_s'] / copy:.1f}" if copy else ""
        lines.append(
            f"| {label} | {row['client_s']:.1f} + {row['postgres_s']:.1f} = {row['cpu_s']:.1f} | {relation} |"
            f" {row['wall_s']:.1f} | {row['wal_bytes'] / 1e6:.0f} | {row['peak_rss'] / 1e6:.0f} | {row['other_s']:.1f} |"
        )
    lines += ["", "| ratio | net | gross | goal | |", "|---|---|---|---|---|"]
    for name, value in found["ratios"].items():
        gross = found["ratios_gross"][name]
        if value is None:
            lines.append(f"| {name} | – | – | {_goal(name)} | {found['reasons'].get(name, 'not measured')} |")
        else:
            verdict = _verdict(name, value) if full_size or not _goal(name) else "at full size"
            lines.append(f"| {name} | {value:.3g} | {gross:.3g} | {_goal(name)} | {verdict} |")
    return "\n".join(lines)


def _goal(name: str) -> str:
    if name in AT_MOST:
        return f"≤ {AT_MOST[name]:g}"
    return f"≥ {AT_LEAST[name]:g}" if name in AT_LEAST else ""


def _verdict(name: str, value: float) -> str:
    if name in AT_MOST:
        return "met" if value <= AT_MOST[name] else "**missed**"
    if name in AT_LEAST:
        return "met" if value >= AT_LEAST[name] else "**missed**"
    return ""


def plot(found: Mapping[str, Any]) -> str:
    """CPU seconds as bars, in SVG; a logarithmic scale would hide what matters, so long bars are long."""
    names = [name for name in ROWS if name in found["figures"] and not name.startswith("prefect") and "4x" not in name]
    longest = max(found["figures"][name]["cpu_s"] for name in names)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="900" height="{24 * len(names) + 40}" font-family="sans-serif" font-size="13">'
    ]
    parts.append(
        '<rect width="100%" height="100%" fill="white"/><text x="10" y="20">CPU seconds: client (dark), Postgres (light)</text>'
    )
    for number, name in enumerate(names):
        row, y = found["figures"][name], 32 + 24 * number
        client, postgres = (500 * row[what] / longest for what in ("client_s", "postgres_s"))
        hue = "#1f6f54" if name in ("first", "rerun", "delta", "rerun_distant") else "#55606b"
        label = ROWS[name].replace("*", "").replace("`", "")
        parts.append(f'<text x="300" y="{y + 13}" text-anchor="end">{label}</text>')
        parts.append(f'<rect x="310" y="{y}" width="{client:.1f}" height="17" fill="{hue}"/>')
        parts.append(
            f'<rect x="{310 + client:.1f}" y="{y}" width="{postgres:.1f}" height="17" fill="{hue}" opacity="0.5"/>'
        )
        parts.append(f'<text x="{316 + client + postgres:.1f}" y="{y + 13}">{row["cpu_s"]:.1f}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def write(found: Mapping[str, Any], tables: Sequence[str], page: Path) -> None:
    """Write the page of results, with these tables, and the picture beside it."""
    page.with_name("results.svg").write_text(plot(found))
    page.write_text(
        "# Benchmark results\n\n"
        f"Written by `./run bench`, at scale {found['scale']:g} on {found['machine']}; docs/benchmarks.md says how to read it."
        " Compare ratios, not seconds.\n\n![CPU seconds](results.svg)\n\n" + "\n\n".join(tables) + "\n"
    )
