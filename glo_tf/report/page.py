"""Pages from templates: one file, which needs no network."""

from __future__ import annotations

import base64
import functools
import gzip
import importlib.metadata
import importlib.resources
import os
import platform
import shlex
from typing import Any

import jinja2
from markupsafe import Markup

from glo_tf.report.comparison_part import NOTHING
from glo_tf.utils.display_text import legible
from glo_tf.utils.style import DARK, LIGHT


def render(template: str, **content: Any) -> bytes:
    """A page.

    Args:
        template: Name of its template.
        **content: What it shows.
    """
    html = (
        _environment()
        .get_template(template)
        .render(
            **content,
            library=_library(),
            light=LIGHT,
            dark=DARK,
            written_with={
                "glo_tf": importlib.metadata.version("glo_tf"),
                "Python": platform.python_version(),
                "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPUs",
            },
        )
    )
    return html.encode()


@functools.cache
def _library() -> str:
    """What draws the charts, with its licence, in a third of its size: gzip in base64."""
    path = importlib.resources.files("glo_tf.report") / "vendor" / "plotly-basic.min.js"
    return base64.b64encode(gzip.compress(path.read_bytes(), mtime=0)).decode()


@functools.cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("glo_tf.report"),
        autoescape=True,
        finalize=_shown,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["value"] = functools.partial(_number, form=".4g")
    environment.filters["fixed"] = functools.partial(_number, form=".4f")
    environment.filters["effect"] = functools.partial(_number, form=".3g")
    environment.filters["duration"] = duration
    environment.filters["quoted"] = shlex.quote
    environment.filters["p_value"] = functools.partial(_number, form=".2g")
    return environment


def _shown(value: object) -> object:
    """What the page says: text that is no markup may hold anything."""
    text = isinstance(value, str) and not isinstance(value, Markup)
    return legible(str(value), keep="\n\t") if text else value


def duration(seconds: float) -> str:
    """Time for readers."""
    if seconds < 60:
        return f"{seconds:.3g} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def _number(value: float | None, *, form: str) -> str:
    """A number for readers."""
    return NOTHING if value is None else format(value, form)
