"""`imusic evaluate`: options are read here, the work is done in the other modules of this folder."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from face_model.outputs import check_output_folder
from imusic_cli.errors import CommandError

if TYPE_CHECKING:
    from face_evaluation.arguments import Asked
    from face_evaluation.contest import Cast
    from face_evaluation.findings import Findings
    from face_evaluation.trials import Trial
    from face_inference.model_folder import Model

DEFAULT_MODEL = "imusic"
ALL = "all"

out = Console(markup=False)
err = Console(stderr=True, markup=False)


def evaluate(
    what: Annotated[
        list[str] | None,
        typer.Argument(help="Models (names or folders), Live Link Face CSV files, data sets, recipes, in any order."),
    ] = None,
    model: Annotated[list[str] | None, typer.Option("--model", help="Another model; may be given again.")] = None,
    subjects: Annotated[
        int | None, typer.Option(min=1, help="Subjects per take: anatomy, placement and mounting differ. [3]")
    ] = None,
    face: Annotated[
        list[str] | None,
        typer.Option(
            "--face",
            help="Whose people wear it: `head`, `head:301-340` for other kinds of heads, or a rig file; may be given "
            "again. [head, ICT-FaceKit where ../shared has it, head:301-340]",
        ),
    ] = None,
    state: Annotated[
        list[str] | None,
        typer.Option(
            help="What is known of the wearer: neutral, worn, routine, routine_worn, phone, phone_real, or all; may be "
            "given again. [all that the takes allow]"
        ),
    ] = None,
    special: Annotated[
        list[str] | None,
        typer.Option(
            "--trial",
            help="Special trials: sensors, placement, held, `long wear`, `glued anew`, `minutes of wear`, `seconds of "
            "labels`, or all; may be given again.",
        ),
    ] = None,
    published: Annotated[
        bool, typer.Option(help="What the README publishes: 6 subjects of each family, every state.")
    ] = False,
    estimator: Annotated[
        list[str] | None,
        typer.Option(help="Somebody else's estimator, MODULE:CLASS or FILE.py:CLASS; may be given again."),
    ] = None,
    baselines: Annotated[
        bool, typer.Option(help="Whether models without their network and a static ridge take part.")
    ] = True,
    benchmark: Annotated[
        bool, typer.Option(help="The named benchmark: fixed takes, subjects, states and special trials.")
    ] = False,
    results: Annotated[
        Path | None, typer.Option(help="With --benchmark: file of results, written, or extended where it is there.")
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes.")] = 1,
    runs: Annotated[Path, typer.Option(help="Folder in which recipes are built.")] = Path("runs/evaluate"),
    report: Annotated[Path | None, typer.Option(help="Write a page with figures, index.html, to this folder.")] = None,
    bag: Annotated[Path | None, typer.Option(help="Folder of a recorded bag; needs --truth.")] = None,
    truth: Annotated[
        Path | None, typer.Option(help="Live Link Face CSV that a phone recorded beside the bag: the true weights.")
    ] = None,
    namespace: Annotated[
        str | None, typer.Option(help="Whose topics of the bag, where it holds those of several wearers.")
    ] = None,
    fps: Annotated[
        float | None, typer.Option(help="Frames per second of Live Link Face CSVs whose timecodes do not tell them.")
    ] = None,
    live: Annotated[
        bool, typer.Option(help="Through the real processes and a pseudo-terminal, in real time, one wearer.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object and nothing else on standard output.")
    ] = False,
) -> None:
    """Compare played and estimated weights: models and the rest pose on the same takes of people they never saw.

    Without takes: recordings of people held out of training where they are found, else generated (synthetic) motion.
    """
    from face_evaluation.arguments import sorted_out
    from face_evaluation.benchmark import SPECIAL, benchmark_cast
    from face_evaluation.contest import SPECIAL_TRIALS, contestants_of, trials_of
    from face_inference.model_folder import load_model

    asked = sorted_out(what or ())
    for folder in ([runs] if asked.recipes else []) + ([] if report is None else [report]):
        check_output_folder(folder)
    if benchmark:
        takes = asked.takes or asked.datasets or asked.recipes
        there: dict[str, object] = {
            "takes, data sets or recipes": takes,
            "--bag": bag,
            "--face": face,
            "--trial": special,
        }
        there |= {"--live": live, "--published": published}
        _check_fixed([name for name, found in there.items() if found], subjects, results)
    elif results is not None:
        raise CommandError("expected --benchmark beside --results, found none; only its figures can be put together")
    models = [load_model(name) for name in (*asked.models, *(model or ())) or (DEFAULT_MODEL,)]
    if live:
        _live(asked, models, face, as_json)
        return
    stored = bool(asked.datasets or asked.recipes or bag)
    cast = benchmark_cast(subjects) if benchmark else _cast(asked, models[0], face, subjects, published, stored, fps)
    contestants = contestants_of(
        models, _states(state or [ALL]), estimator or (), baselines=baselines, if_possible=not state
    )
    chosen = SPECIAL if benchmark else SPECIAL_TRIALS if ALL in (special or ()) else special or ()
    with _progress() as progress:
        task = progress.add_task("preparing", total=None)
        given = _recorded(bag, truth, models[0], namespace, fps)
        given += [take for folder in _folders(asked, runs, workers, progress, task) for take in _stored(folder)]
        trials = trials_of(cast, chosen, given)
        findings = _contest(trials, contestants, workers, progress, task)
        told = _told(cast, trials)
        if report is not None:
            _write_page(report, findings, told)
    if benchmark and _benchmark_told(findings, results, as_json):
        return
    _show(findings, told, report, as_json)


def _cast(
    asked: Asked,
    model: Model,
    face: Sequence[str] | None,
    subjects: int | None,
    published: bool,
    stored: bool,
    fps: float | None,
) -> Cast:
    """Who plays what: the takes that were named, or those held out where nothing `stored` was."""
    from face_evaluation import motions
    from face_evaluation.contest import Cast, default_faces

    takes = asked.takes or ([] if stored else motions.held_out_takes(model))
    return Cast(
        motions=[] if stored and not takes else motions.motions_of(takes, fps=fps),
        faces=face or (_published_faces() if published else default_faces()),
        subjects=subjects or (6 if published else 3),
        rate_hz=model.description.rate_hz,
    )


def _contest(trials: Sequence[Trial], contestants: Sequence[Any], workers: int, bar: Progress, task: Any) -> Findings:
    from face_evaluation.contest import hold_contest

    def tell(done: int, of: int) -> None:
        bar.update(task, completed=done, total=of, description=f"take {done} of {of}")

    return hold_contest(trials, contestants, workers, tell)


def _write_page(folder: Path, findings: Findings, told: str) -> None:
    from face_evaluation.findings_page import write_page

    write_page(folder / "index.html", findings, told)


def _benchmark_told(findings: Findings, results: Path | None, as_json: bool) -> bool:
    """Write the benchmark's results where that is asked for; whether they were printed, too."""
    from face_evaluation.benchmark import extended, protocol, results_of, write_results

    found = results_of(findings, protocol())
    if results is not None:
        write_results(results, extended(results, found))
        err.print(f"written: {results}", highlight=False, soft_wrap=True)
    if as_json:
        print(json.dumps(found, indent=2))  # noqa: T201
    return as_json


