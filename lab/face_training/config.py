"""What decides a training, read from YAML: unknown keys and wrong types are refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from face_inference.errors import InferenceError
from face_model.settings import SettingsKind
from face_training.networks.config import ESTIMATE_CHANNELS, NetworkConfig
from face_training.states import STATES, State

STAGES = ("stage_1", "stage_2", "distil")
"""Stages in their order; one without steps is left out."""


@dataclass(frozen=True)
class AugmentConfig:
    """Random changes to each training chunk, so that the network relies on nothing a real wearer may lack.

    Attributes:
        mirror_share: chance that left and right are exchanged.
        heading_deg: each chunk's heading errors are drawn with a standard deviation uniform from 0 to this: what the
            heading correction leaves of the drift of 6-axis fusion.
        drop_share: largest chance that a skin sensor is missing for the whole chunk, in chunks where any is.
        drop_chunks: share of chunks in which sensors are missing.
        noise: standard deviation of noise added to every channel, in units of the channel's own spread.
        states: chance of each state of knowledge of the wearer (`face_training.states`), relative to the others.
    """

    mirror_share: float = 0.5
    heading_deg: float = 3.0
    drop_share: float = 0.8
    drop_chunks: float = 0.3
    noise: float = 0.03
    states: dict[State, Annotated[float, Field(ge=0.0)]] = field(default_factory=lambda: dict.fromkeys(STATES, 1.0))

    def __post_init__(self) -> None:
        if set(self.states) != set(STATES) or not any(self.states.values()):
            raise ValueError(f"expected a chance for each of {', '.join(STATES)}, not all zero, found {self.states}")


@dataclass(frozen=True)
class StageConfig:
    """One stage: how long, how fast, on what, and what it minimises (`face_training.loss`).

    Attributes:
        steps: optimiser steps; 0 leaves the stage out.
        batch: chunks per step, over all processes.
        chunk_s: length of a chunk.
        learning_rate: peak; cosine decay to zero after `warm_up_steps`.
        warm_up_steps: linear increase of the learning rate.
        huber: errors well above this count by their size, well below by their square; 0: all by their square.
        likelihood_weight: of the likelihood that fits the variance.
        beta: of beta-NLL: 0 plain likelihood, 1 scaled by the variance.
        velocity_weight: of the squared error of the change per tick.
        acceleration_weight: of the squared error of the change of that.
        surface_weight: of the squared error of the face's vertices.
        lip_weight: weight of the lips' vertices beside those of all skin, in the former.
        contact_weight: of the squared error of the gap of lips and lids where they are closed.
        sources: sources of takes (`TakeInfo.source`) that it trains on; none for all.
    """

    steps: int = 0
    batch: int = 32
    chunk_s: float = 1.6
    learning_rate: float = 1e-3
    warm_up_steps: int = 100
    huber: float = 0.05
    likelihood_weight: float = 0.3
    beta: float = 1.0
    velocity_weight: float = 20.0
    acceleration_weight: float = 60.0
    surface_weight: float = 0.0
    lip_weight: float = 1.0
    contact_weight: float = 0.0
    sources: tuple[str, ...] = ()

    @property
    def geometric(self) -> bool:
        """Whether a face is needed."""
        return self.surface_weight > 0.0 or self.contact_weight > 0.0


@dataclass(frozen=True)
class DistilConfig(StageConfig):
    """The stage that teaches a diffusion network to do in one step what it does in several.

    Attributes:
        teacher_share: the student's target is this share of the teacher's result, the rest the truth.
        estimate_share: of that target this share gives way to the linear estimate, smoothed: what a network learned of
            how faces move holds only in part for people it never saw.
    """

    teacher_share: float = 0.7
    estimate_share: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.0


@dataclass(frozen=True)
class TrainConfig:
    """One training.

    Attributes:
        name: of the model and its folder.
        version: of the model.
        rate_hz: ticks per second; takes must have this rate.
        seed: of everything random.
        data: recipe of the data set, by name or path, or the folder of one that is built; read by whoever makes it.
        network: architecture and sizes; its `inputs` means nothing here, the data decides.
        start: model, by name or folder, whose network the training begins with; empty: with random weights.
        stage_1: training on everything.
        stage_2: fine-tuning.
        distil: distillation, of a diffusion network only.
        export: stages that get a model folder of their own beside the last one's, named `<name>_<stage>`.
        weight_decay: of AdamW.
        gradient_limit: norm to which gradients are clipped.
        ema_decay: of the moving average of the weights that each stage ends with; 0 switches it off.
        hidden_weight: weight of shapes that skin IMUs cannot see, relative to the others.
        validation_share: share of people held out to fit the confidence and to follow the training.
        validate_steps: steps between validations.
        validation_ticks: ticks of a validation, at most.
        neutral_s: length of the neutral window.
        population_people: people whose rigs tell how the skin of people answers, before anybody is met.
        device: auto (a GPU where there is one), cpu or cuda.
        precision: float32 or bfloat16 (mixed).
        threads: of PyTorch on the CPU.
        checkpoint_steps: steps between checkpoints.
        ablation: blocks of inputs that the network shall do without, to find out what they are worth
            (`face_inference.network_inputs.BLOCKS`).
        made_up_wearers: to make of each wearer in training: the same performance, a Jacobian drawn from the population.
        training_people: train on so many people only, for the same purpose; 0: on all.
        recorded_share: share of the chunks that come from recorded faces, where there are any, however short their
            takes are beside the generated ones; 0: as their lengths say.
        interval_coverage: least and largest share of the truth that 80 % intervals may hold on the people held out, to
            which the confidence is fitted.
        augment: random changes.
    """

    name: str = "imusic"
    version: str = "0.2.0"
    rate_hz: float = 100.0
    seed: int = 1
    data: str = "imusic"
    network: NetworkConfig = field(default_factory=lambda: NetworkConfig(inputs=ESTIMATE_CHANNELS + 1))
    start: str = ""
    stage_1: StageConfig = field(default_factory=lambda: StageConfig(steps=2000))
    stage_2: StageConfig = field(default_factory=StageConfig)
    distil: DistilConfig = field(default_factory=DistilConfig)
    export: tuple[str, ...] = ()
    weight_decay: float = 0.01
    gradient_limit: float = 1.0
    ema_decay: float = 0.998
    hidden_weight: float = 0.4
    validation_share: float = 0.1
    validate_steps: int = 200
    validation_ticks: int = 4000
    neutral_s: float = 2.0
    population_people: int = 400
    device: Literal["auto", "cpu", "cuda"] = "auto"
    precision: Literal["float32", "bfloat16"] = "float32"
    threads: int = 1
    checkpoint_steps: int = 250
    ablation: tuple[str, ...] = ()
    made_up_wearers: int = 3
    training_people: int = 0
    recorded_share: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.0
    interval_coverage: tuple[float, float] = (0.77, 0.83)
    augment: AugmentConfig = field(default_factory=AugmentConfig)

    def __post_init__(self) -> None:
        if self.network.inputs != ESTIMATE_CHANNELS + 1:
            raise ValueError(f"expected no network.inputs, which the data decides, found {self.network.inputs}")
        if not self.stages:
            raise ValueError(f"expected steps above 0 in one of {', '.join(STAGES)}, found none; nothing to train")
        unknown = [name for name in self.export if name not in self.stages]
        if unknown:
            raise ValueError(f"expected export to name stages that have steps, found {', '.join(unknown)}")
        if "distil" in self.stages and self.network.architecture != "diffusion":
            raise ValueError(
                f"expected a diffusion network for distil, found {self.network.architecture}; set distil.steps to 0"
            )

    @property
    def stages(self) -> dict[str, StageConfig]:
        """Those that have steps, in order, by name."""
        return {name: stage for name in STAGES if (stage := getattr(self, name)).steps > 0}

    @property
    def chunk(self) -> int:
        """Ticks of the longest chunk: takes shorter than this are of no use."""
        return max(self.ticks(stage) for stage in self.stages.values())

    def ticks(self, stage: StageConfig) -> int:
        """Ticks per chunk of a stage."""
        return max(3, round(stage.chunk_s * self.rate_hz))

    def to_dict(self) -> dict[str, Any]:
        """As plain values."""
        content = asdict(self)
        del content["network"]["inputs"]
        return content


_TRAININGS = SettingsKind("training configuration", TrainConfig, InferenceError, folder="train")


def load_train_config(name_or_path: str | Path) -> TrainConfig:
    """Read a training's YAML file, by path or shipped name.

    Raises:
        InferenceError: the file cannot be read, or holds a key or value that is not understood.
    """
    return _TRAININGS.load(name_or_path, TrainConfig())


def train_config_from(content: Mapping[str, Any]) -> TrainConfig:
    """A configuration from plain values; what is absent keeps its default.

    Raises:
        InferenceError: a key is unknown, a value has the wrong type or is not one of those possible.
    """
    return _TRAININGS.checked(content, TrainConfig())
