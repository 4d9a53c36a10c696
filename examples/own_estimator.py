"""An estimator of one's own in the benchmark: a linear map from the boards' turns to what a camera saw.

    imusic evaluate --estimator examples/own_estimator.py:PlainMap
    imusic evaluate --benchmark --estimator examples/own_estimator.py:PlainMap --results results.json

Whatever has these methods is an estimator (`face_evaluation.entrants.Entrant`): nothing is to be registered.
"""

import numpy as np

from face_model import rotation


class PlainMap:
    """Needs labels on the sensors' clock; of anybody else it says that the face rests."""

    def __init__(self, layout):
        self.skull = layout.reference_index

    def learn(self, calibration):
        """What is known of a wearer, in any form: `estimate` gets it back."""
        seen = calibration.labelled
        if seen is None or not seen.same_clock:
            return None
        x, y = self.turns(seen.take), seen.weights
        return np.linalg.solve(x.T @ x + 1e-3 * len(x) * np.eye(x.shape[1]), x.T @ y)

    def estimate(self, take, known):
        """Weights (T, 52), or these and confidences."""
        return np.zeros((len(take.valid), 52)) if known is None else np.clip(self.turns(take) @ known, 0.0, 1.1)

    def turns(self, take):
        """(T, 3 S) rad: of each board relative to the skull, since the neutral."""
        relative = rotation.multiply(rotation.conjugate(take.orientation[:, [self.skull]]), take.orientation)
        rest = relative[take.neutral][:1]
        return rotation.to_vector(rotation.multiply(relative, rotation.conjugate(rest))).reshape(len(relative), -1)
