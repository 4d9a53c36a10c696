"""Faces to draw people from: one kind of anatomy, many subjects."""

from __future__ import annotations

from typing import Protocol

from face_model.rig import FaceRig


class FaceFamily(Protocol):
    """Rigs of one topology: the typical one, and random people around it."""

    @property
    def name(self) -> str:
        """Of the family, as it stands in recipes and evaluations ("head", or the file it came from)."""

    def typical(self) -> FaceRig:
        """The face that newcomers see."""

    def subject(self, seed: int) -> FaceRig:
        """A random person: how the face is built, and how each shape moves its skin; the same seed, the same person."""
