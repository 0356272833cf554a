"""The command line as a user meets it: real processes where the process matters."""

import csv
import os
import pathlib
import signal
import subprocess
import sys

import fake_distribution
import pytest

import glo_tf
from glo_tf.cli import flags as command_flags
from glo_tf.cli import main as command_line
from glo_tf.cli.search import make_search
from glo_tf.data.outputs import Outputs
from glo_tf.losses.lookup import split_losses, with_baseline
from glo_tf.search.genetic.gplearn_operators import GplearnOperators

QUICK = [
    "--dataset=digits",
    "--architecture=mlp",
    "--train_steps=20",
    "--population_size=10",
    "--elites=2",
    "--generations=2",
    "--coefficient_generations=2",
    "--finalists=2",
    "--finalist_seeds=1",
    "--comparison_seeds=1",
]


def run(*arguments: str) -> int:
    return command_line.main(["glo-tf", *arguments])


@pytest.mark.slow
def test_a_search_writes_its_results_and_repeats_from_its_own_flags(tmp_path, capsys) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    assert run(*QUICK, "--population_size=30", "--seed=3", f"--output_dir={first}") == 0
    output = capsys.readouterr().out
    assert {"best_loss.json", "history.csv", "search.flags", "search.log"} <= {
        path.name for path in first.iterdir()
    }
    assert str(glo_tf.load_loss(first / "best_loss.json").expression) in output
    assert "cross-entropy" in output
    assert "discovery 2/2" in output
    assert "\x1b" not in output  # plain lines where the output is no terminal
    assert "fitness" in (first / "search.log").read_text()

    flags = [
        line
        for line in (first / "search.flags").read_text().splitlines()
        if "output_dir" not in line
    ]
    (tmp_path / "again.flags").write_text("\n".join(flags))
    assert run(f"--flagfile={tmp_path / 'again.flags'}", f"--output_dir={second}") == 0
    assert (first / "history.csv").read_bytes() == (second / "history.csv").read_bytes()
    assert (first / "best_loss.json").read_bytes() == (second / "best_loss.json").read_bytes()


@pytest.mark.slow
def test_gplearn_operators_are_a_flag_away(tmp_path) -> None:
    arguments = ("--operators=gplearn", "--coefficient_expressions=0", "--comparison_seeds=0")
    assert run(*QUICK, *arguments, f"--output_dir={tmp_path}") == 0


def settings_of(*arguments: str):
    values = command_flags.define_flags()
    values(["glo-tf", *QUICK, *arguments])
    search = make_search(values)
    return search.settings


def test_what_no_flag_says_comes_from_the_search_space(tmp_path, monkeypatch) -> None:
    entries = {"glo_tf.search_spaces": ["preferring = preferring:space"]}
    fake_distribution.register(tmp_path, monkeypatch, "preferring", entries)
    (tmp_path / "preferring.py").write_text(
        "import dataclasses\n"
        "from glo_tf.search.genetic.gplearn_operators import GplearnOperators\n"
        "from glo_tf.search.spaces.space import glo\n"
        "def space():\n"
        "    return dataclasses.replace(glo(), name='preferring', operators=GplearnOperators)\n"
    )
    output = f"--output_dir={tmp_path / 'out'}"
    own = settings_of("--search_space=preferring", output)
    assert isinstance(own.operators, GplearnOperators)
    chance = "--crossover_probability=0.25"
    given = settings_of("--search_space=preferring", "--operators=glo", chance, f"{output}_given")
    assert given.operators.crossover_probability == 0.25
    plain = settings_of(chance, f"--output_dir={tmp_path / 'plain'}")
    assert plain.operators.crossover_probability == 0.25
    assert plain.coefficient_sigma0 == 1.5
    taylor = settings_of("--search_space=taylor", f"--output_dir={tmp_path / 'taylor'}")
    assert (taylor.coefficient_sigma0, taylor.coefficient_population_size) == (1.2, 28)


