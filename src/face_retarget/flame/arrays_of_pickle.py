"""Arrays of a pickle that somebody sent, without running any of it.

FLAME and SMPL-X come as pickles of Python 2. A pickle is a program that may call anything; here it may name only what
such files hold (NumPy arrays, SciPy's sparse matrices, chumpy's wrapped arrays), and each of these names stands for a
class of this module that keeps the bytes. Nothing of NumPy, SciPy or chumpy is called by the file.
"""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from face_retarget.errors import RetargetError

MOST_BYTES: Final = 1 << 30
"""FLAME has 53 MB, SMPL-X half a gigabyte with all its pose correctives."""
BROKEN: Final = (
    *(pickle.UnpicklingError, EOFError, ValueError, TypeError, AttributeError, IndexError, KeyError),
    *(ImportError, MemoryError, OverflowError, RecursionError, UnicodeError, AssertionError),
)
"""What unpickling a damaged file raises."""


class _Dtype:
    """`numpy.dtype`, as a text."""

    def __init__(self, code: object = "O", *_: object) -> None:
        self.code = _text(code)
        self.order = ""

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        order = _text(state[1]) if len(state) > 1 else ""
        self.order = order if order in ("<", ">") else ""

    @property
    def plain(self) -> np.dtype[Any] | None:
        """Of numbers; None for anything else."""
        kind = np.dtype(self.order + self.code) if self.code[:1] in "fiub" else None
        return None if kind is None or kind.hasobject else kind


class _Array:
    """`numpy.ndarray`."""

    def __init__(self, *_: object) -> None:
        self.value: NDArray[Any] | None = None

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, shape, dtype, fortran, data = state[-5:] if len(state) >= 5 else (0, *state)
        self.fill(dtype, shape, data, "F" if fortran else "C")

    def fill(self, dtype: Any, shape: Any, data: Any, order: str) -> None:
        plain = dtype.plain if isinstance(dtype, _Dtype) else None
        if plain is None:
            return  # of objects: names and the like
        raw = data.encode("latin1") if isinstance(data, str) else bytes(data)
        count = int(np.prod([int(n) for n in shape], dtype=np.int64))
        if count * plain.itemsize != len(raw):
            raise ValueError(f"expected {count} numbers of {plain}, found {len(raw)} bytes")
        letter: Any = order
        self.value = np.frombuffer(raw, plain).reshape([int(n) for n in shape], order=letter)


class _Sparse:
    """`scipy.sparse` matrices by column or by row."""

    by_rows = False


class _SparseByRows(_Sparse):
    by_rows = True


class _Wrapped:
    """`chumpy.Ch`, an array with a wish to be differentiated: its `x`."""


class _Anything:
    """`object`, the base that old pickles name."""


def _array(*_: object) -> _Array:
    return _Array()


def _filled(data: Any, dtype: Any, shape: Any, order: Any) -> _Array:
    array = _Array()
    array.fill(dtype, shape, data, _text(order))
    return array


def _scalar(dtype: Any, data: Any = b"") -> Any:
    array = _Array()
    array.fill(dtype, (), data, "C")
    return None if array.value is None else array.value[()]


def _made(of: Any, *_: object) -> Any:
    if of not in (_Sparse, _SparseByRows, _Wrapped, _Anything):
        raise pickle.UnpicklingError(f"expected an array to be made, found {of!r}")
    return of()


def _encoded(text: str, coding: str = "latin1") -> bytes:
    if coding not in ("latin1", "latin-1"):
        raise pickle.UnpicklingError(f"expected bytes as latin1, found {coding!r}")
    return text.encode("latin1")


def _text(value: object) -> str:
    return value.decode("latin1") if isinstance(value, bytes) else str(value)


def _known() -> dict[tuple[str, str], Any]:
    known: dict[tuple[str, str], Any] = {
        ("numpy", "ndarray"): _Array,
        ("numpy", "dtype"): _Dtype,
        ("chumpy.ch", "Ch"): _Wrapped,
        ("chumpy", "Ch"): _Wrapped,
        ("copy_reg", "_reconstructor"): _made,
        ("copyreg", "_reconstructor"): _made,
        ("__builtin__", "object"): _Anything,
        ("builtins", "object"): _Anything,
        ("_codecs", "encode"): _encoded,
        ("collections", "OrderedDict"): dict,
    }
    for core in ("numpy.core", "numpy._core"):
        known[f"{core}.multiarray", "_reconstruct"] = _array
        known[f"{core}.multiarray", "scalar"] = _scalar
        known[f"{core}.numeric", "_frombuffer"] = _filled
    for module in ("scipy.sparse.csc", "scipy.sparse._csc"):
        known[module, "csc_matrix"] = _Sparse
    for module in ("scipy.sparse.csr", "scipy.sparse._csr"):
        known[module, "csr_matrix"] = _SparseByRows
    return known


class _Reader(pickle.Unpickler):
    known: Final = _known()

    def find_class(self, module: str, name: str) -> Any:
        found = self.known.get((module, name))
        if found is None:
            raise pickle.UnpicklingError(f"expected arrays only, found {module}.{name}")
        return found


def arrays_of_pickle(path: Path) -> dict[str, NDArray[Any]]:
    """Every array of numbers in a pickled mapping, by its key; what else is there is left out.

    Raises:
        RetargetError: the file is no such pickle, or names something that is no array.
    """
    try:
        size = path.stat().st_size
        if size > MOST_BYTES:
            raise RetargetError(f"{path}: expected at most {MOST_BYTES >> 20} MiB, found {size >> 20}")
        with path.open("rb") as file:
            content = _Reader(file, encoding="latin1").load()
    except OSError as error:
        raise RetargetError(f"expected a model file at {path}, found: {error.strerror}; give its path") from error
    except BROKEN as error:
        raise RetargetError(
            f"{path}: expected a pickle of arrays, found: {error}; a pickle can do anything to this machine, so no "
            "other is read: convert it to .npz where you trust it (docs/retarget.md says how)"
        ) from error
    if not isinstance(content, Mapping):
        raise RetargetError(f"{path}: expected a mapping of names to arrays, found {type(content).__name__}")
    arrays = {}
    for key, value in content.items():
        array = _plain(value)
        if array is not None:
            arrays[_text(key)] = array
    return arrays


def _plain(value: Any) -> NDArray[Any] | None:
    """An array of numbers; None for what is none."""
    if isinstance(value, _Array):
        return value.value
    if isinstance(value, _Wrapped):
        return _plain(value.__dict__.get("x"))
    if isinstance(value, _Sparse):
        return _dense(value)
    return np.asarray(value) if isinstance(value, np.number | int | float) else None


def _dense(value: _Sparse) -> NDArray[Any] | None:
    from scipy.sparse import csc_matrix, csr_matrix

    state = value.__dict__
    parts = [_plain(state.get(name)) for name in ("data", "indices", "indptr")]
    shape = state.get("_shape", state.get("shape"))
    if any(part is None for part in parts) or not isinstance(shape, tuple):
        return None
    made = (csr_matrix if value.by_rows else csc_matrix)(tuple(parts), shape=shape)
    made.check_format(full_check=True)
    return np.asarray(made.toarray())
