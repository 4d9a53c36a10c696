"""What the words after `imusic evaluate` mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from face_dataset import Recipe, load_recipe
from face_dataset.shards.manifest import MANIFEST_FILE
from face_inference.errors import ModelNotFoundError
from face_inference.model_folder import find_model
from face_model.share import is_path
from imu_sim.errors import RecipeError
from imusic_cli.errors import CommandError


@dataclass
class Asked:
    """What was named, by kind: models, Live Link Face CSV files, data sets, recipes."""

    models: list[str] = field(default_factory=list)
    takes: list[Path] = field(default_factory=list)
    datasets: list[Path] = field(default_factory=list)
    recipes: list[Recipe] = field(default_factory=list)


def sorted_out(words: Sequence[str]) -> Asked:
    """Tell models, takes, data sets and recipes apart; a name that is both a model's and a recipe's is the model.

    Raises:
        CommandError: a word is none of them.
        ImuSimError: a recipe cannot be read.
        InferenceError: a model folder is incomplete.
    """
    asked = Asked()
    for word in words:
        path = Path(word).expanduser()
        if path.suffix.lower() == ".csv":
            asked.takes.append(path)
        elif is_path(word) and (path / MANIFEST_FILE).is_file():
            asked.datasets.append(path)
        elif path.suffix.lower() in {".yaml", ".yml"}:
            asked.recipes.append(load_recipe(path))
        else:
            _by_name(word, asked)
    return asked


def _by_name(word: str, asked: Asked) -> None:
    try:
        find_model(word)
    except ModelNotFoundError as no_model:
        if (Path(word) / MANIFEST_FILE).is_file():  # shipped names come first
            asked.datasets.append(Path(word))
            return
        try:
            asked.recipes.append(load_recipe(word))
        except RecipeError as no_recipe:
            raise CommandError(
                f"expected a model, a Live Link Face CSV, a data set's folder or a recipe, found {word!r}: "
                f"{no_model}; {no_recipe}"
            ) from no_recipe
    else:
        asked.models.append(word)
