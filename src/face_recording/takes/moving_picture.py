"""Pictures as a file that moves: GIF and WebP by Pillow, MP4 and WebM by the program ffmpeg where it is installed.

ffmpeg is started as a program of its own and is no part of this package: its builds are under the LGPL or the GPL.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Final

from face_recording.takes.errors import TakeError

if TYPE_CHECKING:
    from PIL.Image import Image

GIF_FPS, VIDEO_FPS = 20.0, 30.0
GIF_RATES: Final = (100.0, 50.0, 25.0, 20.0, 10.0, 5.0)
"""GIF counts hundredths of a second; browsers show less than two of them as ten."""
_COLORS: Final = 128
_SAMPLED: Final = 12
"""Pictures that the colours of a GIF are chosen from."""
_CODECS: Final = {
    ".mp4": ("-c:v", "libx264", "-crf", "18", "-pix_fmt", "yuv420p", "-movflags", "+faststart"),
    ".webm": ("-c:v", "libvpx-vp9", "-crf", "28", "-b:v", "0", "-pix_fmt", "yuv420p"),
}


def need_ffmpeg() -> str:
    """Path of the program.

    Raises:
        TakeError: it is not installed.
    """
    found = shutil.which("ffmpeg")
    if found is None:
        raise TakeError(
            "expected the program ffmpeg for .mp4 and .webm, found none on PATH; sudo apt install ffmpeg, or export to "
            ".gif or .webp, which need nothing"
        )
    return found


def write_moving_picture(pictures: Iterable[Image], fps: float, path: Path) -> None:
    """Write pictures of one size to exactly this path, in the format of its ending.

    Raises:
        TakeError: ffmpeg is missing or failed, or a format that is none of these.
    """
    ending = path.suffix.lower()
    if ending == ".gif":
        _write_gif(iter(pictures), fps, path)
    elif ending == ".webp":
        frames = iter(pictures)
        first = next(frames)
        first.save(
            path, save_all=True, append_images=frames, duration=round(1000.0 / fps), loop=0, quality=80, method=4
        )
    elif ending in _CODECS:
        _write_video(iter(pictures), fps, path)
    else:
        raise TakeError(f"expected a name that ends in .gif, .webp, .mp4 or .webm, found {path.name}")


def _write_gif(pictures: Iterator[Image], fps: float, path: Path) -> None:
    """One palette for all pictures, without dithering: what stands still stays still, and the file small."""
    from PIL import Image

    some = list(islice(pictures, 400))
    step = max(1, len(some) // _SAMPLED)
    samples = some[::step][:_SAMPLED]
    sheet = Image.new("RGB", (samples[0].width, samples[0].height * len(samples)))
    for i, sample in enumerate(samples):
        sheet.paste(sample, (0, i * sample.height))
    palette = sheet.quantize(_COLORS, method=Image.Quantize.MEDIANCUT)
    frames = (picture.quantize(palette=palette, dither=Image.Dither.NONE) for picture in chain(some, pictures))
    first = next(frames)
    first.save(
        path, save_all=True, append_images=frames, duration=round(1000.0 / fps), loop=0, optimize=False, disposal=1
    )


def _write_video(pictures: Iterator[Image], fps: float, path: Path) -> None:
    first = next(pictures)
    size = f"{first.width}x{first.height}"
    command = [need_ffmpeg(), "-hide_banner", "-loglevel", "error", "-y", "-f", "rawvideo", "-pix_fmt", "rgb24"]
    command += ["-s", size, "-r", f"{fps:g}", "-i", "-", *_CODECS[path.suffix.lower()], str(path.absolute())]
    with tempfile.TemporaryFile() as told:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=told)
        assert process.stdin is not None
        try:
            for picture in chain([first], pictures):
                process.stdin.write(picture.tobytes())
            process.stdin.close()
        except BrokenPipeError:
            pass  # it ended early, and says why
        except BaseException:
            process.kill()
            raise
        finally:
            process.wait()
        if process.returncode:
            told.seek(0)
            lines = told.read().decode("utf-8", "replace").strip().splitlines() or ["no word"]
            raise TakeError(f"expected ffmpeg to write {path.name}, found: {lines[-1]}; export to .gif instead")
