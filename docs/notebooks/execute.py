"""Executes the notebooks of this folder in place, as `make notebooks` does.

What they show is part of the site, which executes nothing.
"""

import os
import pathlib

import nbclient
import nbformat

FOLDER = pathlib.Path(__file__).parent


def main() -> None:
    """Executes each in a folder of its own, and leaves out what libraries say on stderr."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    for path in sorted(FOLDER.glob("*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        client = nbclient.NotebookClient(notebook, kernel_name="python3", coalesce_streams=True)
        client.execute()
        for cell in notebook.cells:
            cell.metadata.pop("execution", None)  # when it was
            if cell.cell_type == "code":
                cell.outputs = [one for one in cell.outputs if is_told(one)]
        notebook.metadata.language_info = {"name": "python"}
        nbformat.write(notebook, path)
        print(path)


def is_told(output: nbformat.NotebookNode) -> bool:
    """Whether an output is for readers: no warning, and no bar that is gone."""
    if output.output_type == "stream":
        return bool(output.name == "stdout")
    return output.output_type != "display_data" or bool(output.data.get("text/html", "there"))


if __name__ == "__main__":
    main()
