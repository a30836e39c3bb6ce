"""Growth as pictures: what a job costs against rows, and jobs per second against consumers."""
# pyright: reportUnknownMemberType=false

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")

from matplotlib import pyplot as plt  # after the choice of a backend without a screen

DATABASES = {"PostgreSQL": "#336791", "SQLite": "#c0392b"}
Figures = Sequence[Mapping[str, Any]]


def draw(figures: Figures, folder: Path) -> list[Path]:
    """The plots that `figures` have something for."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = [one for one in figures if "rows" in one["facts"]]
    consumers = [one for one in figures if "consumers" in one["facts"]]
    made: list[Path] = []
    if rows:
        made.append(_cost_against_rows(rows, folder / "cost-per-job-against-rows.png"))
    if consumers:
        made.append(_rate_against_consumers(consumers, folder / "jobs-per-second-against-consumers.png"))
    return made


def _cost_against_rows(figures: Figures, path: Path) -> Path:
    figure, axes = plt.subplots(figsize=(8, 4))
    for database, colour in DATABASES.items():
        points = sorted((one["facts"]["rows"], one) for one in figures if f" {database}," in one["what"])
        sizes = [size for size, _ in points]
        axes.plot(sizes, [1000 / one["measured"] for _, one in points], "o-", color=colour, label=f"{database}: job")
        for name, style in (("claim_p50_ms", "--"), ("claim_p99_ms", ":")):
            costs = [one["facts"][name] for _, one in points]
            axes.plot(sizes, costs, style, color=colour, label=f"{database}: {name[:9].replace('_', ' ')}")
    axes.set(xscale="log", xlabel="finished jobs in the table", ylabel="milliseconds")
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.set_ylim(bottom=0)
    return _saved(figure, axes, path, "What a no-op job costs, one consumer, one job at a time")


def _rate_against_consumers(figures: Figures, path: Path) -> Path:
    figure, axes = plt.subplots(figsize=(8, 4))
    for database, colour in DATABASES.items():
        points = sorted(
            (one["facts"]["consumers"], one["measured"]) for one in figures if f" {database}," in one["what"]
        )
        axes.plot([count for count, _ in points], [rate for _, rate in points], "o-", color=colour, label=database)
    axes.set(xlabel="consumer processes", ylabel="no-op jobs per second")
    axes.set_ylim(bottom=0)
    return _saved(figure, axes, path, "No-op jobs per second, one job at a time in each consumer")


def _saved(figure: Any, axes: Any, path: Path, title: str) -> Path:
    axes.set_title(title)
    axes.legend(fontsize="small", loc="center left", bbox_to_anchor=(1, 0.5))
    axes.grid(visible=True, alpha=0.3)
    figure.tight_layout()
    figure.savefig(path, dpi=110, metadata={"Software": None})
    plt.close(figure)
    return path
