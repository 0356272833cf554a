"""Command line: `python -m glo_tf.main`; see `glo_tf.cli.main`."""

from glo_tf.cli.main import cli, main

__all__ = ["cli", "main"]

if __name__ == "__main__":
    cli()
