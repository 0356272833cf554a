"""Packaging of glo_tf_resnet."""

from setuptools import setup

setup(
    name="glo_tf_resnet",
    version="0.1.0",
    description="Plugin of glo_tf: a compact residual network",
    license="MIT",
    python_requires=">=3.11",
    py_modules=["glo_tf_resnet"],
    install_requires=["glo_tf", "keras>=3.10"],
    extras_require={"test": ["glo_tf[plugin-test]"]},
    entry_points={"glo_tf.architectures": ["resnet = glo_tf_resnet:resnet"]},
)
