import numpy as np
import pytest
from glo_tf_files.csv_table import csv_table

from glo_tf.testing import DatasetTestCase


@pytest.fixture
def table(tmp_path):
    """Sixty flowers of three species; one column is the same for all."""
    rng = np.random.default_rng(0)
    lines = ["length,species,width,planet"]
    for number in range(60):
        species = number % 3
        length, width = rng.normal(100 * species, 10.0), rng.normal(0.5, 0.01)
        lines.append(f"{length},{('rose', 'aster', 'iris')[species]},{width},3")
    path = tmp_path / "flowers.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


class TestCsvTable(DatasetTestCase):
    name = "csv_table"

    @pytest.fixture
    def plugin_options(self, table):
        return {"path": str(table), "label": "species"}


def test_measurements_are_standardised_by_the_training_split(table) -> None:
    data = csv_table(path=str(table), label="species", validation=0.1, test=0.2)
    assert (data.x_train.shape, data.num_classes) == ((42, 3), 3)
    assert (len(data.x_validation), len(data.x_test)) == (6, 12)
    np.testing.assert_allclose(data.x_train.mean(axis=0), 0.0, atol=1e-5)
    np.testing.assert_allclose(data.x_train.std(axis=0), [1.0, 1.0, 0.0], rtol=1e-5)
    assert abs(data.x_validation.mean(axis=0)[0]) > 1e-4


def test_classes_are_sorted_by_their_names(table) -> None:
    data = csv_table(path=str(table), label="species")
    longest = [data.x_train[data.y_train == label, 0].mean() for label in range(3)]
    assert np.argsort(longest).tolist() == [2, 0, 1]  # rose, aster, iris


def test_other_delimiters_and_a_byte_order_mark_are_read(table) -> None:
    other = table.with_name("other.csv")
    other.write_text(table.read_text().replace(",", ";"), encoding="utf-8-sig")
    first, second = (
        csv_table(path=str(path), label="species", delimiter=delimiter)
        for path, delimiter in ((table, ","), (other, ";"))
    )
    np.testing.assert_array_equal(first.x_train, second.x_train)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"path": "nowhere.csv"}, "Expected a CSV file. Received: path=nowhere.csv"),
        ({"label": "genus"}, "label=genus and columns length, species, width, planet"),
        ({"label": "length"}, "species='rose' .*line 2"),
        ({"delimiter": ""}, "delimiter="),
        ({"delimiter": "\n"}, r"delimiter='.n'"),
        (
            {"path": "~nobody-of-this-name/flowers.csv"},
            r"Expected a CSV file\. Received: path=~nobody",
        ),
        ({"label": 999 * "s"}, "label=ssssssssssss[.][.][.]sssssssssssss and columns"),
        ({"validation": 2.0}, "validation=2.0"),
    ],
)
def test_options_that_make_no_sense_are_refused(table, options, message) -> None:
    with pytest.raises(ValueError, match=message):
        csv_table(**{"path": str(table), "label": "species", **options})


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("1.0,rose,nan,3", "width='nan'"),
        ("1.0,rose,,3", "width=''"),
        ("1.0,rose", "width='None'"),
        ("1.0,rose,1_000,3", "width='1_000'"),
        ("1.0,rose,\0,3", r"width='.x00'"),
        ("1.0,rose," + 9999 * "long" + ",3", r"width='longlonglong[.][.][.]glonglonglong'"),
        ("1.0,  ,2.0,3", "Expected a label and 4 columns"),
        ("1.0,,2.0,3", "Expected a label and 4 columns"),
        ("1.0,rose,2.0,3,4", "Expected a label and 4 columns"),
    ],
)
def test_a_line_that_is_incomplete_is_named(table, line, message) -> None:
    with table.open("a") as file:
        file.write(line + "\n")
    with pytest.raises(ValueError, match=message) as caught:
        csv_table(path=str(table), label="species")
    assert "line 62" in str(caught.value)
    assert len(str(caught.value).replace(str(table), "")) < 200


def test_a_class_of_two_samples_is_refused(table) -> None:
    with table.open("a") as file:
        file.write("1.0,tulip,2.0,3\n2.0,tulip,2.0,3\n")
    with pytest.raises(ValueError, match="2 of 'tulip'"):
        csv_table(path=str(table), label="species")


def test_space_around_labels_and_names_means_nothing(table) -> None:
    spaced = table.with_name("spaced.csv")
    spaced.write_text(table.read_text().replace(",", " , "))
    first, second = (csv_table(path=str(path), label="species") for path in (table, spaced))
    np.testing.assert_array_equal(first.x_train, second.x_train)
    np.testing.assert_array_equal(first.y_train, second.y_train)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "columns none"),
        (b"length,species\n", "Expected lines of measurements. .*flowers.csv without any"),
        (
            "length,species\n1,rose\n".encode("utf-16"),
            "flowers.csv .UnicodeDecodeError: .utf-8",
        ),
        (b"species," + b",".join(b"c%d" % k for k in range(99)) + b",c7", "c6 and 93 more"),
        (b'length,species\n1,rose\n"2,aster\n', r"length='2,aster.n'"),
    ],
)
def test_a_file_that_is_no_table_is_refused(table, content, message) -> None:
    table.write_bytes(content)
    with pytest.raises(ValueError, match=message) as caught:
        csv_table(path=str(table), label="species")
    assert "\n" not in str(caught.value)


def test_numbers_too_large_to_standardise_are_named(table) -> None:
    lines = table.read_text().splitlines()
    for number in range(1, 61, 2):
        length, rest = lines[number].split(",", 1)
        lines[number] = f"{length}e300,{rest}"
    table.write_text("\n".join(lines))
    with pytest.raises(ValueError, match=r"standardised. Received: 'length' up to [0-9.]+e\+302"):
        csv_table(path=str(table), label="species")
