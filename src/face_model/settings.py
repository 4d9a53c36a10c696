"""The one reader of YAML settings: found by name or path, bounded in size, checked against a dataclass by pydantic.

A kind of file is declared once, beside the dataclass that its content becomes:

    LAYOUTS = SettingsKind("sensor layout", SensorLayout, LayoutError, folder="layouts")
    layout = LAYOUTS.load("face_12")  # or LAYOUTS.load("my/layout.yaml")

The dataclass is a plain one: types, `Literal`, defaults, and `__post_init__` raising ValueError for what types cannot
say. Checks are strict: text is no number and 1 is no truth value. pydantic is imported when a file is checked, so that
importing this module costs nothing. `read_mapping` does without pydantic: it is for files that people do not write.
"""

from __future__ import annotations

import difflib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, is_dataclass
from functools import cache
from pathlib import Path
from types import UnionType
from typing import TYPE_CHECKING, Any, Generic, TypeVar, Union, get_args, get_origin, get_type_hints

import yaml

from face_model.errors import ImusicError, SettingsError
from face_model.share import expanded, is_path, share_dir

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

T = TypeVar("T")

MAX_BYTES = 1 << 20
"""A settings file of people has some kilobytes; a larger one was given by mistake."""
MAX_VALUES = 100_000
"""Values after YAML's aliases are written out: a few lines of aliases of aliases could fill the memory."""
MAX_DEPTH = 32

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml's is ten times as fast
_ENDINGS = (".yaml", ".yml")
_EXPECTED = {
    "missing": "a longer list",
    "greater_than_equal": "at least {ge}",
    "greater_than": "more than {gt}",
    "less_than_equal": "at most {le}",
    "less_than": "less than {lt}",
    "dataclass_type": "a mapping of keys to values",
    "dict_type": "a mapping of keys to values",
    "tuple_type": "a list",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "string_type": "text",
    "none_required": "null",
}
"""Of pydantic's kinds of errors, in words for people who write YAML; its own words serve for the others."""


class _TwiceError(ValueError):
    """A key stands twice in one mapping; PyYAML would take the last one and say nothing."""


class _StrictLoader(_LOADER):  # type: ignore[misc]
    """Refuses a key that stands twice."""

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        lines: dict[str, int] = {}
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.tag == "tag:yaml.org,2002:merge":
                continue
            line = key.start_mark.line + 1
            if key.value in lines:
                raise _TwiceError(
                    f"expected each key once, found {_short(key.value)} on lines {lines[key.value]} and {line}; "
                    "remove one of them"
                )
            lines[key.value] = line
        return super().construct_mapping(node, deep)