@pytest.mark.slow
def test_what_was_understood_is_said_and_logits_are_a_flag_away(
    tmp_path, monkeypatch, capsys
) -> None:
    entries = {"glo_tf.architectures": ["ending_in_logits = ending_in_logits:architecture"]}
    fake_distribution.register(tmp_path, monkeypatch, "ending_in_logits", entries)
    (tmp_path / "ending_in_logits.py").write_text(
        "def architecture(input_shape, num_classes):\n"
        "    import keras\n"
        "    layers = [keras.Input(input_shape), keras.layers.Flatten()]\n"
        "    return keras.Sequential([*layers, keras.layers.Dense(num_classes)])\n"
    )
    short = ("--generations=1", "--coefficient_expressions=0", "--finalists=0")
    arguments = [*QUICK, *short, "--comparison_seeds=0", "--architecture=ending_in_logits"]
    assert run(*arguments, f"--output_dir={tmp_path / 'refused'}") == 2
    assert "Expected from_logits=True" in capsys.readouterr().err
    assert run(*arguments, "--from_logits", f"--output_dir={tmp_path / 'run'}") == 0
    understood = "10 classes, softmax of logits; fitness: accuracy"
    assert capsys.readouterr().out.splitlines()[0] == understood
    assert understood in (tmp_path / "run" / "search.log").read_text()
    assert "--from_logits" in (tmp_path / "run" / "search.flags").read_text()
    assert glo_tf.load_loss(tmp_path / "run" / "best_loss.json").from_logits
    compare = ["--mode=compare", "--losses=baikal,square(x - y)", "--seeds=1", "--train_steps=2"]
    folder = f"--output_dir={tmp_path / 'compared'}"
    assert run("--architecture=ending_in_logits", "--from_logits", *compare, folder) == 0
    assert capsys.readouterr().out.splitlines()[0] == understood
    assert understood in (tmp_path / "compared" / "comparison.log").read_text()
    assert run(*compare, "--outputs=sigmoid", f"{folder}_refused") == 2
    assert "Expected outputs='softmax'" in capsys.readouterr().err


@pytest.mark.slow
def test_screening_racing_and_xla_are_flags(tmp_path, monkeypatch) -> None:
    seen = {}

    class Search(glo_tf.LossSearch):
        def __init__(self, *arguments, **settings) -> None:
            seen.update(settings)
            super().__init__(*arguments, **settings)

    monkeypatch.setattr("glo_tf.search.loss_search.LossSearch", Search)
    arguments = ("--screening=equivalence", "--racing", "--jit_compile=false")
    short = ("--coefficient_expressions=0", "--finalists=0", "--comparison_seeds=0")
    assert run(*QUICK, *arguments, *short, f"--output_dir={tmp_path}") == 0
    assert (seen["screening"], seen["racing"], seen["jit_compile"]) == ("equivalence", True, False)
    written = (tmp_path / "search.flags").read_text()
    assert all(argument in written for argument in arguments)


def test_what_a_search_begins_with_and_selects_by_are_flags(tmp_path, monkeypatch) -> None:
    seen = {}

    def search(*_, **settings) -> None:
        seen.update(settings)
        raise RuntimeError("this is far enough")

    monkeypatch.setattr("glo_tf.search.loss_search.LossSearch", search)
    losses = ["-(log(y) - x/y)", "-(x*log(y))"]
    arguments = [f"--initial_expressions={loss}" for loss in losses]
    arguments += ["--fitness_seeds=3", "--parsimony_coefficient=0.001"]
    values = command_flags.define_flags()
    values(["glo-tf", *QUICK, *arguments])
    command_line._write_flags(tmp_path / "search.flags", values)
    for given in (arguments, [f"--flagfile={tmp_path / 'search.flags'}"]):
        seen.clear()
        assert run(*QUICK, *given) == 1
        assert seen["initial_expressions"] == losses
        assert (seen["fitness_seeds"], seen["parsimony_coefficient"]) == (3, 0.001)


