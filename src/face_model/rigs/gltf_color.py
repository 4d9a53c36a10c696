"""One colour per vertex of a glTF primitive: vertex colour, base colour texture and factor, multiplied.

glTF 2.0 specification, sections 3.9.2 (metallic-roughness) and 3.9.6 (alpha is left out here).
"""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray

from face_model.rigs.accessors import Document

TEXTURE_PX = 512
"""Textures are averaged down to this size first, so that a vertex has the colour of its surroundings."""


def vertex_colors(document: Document, primitive: Any, count: int) -> NDArray[np.float64]:
    """(count, 3) sRGB 0 to 255; NaN where the file says nothing of colour."""
    material = None if primitive.material is None else document.content.materials[primitive.material]
    surface = None if material is None else material.pbrMetallicRoughness
    painted = primitive.attributes.COLOR_0
    texture = None if surface is None else surface.baseColorTexture
    factor = None if surface is None else surface.baseColorFactor
    if painted is None and texture is None and factor in (None, [1.0, 1.0, 1.0, 1.0]):
        return np.full((count, 3), np.nan)
    linear = np.ones((count, 3))
    if factor is not None:
        linear *= np.array(factor[:3])
    if painted is not None:
        linear *= document.array(painted)[:, :3]
    sampled = None if texture is None else _sampled(document, primitive, texture)
    if sampled is not None:
        linear *= sampled
    return 255.0 * np.where(linear <= 0.0031308, linear * 12.92, 1.055 * np.maximum(linear, 0.0) ** (1 / 2.4) - 0.055)


def _sampled(document: Document, primitive: Any, texture: Any) -> NDArray[np.float64] | None:
    """Linear rgb 0 to 1 of the texture at each vertex, (V, 3); None where Pillow cannot read it."""
    from PIL import Image

    coordinates = getattr(primitive.attributes, f"TEXCOORD_{texture.texCoord or 0}", None)
    source = document.content.textures[texture.index].source
    if coordinates is None or source is None:
        return None
    try:
        with Image.open(io.BytesIO(document.image(source))) as image:
            image.thumbnail((TEXTURE_PX, TEXTURE_PX), Image.Resampling.BOX)
            pixels = np.asarray(image.convert("RGB"), dtype=np.float64) / 255.0
    except (OSError, Image.DecompressionBombError):
        return None
    height, width = pixels.shape[:2]
    u, v = document.array(coordinates).T % 1.0
    srgb = pixels[np.minimum((v * height).astype(int), height - 1), np.minimum((u * width).astype(int), width - 1)]
    return np.asarray(np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4))