def _check_fixed(chosen: Sequence[str], subjects: int | None, results: Path | None) -> None:
    """Before hours of work: nothing of the benchmark is chosen, and its file of results can be extended."""
    from face_evaluation.benchmark import WEARERS, check_results, protocol

    if chosen:
        raise CommandError(f"expected nothing that --benchmark fixes, found {', '.join(chosen)}; leave them out")
    if results is None:
        return
    if subjects not in (None, WEARERS):
        raise CommandError(f"expected --results of all {WEARERS} wearers, found --subjects {subjects}; leave one out")
    check_output_folder(results.parent)
    check_results(results, protocol())


def _live(asked: Asked, models: Sequence[Model], face: Sequence[str] | None, as_json: bool) -> None:
    from face_evaluation.live import evaluate_live
    from face_evaluation.motions import held_out_takes
    from face_evaluation.tables import evaluation_table

    takes = asked.takes or held_out_takes(models[0])
    if not takes:
        raise CommandError("expected at least one Live Link Face CSV for --live, found none; name one")
    if face and list(face) != ["head"]:
        raise CommandError("--live plays on the head that comes with the package; leave out --face")
    if len(models) != 1:
        raise CommandError(f"expected one model for --live, found {len(models)}")
    with _progress() as bar:
        task = bar.add_task("starting", total=None)
        result = evaluate_live(str(models[0].path), takes, lambda line: bar.update(task, description=line))
    if as_json:
        print(result.to_json())  # noqa: T201
        return
    out.print(evaluation_table(result))