def test_list_shows_every_plugin(capsys) -> None:
    assert run("--mode=list") == 0
    output = capsys.readouterr().out
    for name in (
        "digits",
        "mnist",
        "fashion_mnist",
        "cifar10",
        "mlp",
        "glo_mnist_cnn",
        "glo",
        "taylor",
    ):
        assert name in output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--dataset=nothing"], "Expected one of cifar10, digits"),
        (["--architecture=nothing"], "Expected one of"),
        (["--search_space=nothing"], "Expected one of"),
        (["--optimizer=nothing"], "nothing"),
        (["--no_such_flag=1"], "no_such_flag"),
        (["--train_steps=many"], "train_steps"),
        (["--screening=some"], "screening"),
        (["--learning_rate=mine"], "Expected a number, own or given"),
        (["--learning_rate=-1"], "learning_rate=-1"),
        (["--train_steps=-1"], "train_steps=-1"),
        (["--population_size=3", "--elites=5"], "population_size=3, elites=5"),
        (["--batch_size=1000000"], "batch_size=1000000"),
        (["--crossover_probability=1.5"], "1.5"),
        (["--initial_expressions=x*"], "at column 3"),
        (["--initial_expressions=-(x*tanh(y))"], "with tanh"),
        (["--fitness_seeds=0"], "fitness_seeds=0"),
        (["--coefficient_sigma0=inf"], "coefficient_sigma0=inf"),
        (["--coefficient_sigma0=nan"], "coefficient_sigma0=nan"),
        (["--parsimony_coefficient=inf"], "parsimony_coefficient=inf"),
        (["--epsilon=nan"], "epsilon"),
        (["--candidate_timeout=nan"], "candidate_timeout=nan"),
        (["--seed=-1"], "seed=-1"),
        (["--intra_op_threads=99999999999"], "intra_op_threads"),
        (["--p_crossover=nan", "--operators=gplearn"], "p_crossover"),
        (["--train_steps=" + "9" * 5000], "train_steps"),
        (["--flagfile=nothing.flags"], "digits.flags, mnist.flags"),
        (["surplus"], "surplus"),
        (["--output_dir=/proc/nothing"], "output_dir"),
        (["--strategy=threads"], "devices, local, ray (glo_tf.strategies). Received: 'threads'"),
        (["--candidate_timeout=-1"], "candidate_timeout=-1"),
        (["--max_consecutive_failures=0"], "max_consecutive_failures=0"),
        (["--data_dir=/nothing", "--dataset=fashion_mnist"], "fashion_mnist"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(arguments, message, capsys, tmp_path) -> None:
    arguments = [*QUICK, f"--output_dir={tmp_path / 'out'}", *arguments]
    assert run(*arguments) == 2
    captured = capsys.readouterr()
    marked = 2 if "at column" in message else 0  # the expression, and a mark below it
    assert captured.err.count("\n") == 1 + marked
    assert message in captured.err
    assert not (tmp_path / "out").exists()


def traceback_of(capsys, what: str) -> str:
    """What is in the file that the command line names beside a mistake, its only line."""
    error = capsys.readouterr().err
    assert error.startswith(f"glo-tf: internal error: {what}; traceback in ")
    assert error.count("\n") == 1
    text = pathlib.Path(error.strip().rpartition("; traceback in ")[2]).read_text()
    assert text.count("Traceback (most recent call last):") == 1
    return text


def test_a_data_set_of_one_class_is_bad_input(tmp_path, capsys, monkeypatch) -> None:
    site = tmp_path / "site"
    entries = ["one_class = single_class:load", "broken = single_class:broken"]
    fake_distribution.register(site, monkeypatch, "single", {"glo_tf.datasets": entries})
    (site / "single_class.py").write_text(
        "import dataclasses\nfrom glo_tf import datasets\n"
        "def load(data_dir=None):\n"
        "    digits = datasets.digits()\n"
        "    return dataclasses.replace(digits, y_train=0 * digits.y_train)\n"
        "def broken(data_dir=None):\n"
        "    raise RuntimeError('no such table')\n"
    )
    assert run("--dataset=one_class", f"--output_dir={tmp_path / 'out'}") == 2
    assert "at least two classes" in capsys.readouterr().err
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert run("--dataset=broken", f"--output_dir={tmp_path / 'out'}") == 1
    assert "no such table" in traceback_of(capsys, "RuntimeError: no such table")
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_a_plugin_that_raises_is_reported_once_and_is_no_bad_candidate(
    tmp_path, capsys, monkeypatch
) -> None:
    site = tmp_path / "site"
    entries = ["fragile = fragile:build", "unbuilt = fragile:unbuilt"]
    fake_distribution.register(site, monkeypatch, "fragile", {"glo_tf.architectures": entries})
    (site / "fragile.py").write_text(
        "import keras, tensorflow as tf\n"
        "class Worn(keras.layers.Layer):\n"
        "    calls = 0\n"
        "    def count(self, samples):\n"
        "        Worn.calls += 1\n"
        "        if Worn.calls > 100: raise ValueError('the layer is worn out')\n"
        "        return samples\n"
        "    def call(self, samples):\n"
        "        return tf.ensure_shape(\n"
        "            tf.py_function(self.count, [samples], tf.float32), samples.shape)\n"
        "def build(input_shape, num_classes):\n"
        "    return keras.Sequential([keras.Input(input_shape), Worn(), keras.layers.Flatten(),\n"
        "        keras.layers.Dense(num_classes, activation='softmax')])\n"
        "def unbuilt(input_shape, num_classes):\n"
        "    raise KeyError('no such block')\n"
    )
    folder = tmp_path / "out"
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert run(*QUICK, "--architecture=unbuilt", f"--output_dir={folder}") == 1
    assert "fragile.py" in traceback_of(capsys, "KeyError: 'no such block'")
    assert not folder.exists()
    arguments = [*QUICK, "--screening=none", "--architecture=fragile", f"--output_dir={folder}"]
    assert run(*arguments, "--population_size=30", "--candidate_retries=5") == 1
    error = capsys.readouterr().err
    assert error.startswith("glo-tf: error: Expected the model to train. Received, from its code")
    assert "ValueError: the layer is worn out" in error
    assert error.count("\n") == 1
    log = (folder / "search.log").read_text()
    assert log.count("Traceback (most recent call last):") >= 1
    assert "fragile.py" in log
    with (folder / "history.csv").open() as file:
        assert "failed" not in {row["status"] for row in csv.DictReader(file)}


@pytest.mark.slow
def test_an_error_in_the_run_keeps_what_was_found(tmp_path, capsys, monkeypatch) -> None:
    def fail(*_) -> None:
        raise MemoryError("no memory for the coefficients")

    monkeypatch.setattr("glo_tf.search.coefficients.cma_es.CoefficientSearch._trees", fail)
    assert run(*QUICK, "--population_size=30", f"--output_dir={tmp_path}") == 1
    traceback = traceback_of(capsys, "MemoryError: no memory for the coefficients")
    assert traceback == (tmp_path / "search.log").read_text()
    assert glo_tf.load_loss(tmp_path / "best_loss.json").expression
    assert len((tmp_path / "history.csv").read_text().splitlines()) == 1 + 2 * 30


def test_a_flagfile_is_found_with_and_without_an_equals_sign(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    shipped = command_flags.resolve_flagfiles(["glo-tf", "--flagfile", "digits.flags"])
    assert shipped == command_flags.resolve_flagfiles(["glo-tf", "--flagfile=digits.flags"])
    assert pathlib.Path(shipped[1].partition("=")[2]).parent.name == "configs"
    (tmp_path / "digits.flags").write_text("--seed=7\n")
    own = command_flags.resolve_flagfiles(["glo-tf", "--flagfile", "digits.flags"])
    assert own == ["glo-tf", "--flagfile=digits.flags"]


def test_a_malformed_flagfile_is_bad_input(tmp_path, capsys) -> None:
    (tmp_path / "bad.flags").write_text("--train_steps\n--what is this?\n")
    assert run(f"--flagfile={tmp_path / 'bad.flags'}") == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_every_shipped_flagfile_parses() -> None:
    names = {path.name for path in (pathlib.Path(__file__).parents[2] / "configs").glob("*.flags")}
    assert {"digits.flags", "mnist_quick.flags", "mnist.flags"} <= names
    papers = {"mnist_curves", "mnist_accuracy", "data_size", "cifar_transfer"}
    assert {f"paper_{paper}{size}.flags" for paper in papers for size in ("", "_quick")} <= names
    for name in names:
        values = command_flags.define_flags()
        values(command_flags.resolve_flagfiles(["glo-tf", f"--flagfile={name}"]))
        assert values.population_size > values.elites
        assert (values.mode == "compare") == name.startswith("paper_")
        if values.mode == "compare":
            trees, baseline = with_baseline(split_losses(values.losses), Outputs.of_classes(10))
            assert baseline == "cross-entropy"
            assert "baikal" in trees


def test_help_lists_every_flag_and_imports_nothing_that_takes_long() -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "glo_tf.main", "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    for name in command_flags.define_flags():
        assert name in done.stdout
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "glo_tf.cli.flags" in imported
    slow = {"tensorflow", "keras", "sklearn", "scipy", "sympy", "matplotlib", "pandas"}
    assert not imported & slow


@pytest.mark.slow
def test_ctrl_c_ends_cleanly_with_what_was_found_written(tmp_path) -> None:
    arguments = [
        *QUICK,
        "--train_steps=200",
        "--generations=1000",
        f"--output_dir={tmp_path / 'out'}",
    ]
    with subprocess.Popen(
        [sys.executable, "-m", "glo_tf.main", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # Other packages set TensorFlow's log level in the process of the tests.
        env={k: v for k, v in os.environ.items() if k != "TF_CPP_MIN_LOG_LEVEL"},
        # A test run in the background may ignore SIGINT, and its children with it.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        try:
            for line in process.stdout:
                if line.startswith("discovery 2/"):
                    break
            process.send_signal(signal.SIGINT)
            output, errors = process.communicate()
        finally:
            process.kill()
    assert process.returncode == 130
    assert "Ended before its time" in output
    assert output.endswith(f"Go on with: glo-tf --flagfile={tmp_path / 'out' / 'search.flags'}\n")
    assert errors == ""  # neither a traceback nor TensorFlow's start-up messages
    with (tmp_path / "out" / "history.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) >= 20
