"""How good a model is on people it never saw, with the laboratory: simulates takes, estimates them, scores them.

    python examples/score_model.py imusic 3

`imusic evaluate` does the same for many people, motions and groups; this is the core of it.
"""

import sys
from contextlib import suppress

from face_evaluation.estimate import Estimator
from face_evaluation.score import mean_score, rest_pose, score_recording
from face_evaluation.sources import Simulated
from face_inference.model_folder import load_model
from imu_sim.generator import generate


def main() -> None:
    """Each person is simulated, estimated and scored; then the mean."""
    name = sys.argv[1] if len(sys.argv) > 1 else "imusic"
    people = int(sys.argv[2]) if len(sys.argv) > 2 else 3

    estimator = Estimator.of(load_model(name))
    scores = []
    for seed in range(1, people + 1):
        # 20 s of random expressions of a random person, whose boards are glued somewhat off their places.
        take = Simulated(generate(seed, 20.0), face="head", seed=seed, rate_hz=100.0).load()
        weights, confidence = estimator(take.recording)
        score = score_recording(take.recording, weights, confidence, take.rig).score
        rest = rest_pose(take.recording, take.rig).score
        print(f"person {seed}: error {score.mae_observable:.4f}, of a face that never moves {rest.mae_observable:.4f}")
        scores.append(score)

    mean = mean_score(scores)
    print(f"{name}: error {mean.mae_observable:.4f}, correlation {mean.r_observable:.2f}, lips {mean.lip_mm:.2f} mm")


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):  # Ctrl-C ends it
        main()
