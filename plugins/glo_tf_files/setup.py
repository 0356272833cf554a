"""Packaging of glo_tf_files."""

from setuptools import setup

setup(
    name="glo_tf_files",
    version="0.1.0",
    description="Plugin of glo_tf: data sets from files of your own",
    license="MIT",
    python_requires=">=3.11",
    packages=["glo_tf_files"],
    install_requires=["glo_tf", "numpy>=1.26", "pillow>=10.0"],
    extras_require={"test": ["glo_tf[plugin-test]"]},
    entry_points={
        "glo_tf.datasets": [
            "csv_table = glo_tf_files.csv_table:csv_table",
            "image_folder = glo_tf_files.image_folder:image_folder",
        ]
    },
)
