"""Data sets of simulated takes by a recipe: see `build_dataset` and config/datasets."""

from __future__ import annotations

from imu_sim.dataset.build import Built, Done, build_dataset
from imu_sim.dataset.folder import merge
from imu_sim.dataset.plan import Plan, TakePlan, plan_takes
from imu_sim.dataset.recipe import Recipe, load_recipe, recipe_from

__all__ = [
    "Built",
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