def _show(findings: Findings, told: str, report: Path | None, as_json: bool) -> None:
    from face_evaluation.tables import grids

    if as_json:
        print(json.dumps(findings.to_dict(), indent=2))  # noqa: T201
    else:
        for grid in grids(findings):
            table = Table(*grid.header, title=grid.title)
            for row in grid.rows:
                table.add_row(*row)
            out.print(table)
        out.print(told)
    for note in findings.notes:
        err.print(note, highlight=False, soft_wrap=True)
    if report is not None:
        err.print(f"written: {report / 'index.html'}", highlight=False, soft_wrap=True)


def _states(asked: Sequence[str]) -> list[Any]:
    from face_evaluation.states import WEARER_STATES

    unknown = [state for state in asked if state not in (*WEARER_STATES, ALL)]
    if unknown:
        raise CommandError(f"expected states of {', '.join(WEARER_STATES)} or all, found {', '.join(unknown)}")
    return [state for state in WEARER_STATES if state in asked or ALL in asked]


def _published_faces() -> list[str]:
    from face_evaluation.contest import default_faces, ict_face

    if ict_face() is None:
        raise CommandError(
            "expected the unseen face at ../shared/data/face_ict/ict_face.npz, found no file; name faces with --face"
        )
    return default_faces()


def _folders(asked: Asked, runs: Path, workers: int, bar: Progress, task: Any) -> list[Path]:
    """Data sets that were named, and those of the recipes that were."""
    from face_evaluation.contest import built

    def say(line: str) -> None:
        bar.update(task, description=line)

    return [*asked.datasets, *(built(recipe, runs / recipe.name, workers, say) for recipe in asked.recipes)]


def _recorded(
    bag: Path | None, truth: Path | None, model: Model, namespace: str | None, fps: float | None
) -> list[Any]:
    if (bag is None) != (truth is None):
        raise CommandError("expected --bag and --truth together, found one of them; a bag holds no true weights")
    if bag is None or truth is None:
        return []
    from face_evaluation.bags import Given, bag_with_truth

    return [Given(bag_with_truth(bag, truth, model.description, namespace, fps))]


def _stored(folder: Path) -> Any:
    from face_evaluation.contest import stored_takes

    return stored_takes(folder)


def _told(cast: Cast, trials: Sequence[Trial]) -> str:
    """Where the numbers come from, in a sentence."""
    from face_evaluation.sources import Simulated

    stored = sum(not isinstance(trial.source, Simulated) for trial in trials)
    parts = [f"{stored} recorded or stored takes"] if stored else []
    if cast.motions:
        faces = ", ".join(Path(face).stem for face in cast.faces)
        names = ", ".join(motion.name for motion in cast.motions)
        parts.append(f"{names}, each on {cast.subjects} subjects of {faces}")
        parts[-1] += ", with simulated IMU signals"
    return f"Takes: {'; '.join(parts)}."


def _progress() -> Progress:
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    return Progress(*columns, console=err, transient=True)
