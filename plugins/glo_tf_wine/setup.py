"""Packaging of glo_tf_wine: one entry point is all that glo_tf needs."""

from setuptools import setup

setup(
    name="glo_tf_wine",
    version="0.1.0",
    description="Example plugin of glo_tf: scikit-learn's wine data",
    license="MIT",
    python_requires=">=3.11",
    py_modules=["glo_tf_wine"],
    install_requires=["glo_tf", "numpy>=1.26", "scikit-learn>=1.5"],
    extras_require={"test": ["glo_tf[plugin-test]"]},
    entry_points={"glo_tf.datasets": ["wine = glo_tf_wine:wine"]},
)
