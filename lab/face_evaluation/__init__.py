"""Scoring estimates of faces: numbers of a take, groups of takes, and special trials of what wearing does to them."""

from face_evaluation.estimate import Estimator, estimate_take
from face_evaluation.groups import Evaluation, grouped
from face_evaluation.score import (
    HEADLINE,
    REST_POSE,
    Score,
    TakeResult,
    mean_score,
    moving_part,
    rest_pose,
    score_recording,
    score_take,
    take_result,
)

__all__ = [
    "HEADLINE",
    "REST_POSE",
    "Estimator",
    "Evaluation",
    "Score",
    "TakeResult",
    "estimate_take",
    "grouped",
    "mean_score",
    "moving_part",
    "rest_pose",
    "score_recording",
    "score_take",
    "take_result",
]
