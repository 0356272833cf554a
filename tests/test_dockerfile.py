"""Dockerfile.gpu, as far as that shows without Docker and its base images."""

import ast
import io
import json
import pathlib
import re
import shlex

import pytest
from dockerfile_parse import DockerfileParser
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from glo_tf.cli.flags import parse_flags

ROOT = pathlib.Path(__file__).parents[1]
CHECKOUT = "/opt/glo_tf"
"""Where it is in an image."""

VARIANTS = ("tensorflow", "jax")
every_variant = pytest.mark.parametrize("variant", VARIANTS)


def packaging() -> dict[str, ast.expr]:
    """The arguments of `setup`; the metadata of an installation may be older."""
    tree = ast.parse((ROOT / "setup.py").read_text(encoding="utf-8"))
    call = tree.body[-1].value
    assert call.func.id == "setup"
    return {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg}


def requirements(extra: str) -> dict[str, Requirement]:
    extras = ast.literal_eval(packaging()["extras_require"])
    assert extra in extras
    return {one.name: one for one in map(Requirement, extras[extra])}


class Image:
    """What becomes of one build argument: the stage that it names, and what follows."""

    def __init__(self, variant: str | None) -> None:
        arguments = {"BACKEND": variant} if variant else {}
        file = io.BytesIO((ROOT / "Dockerfile.gpu").read_bytes())
        parsed = DockerfileParser(fileobj=file, build_args=arguments)
        stages: list[list[tuple[str, str]]] = []
        for step in parsed.structure:
            if step["instruction"] == "FROM":
                stages.append([])
            if stages:
                stages[-1].append((step["instruction"], step["value"]))
        by_name = {stage[0][1].partition(" AS ")[2]: stage for stage in stages[:-1]}
        self.variant, self.variants = parsed.baseimage, tuple(by_name)
        self.environment = parsed.envs
        self.steps = [*by_name[self.variant], *stages[-1]]

    def values(self, instruction: str) -> list[str]:
        return [value for name, value in self.steps if name == instruction]

    def origin(self) -> tuple[str, str]:
        """Name and tag of the image that it begins from."""
        name, _, tag = self.values("FROM")[0].partition(" ")[0].partition(":")
        return name, tag

    def words(self) -> list[str]:
        """Those of the commands that are run."""
        return [word for run in self.values("RUN") for word in shlex.split(run)]

    def extras(self) -> set[str]:
        """Of glo_tf, which is installed once."""
        (target,) = (word for word in self.words() if re.fullmatch(rf"{CHECKOUT}(\[.+\])?", word))
        return Requirement(target.replace(CHECKOUT, "glo_tf")).extras


def test_tensorflow_is_what_is_built_without_an_argument() -> None:
    assert Image(None).steps == Image("tensorflow").steps
    assert Image(None).variants == VARIANTS


@every_variant
def test_an_image_has_the_checkout_and_what_its_commands_name_there(variant) -> None:
    image = Image(variant)
    assert image.values("COPY") == [f". {CHECKOUT}"]
    left_out = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    files = [word for word in image.words() if word.startswith(f"{CHECKOUT}/")]
    named = [word.removeprefix(f"{CHECKOUT}/") for word in files]
    for name in ["setup.py", "README.md", "pyproject.toml", "glo_tf", "configs", *named]:
        assert (ROOT / name).exists()
        assert not any(pathlib.PurePath(name).match(pattern) for pattern in left_out)


@every_variant
def test_an_image_trains_with_keras_on_its_backend(variant) -> None:
    image = Image(variant)
    assert image.variant == image.environment["KERAS_BACKEND"] == variant
    assert (ROOT / "glo_tf" / "training" / variant / "backend.py").is_file()


def test_the_image_of_tensorflow_keeps_the_one_that_it_begins_from() -> None:
    image = Image("tensorflow")
    name, tag = image.origin()
    assert (name, tag.endswith("-gpu")) == ("tensorflow/tensorflow", True)
    (needed,) = (
        one
        for one in map(Requirement, ast.literal_eval(packaging()["install_requires"]))
        if one.name == "tensorflow"
    )
    assert tag.removesuffix("-gpu") in needed.specifier
    assert image.extras() == set()
    words = image.words()
    assert words[words.index("--constraint") + 1] == words[words.index(">") + 1]


def test_the_image_of_jax_has_jax_with_cuda_and_no_tensorflow() -> None:
    image = Image("jax")
    name, tag = image.origin()
    pythons = SpecifierSet(ast.literal_eval(packaging()["python_requires"]))
    assert (name, tag.removesuffix("-slim") in pythons) == ("python", True)
    (extra,) = image.extras()
    (jax,) = requirements(extra).values()
    assert (jax.name, jax.extras) == ("jax", {"cuda13"})
    assert jax.specifier == requirements("jax")["jax"].specifier
    words = image.words()
    override = words[words.index("--override") + 1].removeprefix(f"{CHECKOUT}/")
    lines = (ROOT / override).read_text(encoding="utf-8").splitlines()
    absent = [Requirement(line) for line in lines if not line.startswith("#")]
    assert {one.name for one in absent} == {"tensorflow", "tensorflow-datasets"}
    assert not any(one.marker is None or one.marker.evaluate() for one in absent)


@every_variant
def test_what_an_image_runs_is_there(variant) -> None:
    image = Image(variant)
    (entry,), (command,) = image.values("ENTRYPOINT"), image.values("CMD")
    scripts = ast.literal_eval(packaging()["entry_points"])["console_scripts"]
    (script,) = json.loads(entry)
    assert script in {one.partition(" = ")[0] for one in scripts}
    values = parse_flags([script, *json.loads(command)])
    assert (values.mode, values.dataset) == ("search", "digits")  # no network, no TensorFlow