def read_mapping(path: Path, what: str, error: type[ImusicError] = SettingsError) -> dict[str, Any]:
    """Plain values of a YAML file: texts, finite numbers, true, false, null, lists, and mappings with text as keys.

    Args:
        path: of the file.
        what: what the file is, in words.
        error: raised for everything that is wrong.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise error(
                f"{path}: expected {what} of at most {MAX_BYTES >> 20} MiB, found {path.stat().st_size} bytes; "
                "give another file"
            )
        # ValueError: PyYAML lets those of int() and datetime() through.
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_StrictLoader)
    except OSError as problem:
        raise error(f"expected {what} at {path}, found: {problem}; give the path of a file") from problem
    except ImusicError:
        raise
    except _TwiceError as problem:
        raise error(f"{path}: {problem}") from problem
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as problem:
        told = " ".join(str(problem).split())
        raise error(f"{path}: expected YAML, found: {told}; correct the syntax") from problem
    try:
        return _mapping({} if content is None else content)  # a file of comments leaves every key out
    except ValueError as problem:
        raise error(f"{path}: {problem}") from problem


@dataclass(frozen=True)
class SettingsKind(Generic[T]):
    """One kind of settings file.

    Attributes:
        what: what the file is, in words.
        of: dataclass that its content becomes.
        error: raised for everything that is wrong with it.
        folder: of the shipped ones, in the package's `config`; empty where none has a name.
    """

    what: str
    of: type[T]
    error: type[ImusicError] = SettingsError
    folder: str = ""

    def names(self) -> tuple[str, ...]:
        """Names of the shipped files."""
        return tuple(sorted(path.stem for path in self._shipped().glob("*.yaml"))) if self.folder else ()

    def find(self, name_or_path: str | Path) -> Path:
        """The file: a path, where it has a separator or ends in .yaml or .yml; else the name of a shipped one."""
        given = str(name_or_path)
        by_path = is_path(name_or_path) or given.endswith(_ENDINGS) or not self.folder
        path = expanded(given) if by_path else self._shipped() / f"{given}.yaml"
        if not _is_file(path):
            close = [] if by_path else difflib.get_close_matches(given, self.names(), 1)
            near = "".join(f"; did you mean {name}?" for name in close)
            shipped = f" or one of the shipped names: {', '.join(self.names())}" if self.folder else ""
            raise self.error(
                f"expected a {self.what} at {path}, found no file; give the path of a .yaml file{shipped}{near}"
            )
        return path

    def load(self, name_or_path: str | Path, base: T | None = None) -> T:
        """Read and check a file; keys that it leaves out are those of `base`, where one is given."""
        path = self.find(name_or_path)
        return self.checked(read_mapping(path, f"a {self.what}", self.error), base, f"{path}: ")

    def checked(self, content: Any, base: T | None = None, where: str = "") -> T:
        """Check plain values, as `load` does; `where` goes before what is said of them."""
        try:
            values = _mapping(content)
            if base is not None:
                values = _merged(_mapping(asdict(base)), values)  # type: ignore[call-overload]
            return self._validated(values)
        except (ImusicError, ValueError) as problem:
            raise self.error(f"{where}{problem}") from problem

    def _shipped(self) -> Path:
        return share_dir() / "config" / self.folder

    def _validated(self, values: Mapping[str, Any]) -> T:
        try:
            from pydantic import ValidationError
        except ModuleNotFoundError as problem:
            raise self.error(
                f"expected pydantic 2 to check a {self.what}, found {problem}; pip install 'pydantic>=2'"
            ) from problem
        try:
            # As JSON, because a strict check takes no list for a tuple and no mapping for a dataclass otherwise.
            checker = _adapter(self.of)  # type: ignore[arg-type]  # mypy doubts that a class can be hashed
            checked: tuple[T] = checker.validate_json(json.dumps([values]), strict=True)
        except ValidationError as problem:
            raise ValueError(_told(problem.errors(include_url=False), self.of, values)) from problem
        return checked[0]


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name longer than any file's
        return False


@cache
def _adapter(of: Any) -> Any:
    from pydantic import ConfigDict, TypeAdapter

    return TypeAdapter(tuple[of], config=ConfigDict(extra="forbid", allow_inf_nan=False))


def _mapping(content: Any) -> dict[str, Any]:
    if not isinstance(content, Mapping):
        raise ValueError(f"expected a mapping of keys to values, found {_short(content)}; write key: value")
    plain = _plain(content, "", iter(range(MAX_VALUES)), 0)
    assert isinstance(plain, dict)
    return plain


def _plain(value: Any, where: str, left: Iterator[int], depth: int) -> Any:
    """`value` as JSON has it; anything else that YAML or Python knows is refused."""
    if next(left, None) is None or depth > MAX_DEPTH:
        raise ValueError(
            f"{where}: expected at most {MAX_VALUES} values, {MAX_DEPTH} levels deep, found more; make it smaller"
        )
    at = f"{where}: " if where else ""
    if isinstance(value, Mapping):
        odd = next((key for key in value if not isinstance(key, str)), None)
        if odd is not None:
            raise ValueError(f"{at}expected text as key, found {_short(odd)}; put it in quotes")
        prefix = f"{where}." if where else ""
        return {key: _plain(inner, f"{prefix}{key}", left, depth + 1) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner, f"{where}.{i}", left, depth + 1) for i, inner in enumerate(value)]
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{at}expected a finite number, found {value}; correct this value")
    if value is None or isinstance(value, str | bool | int | float):
        return value
    raise ValueError(f"{at}expected text, numbers, true, false or null, found {_short(value)}; put it in quotes")


def _merged(base: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    both = {k: _merged(base[k], v) for k, v in values.items() if isinstance(v, dict) and isinstance(base.get(k), dict)}
    return {**base, **values, **both}


def _told(errors: Sequence[ErrorDetails], of: type[Any], values: Mapping[str, Any]) -> str:
    """The first error in words. A misspelt key shows twice, as unknown and as missing: the unknown one is to mend."""
    unknown = [e for e in errors if e["type"] in {"unexpected_keyword_argument", "extra_forbidden"}]
    first = (unknown or errors)[0]
    keys = _keys(first["loc"][1:], values)
    where, last = ".".join(map(str, keys)), str(first["loc"][-1])
    if unknown:
        known = _known(of, keys[:-1])
        near = difflib.get_close_matches(last, known, n=1)
        advice = f"did you mean {near[0]}?" if near else f"the keys here are {', '.join(known)}"
        return f"{where}: expected a known key, found {last}; {advice}"
    message = first["msg"].removeprefix("Value error, ")
    if first["type"] == "value_error":
        return f"{where}: {message}" if where else message
    if first["type"] == "missing" and isinstance(first["loc"][-1], str):
        return f"{'.'.join([*map(str, keys), last])}: expected a value, found none; add this key"
    # Where a value may be of several types there is an error for each.
    same = [_expected(e) for e in errors if _keys(e["loc"][1:], values) == keys]
    return f"{where}: expected {' or '.join(dict.fromkeys(same))}, found {_short(first['input'])}; correct this value"


def _expected(error: ErrorDetails) -> str:
    told = _EXPECTED.get(error["type"], error["msg"].removeprefix("Input should ").removeprefix("be "))
    return told.format(**error.get("ctx", {}))


def _keys(location: Sequence[int | str], values: Any) -> list[int | str]:
    """The part of pydantic's location that is in the file: beside keys it names alternatives of a type."""
    found: list[int | str] = []
    for part in location:
        try:
            values = values[part]
        except (KeyError, IndexError, TypeError):
            break
        found.append(part)
    return found


def _known(of: Any, keys: Sequence[int | str]) -> list[str]:
    """Names of the keys that a mapping at this place may have."""
    for key in keys:
        of = next((inner for option in _options(of) if (inner := _inner(option, key)) is not None), None)
    return [field.name for option in _options(of) if is_dataclass(option) for field in fields(option)]


def _options(hint: Any) -> tuple[Any, ...]:
    return get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)


def _inner(hint: Any, key: int | str) -> Any:
    if is_dataclass(hint) and isinstance(hint, type):
        return get_type_hints(hint).get(str(key))
    arguments = get_args(hint)
    return arguments[0 if isinstance(key, int) else -1] if arguments else None


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 100 else f"{text[:97]}..."
