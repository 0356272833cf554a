"""Packaging of glo_tf_arctan: entry points for the node, the leaf and the search space."""

from setuptools import setup

setup(
    name="glo_tf_arctan",
    version="0.1.0",
    description="Example plugin of glo_tf: a node and a leaf of its own, and a search space",
    license="MIT",
    python_requires=">=3.11",
    py_modules=["glo_tf_arctan"],
    install_requires=["glo_tf"],
    entry_points={
        "glo_tf.nodes": ["arctan = glo_tf_arctan:ARCTAN"],
        "glo_tf.leaves": ["rarity = glo_tf_arctan:RARITY"],
        "glo_tf.search_spaces": ["glo_arctan = glo_tf_arctan:glo_arctan"],
    },
)
