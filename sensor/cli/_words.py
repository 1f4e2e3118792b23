"""A command's words made values at once, where they are plain.

Typer from 0.29 on gives every word to pydantic, which takes longer to import than a small capture to replay. Texts,
numbers and paths need no more than Python's own types. Whatever is not that plain, mistakes included, goes to
typer all the same, which then says what it always says.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args, get_origin

import typer
from typer.core import TyperCommand, TyperGroup
from typer.models import ParameterInfo


class _NotPlainError(Exception):
    """A word that typer is to judge."""


class QuickCommand(TyperCommand):
    """A command whose parameters try the quick way first."""

    def get_params(self, ctx: Any) -> Any:
        """The command's parameters, ``--help`` among them."""
        return [_quickened(parameter) for parameter in super().get_params(ctx)]


class QuickGroup(TyperGroup):
    """Commands under one name, whose own parameters try the quick way first."""

    def get_params(self, ctx: Any) -> Any:
        """The group's parameters, ``--help`` among them."""
        return [_quickened(parameter) for parameter in super().get_params(ctx)]


def _quickened(parameter: Any) -> Any:
    # Earlier typers have no such method, and no slow way to go round.
    slow = getattr(parameter, "get_runtime_param", None)
    if slow is not None and "get_runtime_param" not in vars(parameter):
        quick = _Quick(parameter.type_descriptor, slow)
        parameter.get_runtime_param = lambda: quick
    return parameter


class _Quick:
    """What typer calls to make a value of a parameter's words."""

    def __init__(self, described: Any, slow: Callable[[], Any]) -> None:
        self._type = described.annotation
        self._told: ParameterInfo = described.parameter_info
        self._slow = slow

    def coerce(self, value: Any, param: Any, ctx: typer.Context) -> Any:
        """Make the value, or let typer make it."""
        try:
            return self._many(value) if param.multiple or param.nargs == -1 else self._one_or_none(value)
        except _NotPlainError:
            return self._slow().coerce(value, param=param, ctx=ctx)

    def _many(self, values: Any) -> Any:
        if values is None or values == ():
            return ()
        if get_origin(self._type) is not list or not isinstance(values, (list, tuple)):
            raise _NotPlainError
        (kind,) = get_args(self._type)
        return [self._plain(kind, one) for one in values]

    def _one_or_none(self, value: Any) -> Any:
        return None if value is None else self._plain(self._type, value)

    def _plain(self, kind: Any, value: Any) -> Any:
        if not isinstance(value, str) or self._told.parser is not None:
            raise _NotPlainError
        if kind is str:
            return value
        if kind is int:
            return self._number(value)
        if kind is Path:
            return self._path(value)
        raise _NotPlainError

    def _number(self, text: str) -> int:
        if not (text.isascii() and text.isdigit() and len(text) < 16):
            raise _NotPlainError
        number, told = int(text), self._told
        if (told.min is not None and number < told.min) or (told.max is not None and number > told.max):
            raise _NotPlainError
        return number

    def _path(self, text: str) -> Path:
        told = self._told
        asks = told.exists or told.writable or told.allow_dash or told.resolve_path or told.path_type
        either = told.file_okay and told.dir_okay
        if asks or not either or "\0" in text or (os.path.lexists(text) and not os.access(text, os.R_OK)):
            raise _NotPlainError
        return Path(text)
