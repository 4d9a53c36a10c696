"""Data sets of simulated takes by a recipe: see `build_dataset` and config/datasets."""

from __future__ import annotations

from face_dataset.build import BuiltDataset, Done, build_dataset
from face_dataset.folder import merge
from face_dataset.plan import Plan, TakePlan, plan_takes
from face_dataset.recipe import Recipe, load_recipe, recipe_from

__all__ = [
    "BuiltDataset",
    "Done",
    "Plan",
    "Recipe",
    "TakePlan",
    "build_dataset",
    "load_recipe",
    "merge",
    "plan_takes",
    "recipe_from",
]
