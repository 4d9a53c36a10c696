from __future__ import annotations

from dataclasses import replace

from face_training.model_writing import model_card


def test_the_card_says_what_a_person_asks(trained):
    description = replace(
        trained["model"].description,
        training={"people": 7, "seed": 1, "stages": {"stage_1": {"steps": 1800, "learning_rate": 0.001}}},
        licences={"model": "Apache-2.0", "motion a.csv": "MIT"},
        numbers={
            "states": {"neutral": {"mae": 0.0456, "r": {"jawOpen": 0.9}}, "routine": {"mae": 0.05, "r": {}}},
            "confidence": {
                "distribution": "laplace",
                "claimed": 0.9,
                "within": 0.89,
                "coverage_80": 0.801,
                "log_loss": {"laplace": 0.2, "gaussian": 0.25},
            },
        },
    )
    lines = model_card(description).splitlines()
    for line in (
        "# tiny 1.2.3",
        "- people: 7",
        "- stage_1: steps 1800, learning_rate 0.001",
        "| mae | 0.046 | 0.050 |",
        "| r jawOpen | 0.900 |  |",
        "- 80 % intervals held 80.1 % of the weights",
        "- motion a.csv: MIT",
    ):
        assert line in lines
    titles = [line for line in lines if line.startswith("## ")]
    assert [title.split()[1] for title in titles] == [
        "Trained", "Stages", "Numbers,", "Confidence", "Limits", "Licences",
    ]  # fmt: skip


def test_a_model_that_was_not_evaluated_says_so(trained):
    assert "Not evaluated." in model_card(replace(trained["model"].description, numbers={}))
