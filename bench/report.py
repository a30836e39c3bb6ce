"""`make bench-report`: docs/performance.md and its plots, from the newest figures under bench/results/."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.plots import draw
from bench.report_texts import INTRODUCTION, PROFILES, PROMISES, WORKER, Section
from bench.results import latest_figures

DOCS = Path(__file__).parent.parent / "docs"
PAGE = DOCS / "performance.md"
PLOTS = DOCS / "performance"

Figures = Sequence[Mapping[str, Any]]


def main() -> None:
    figures, documents = latest_figures()
    if not documents:
        raise SystemExit("bench: nothing under bench/results/ yet: run `make bench` first")
    plots = draw(figures, PLOTS)
    sections = [_section(one, [each for each in figures if each["promise"] == one.promise]) for one in PROMISES]
    page = [
        INTRODUCTION,
        in_short(figures),
        _machine(documents),
        _targets(figures),
        *sections,
        *_pictures(plots),
        WORKER,
        PROFILES,
    ]
    PAGE.write_text("\n\n".join(page) + "\n")
    print(f"bench: wrote {PAGE.relative_to(DOCS.parent)} and {len(plots)} plots")


def in_short(figures: Figures) -> str:
    """Of each promise how many of its targets held, and which did not."""
    aimed = [one for one in figures if one["target"] is not None]
    lines = [
        f"- {section.promise}, {section.title}: {sum(one['held'] for one in rows)} of {len(rows)}"
        for section in PROMISES
        if (rows := [one for one in aimed if one["promise"] == section.promise])
    ]
    missed = [one for one in aimed if not one["held"]]
    head = f"## In short\n\n{len(aimed) - len(missed)} of {len(aimed)} targets held; by promise:\n\n" + "\n".join(lines)
    if not missed:
        return head
    table = "| promise | missed | measured | spread | target | |\n|---|---|---|---|---|---|\n"
    return f"{head}\n\n{table}" + "\n".join(_target_row(one) for one in missed)


def _machine(documents: Figures) -> str:
    newest = documents[0]["machine"]
    parts = ", ".join(f"{name} {version}" for name, version in newest["parts"].items())
    runs = "; ".join(
        f"{one['measured_at']} (load {one['machine']['load_average_at_the_end']:.1f})" for one in documents
    )
    return (
        f"Measured on {newest['cores']} cores ({newest['processor']}), {newest['memory_gb']} GB, {newest['system']}, "
        f"Python {newest['python']}; {parts}.\n\nRuns that the figures come from, with the machine's load at their "
        f"end, of which the bench itself makes two to four: {runs}."
    )


def _targets(figures: Figures) -> str:
    rows = [one for one in figures if one["target"] is not None]
    rows.sort(key=lambda one: one["promise"])
    missing = [str(one.promise) for one in PROMISES if not any(each["promise"] == one.promise for each in rows)]
    table = [
        "## Targets",
        "| promise | what | measured | spread | target | |\n|---|---|---|---|---|---|\n"
        + "\n".join(_target_row(one) for one in rows),
    ]
    if missing:
        table.append(f"**Not measured in these runs:** promise {', '.join(missing)}.")
    return "\n\n".join(table)


def _target_row(one: Mapping[str, Any]) -> str:
    sign = "≥" if one["at_least"] else "≤"
    verdict = "held" if one["held"] else "**MISSED**"
    limit = f"{sign} {one['target']:g} {one['unit']}".strip()
    return f"| {one['promise'] or '-'} | {one['what']} | {_number(one)} | {_spread(one)} | {limit} | {verdict} |"


def _section(section: Section, figures: Figures) -> str:
    head = f"## Promise {section.promise}: {section.title}\n\n{section.how}"
    rows = [one for one in figures if one["target"] is None]
    if rows:
        names = list(dict.fromkeys(name for one in rows for name in one["facts"]))
        columns = ["what", "measured", "spread", *(name.replace("_", " ") for name in names)]
        lines = [f"| {' | '.join(columns)} |", "|---" * len(columns) + "|"]
        lines += [f"| {' | '.join([one['what'], _number(one), _spread(one), *_facts(one, names)])} |" for one in rows]
        head += "\n\n" + "\n".join(lines)
    return f"{head}\n\n**What limits it.** {section.limit}"


def _facts(one: Mapping[str, Any], names: Sequence[str]) -> list[str]:
    return [_rounded(one["facts"][name]) if name in one["facts"] else "" for name in names]


def _number(one: Mapping[str, Any]) -> str:
    return f"{_rounded(one['measured'])} {one['unit']}".strip()


def _spread(one: Mapping[str, Any]) -> str:
    return "" if one["spread"] is None else f"{_rounded(one['spread'][0])} .. {_rounded(one['spread'][1])}"


def _rounded(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _pictures(plots: Sequence[Path]) -> list[str]:
    return ["## Growth", *(f"![{one.stem.replace('-', ' ')}](performance/{one.name})" for one in plots)]


if __name__ == "__main__":
    main()
