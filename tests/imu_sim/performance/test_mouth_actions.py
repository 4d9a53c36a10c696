from __future__ import annotations

import numpy as np
import pytest

from face_model import arkit, observability
from imu_sim.performance.canvas import RATE_HZ, Canvas
from imu_sim.performance.mouth_actions import ACTIONS, Chewing, chew
from imu_sim.performance.perform import Script, perform


def chewed(rate_hz: float, side: int = 1, seed: int = 0) -> np.ndarray:
    canvas = Canvas(np.arange(0.0, 20.0, 1.0 / RATE_HZ))
    chew(Chewing(0.0, 20.0, rate_hz, side), canvas, np.random.default_rng(seed))
    return canvas.weights


@pytest.mark.parametrize("rate_hz", [1.0, 1.5, 2.0])
def test_the_jaw_goes_at_the_rate_of_chewing_with_sealed_lips(rate_hz: float) -> None:
    weights = chewed(rate_hz)
    jaw, close = weights[:, arkit.INDEX["jawOpen"]], weights[:, arkit.INDEX["mouthClose"]]
    power = np.abs(np.fft.rfft(jaw - jaw.mean())) ** 2
    frequency = np.fft.rfftfreq(len(jaw), 1.0 / RATE_HZ)
    band = (frequency > 0.6) & (frequency < 3.0)
    assert np.average(frequency[band], weights=power[band]) == pytest.approx(rate_hz, rel=0.12)
    assert jaw.max() > 0.2
    wide = jaw > 0.1
    assert np.all(close[wide] / jaw[wide] > 0.85)
    assert np.all(weights[300:900, arkit.INDEX["mouthPressLeft"]] > 0.02)


def test_the_jaw_closes_from_the_working_side() -> None:
    left, right = chewed(1.5, side=1), chewed(1.5, side=-1)
    np.testing.assert_allclose(left, right[:, list(arkit.MIRROR)], atol=1e-12)
    jaw, sideways = left[:, arkit.INDEX["jawOpen"]], left[:, arkit.INDEX["jawLeft"]] - left[:, arkit.INDEX["jawRight"]]
    closing = np.gradient(jaw) < 0.0
    assert sideways[closing].mean() > 0.03
    assert sideways[~closing].mean() < 0.01  # an ellipse: there and back by different ways


@pytest.mark.parametrize("name", sorted(ACTIONS))
def test_actions_begin_when_they_should_and_are_over_in_time(name: str) -> None:
    expressions = ACTIONS[name](2.0)
    assert min(e.start_s for e in expressions) == 2.0
    lasts_s = max(e.end_s for e in expressions) - 2.0
    assert (4.0 <= lasts_s <= 8.0) if name == "yawn" else (0.5 <= lasts_s <= 3.0)
    take = perform(
        Script(12.0, expressions=expressions, blink_interval_s=0.0, liveliness=0.0), np.random.default_rng(0), name
    )
    assert take.weights.max() > 0.2
    skin = [i for i in observability.OBSERVABLE if not arkit.BLENDSHAPES[i].startswith("eyeBlink")]
    assert not take.weights[: int(1.9 * RATE_HZ), skin].any()
