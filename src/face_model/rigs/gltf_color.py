"""One colour per vertex of a glTF primitive: vertex colour, base colour texture and factor, multiplied.

glTF 2.0 specification, sections 3.9.2 (metallic-roughness) and 3.9.6 (alpha is left out here).
"""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray

from face_model.rigs.accessors import Attributes, Document
from face_model.rigs.srgb import linear

TEXTURE_PX = 512
"""Textures are averaged down to this size first, so that a vertex has the colour of its surroundings."""

MOST_PX = 1 << 26
"""Of an image: 8192 by 8192, 200 MB."""


def vertex_colors(document: Document, primitive: Any, attributes: Attributes, count: int) -> NDArray[np.float64]:
    """(count, 3) sRGB 0 to 255; NaN where the file says nothing of colour, or nothing that can be read."""
    material = None if primitive.material is None else document.content.materials[primitive.material]
    surface = None if material is None else material.pbrMetallicRoughness
    painted = attributes.get("COLOR_0")
    texture = None if surface is None else surface.baseColorTexture
    factor = None if surface is None else surface.baseColorFactor
    if painted is None and texture is None and factor in (None, [1.0, 1.0, 1.0, 1.0]):
        return np.full((count, 3), np.nan)
    sampled = None if texture is None else _sampled(document, attributes, texture)
    if texture is not None and sampled is None and painted is None:
        return np.full((count, 3), np.nan)  # its tint alone would be white
    linear = np.ones((count, 3))
    if factor is not None:
        linear *= np.array(factor[:3])
    if painted is not None:
        linear *= painted[:, :3]
    if sampled is not None:
        linear *= sampled
    return 255.0 * np.where(linear <= 0.0031308, linear * 12.92, 1.055 * np.maximum(linear, 0.0) ** (1 / 2.4) - 0.055)


def _sampled(document: Document, attributes: Attributes, texture: Any) -> NDArray[np.float64] | None:
    """Linear rgb 0 to 1 of the texture at each vertex, (V, 3); None where Pillow cannot read it, which is noted."""
    from PIL import Image

    coordinates = attributes.get(f"TEXCOORD_{texture.texCoord or 0}")
    source, other = _source(document.content.textures[texture.index])
    if coordinates is None:
        return None
    if source is None:
        document.note(f"colours stored as {other or 'no image'} are not read: plain ones instead")
        return None
    try:
        with Image.open(io.BytesIO(document.image(source))) as image:
            if image.width * image.height > MOST_PX:
                raise OSError(f"{image.width} x {image.height} pixels")
            image.thumbnail((TEXTURE_PX, TEXTURE_PX), Image.Resampling.BOX)
            pixels = np.asarray(image.convert("RGB"), dtype=np.float64) / 255.0
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        document.note(f"an image cannot be read ({error}): plain colours instead")
        return None
    height, width = pixels.shape[:2]
    u, v = np.nan_to_num(coordinates[:, :2]).T % 1.0
    srgb = pixels[np.minimum((v * height).astype(int), height - 1), np.minimum((u * width).astype(int), width - 1)]
    return linear(srgb)


def _source(texture: Any) -> tuple[int | None, str]:
    """Number of the image that can be read, PNG, JPEG or WebP; and the name of the format where there is none."""
    extensions = texture.extensions if isinstance(texture.extensions, dict) else {}
    webp = extensions.get("EXT_texture_webp")
    if isinstance(webp, dict) and isinstance(webp.get("source"), int):
        return webp["source"], ""
    formats = {"KHR_texture_basisu": "KTX2", "MSFT_texture_dds": "DDS", "EXT_texture_avif": "AVIF"}
    return texture.source, ", ".join(formats.get(str(name), str(name)) for name in extensions)
