"""What files become, format by format, and which are refused: cut short, dangerous, or not what the mapping says."""

import gzip
import io
import os
import stat
import zipfile
from pathlib import Path
from typing import Any

import msgspec
import pytest

from connectors.erp.mapping import load
from connectors.erp.sftp_files import Spool, spool
from connectors.erp.sftp_inbox import safe
from connectors.erp.sftp_read import Read, Trailer, read_of
from connectors.erp.streams import stream
from connectors.errors import FileInvalid, IncompleteFile, MappingInvalid, UnsafeArchive
from warehouse.preview import preview

SHARED = Path(os.environ.get("LANDFALL_FIXTURES") or Path(__file__).resolve().parents[4] / "shared" / "fixtures")
MB = 1024 * 1024


@pytest.fixture
def parse(tmp_path):
    """Gives what a file becomes."""

    def parsed(
        content: str | bytes, name: str = "file.csv", *, lines: str = "", limit: int = 64 * MB, **read: Any
    ) -> Spool:
        path = tmp_path / "0"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return spool(path, name, Read(files="*", **read), lines, limit)

    return parsed


def records(made: Spool) -> list[dict[str, Any]]:
    """The records as objects."""
    return [msgspec.json.decode(record) for page in made.pages() for record in page]


def zipped(**files: bytes) -> bytes:
    """A zip of these files."""
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return whole.getvalue()


ROWS = [{"a": "1", "b": "ж"}, {"a": "2", "b": "x\ny"}]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1251"])
@pytest.mark.parametrize(("delimiter", "end"), [(",", "\n"), (";", "\r\n"), ("\t", "\n"), ("|", "\n")])
def test_csv_as_senders_write_it(parse, encoding, delimiter, end) -> None:
    """Byte order marks, encodings, delimiters and line ends inside quotes are read as declared."""
    text = end.join([delimiter.join("ab"), f"1{delimiter}ж", f'2{delimiter}"x\ny"', ""])
    read = "utf-8" if encoding == "utf-8-sig" else encoding
    assert records(parse(text.encode(encoding), delimiter=delimiter, encoding=read)) == ROWS


def test_ragged_rows_are_told_with_their_lines(parse) -> None:
    """Line numbers are those of the file, also behind a field with line ends in it."""
    made = parse('# a title\na,b\n1,"x\n\ny"\n\n2\n3,4,5\n6,7\n', skip=1)
    assert records(made) == [{"a": "1", "b": "x\n\ny"}, {"a": "6", "b": "7"}]
    assert [piece.why for piece in made.unreadable] == [
        "file.csv, line 7: 1 fields, but there are 2 columns",
        "file.csv, line 8: 3 fields, but there are 2 columns",
    ]


def test_columns_of_fixed_width_in_characters_and_in_bytes(parse) -> None:
    """A letter of two bytes is one column or two, as the mapping says."""
    columns = {"sku": "1-3", "name": "4-8", "qty": "9-12"}
    assert records(parse("001Гайка  12\n", format="fixed", columns=columns)) == [
        {"sku": "001", "name": "Гайка", "qty": "  12"}
    ]
    in_bytes = {"sku": "1-3", "name": "4-13", "qty": "14-17"}
    made = parse("001Гайка  12\n002Болт    7\nshort\n", format="fixed", unit="byte", columns=in_bytes, width=17)
    assert [record["qty"] for record in records(made)] == ["  12"]
    assert [piece.why[-22:] for piece in made.unreadable] == ["s, but there should be 17"[-22:]] * 2


def test_xml_with_attributes_names_spaces_and_lists(parse) -> None:
    """An element is an object, its attributes have an @, and the list of lines is one even with one line."""
    text = (
        '<?xml version="1.0"?><n:feed xmlns:n="urn:x"><n:order id="1"><no>A</no><line>x</line></n:order>'
        '<n:order id="2"><no>B &amp; C</no><line q="2">y</line><line>z</line></n:order></n:feed>'
    )
    assert records(parse(text, format="xml", record="feed.order", lines="line")) == [
        {"@id": "1", "no": "A", "line": ["x"]},
        {"@id": "2", "no": "B & C", "line": [{"@q": "2", "#text": "y"}, "z"]},
    ]


def test_json_keeps_numbers_as_they_are_written(parse) -> None:
    """Records of an array, of an array inside an object, and of JSON lines; long numbers lose no digit."""
    text = '{"d": {"results": [\n{"n": 12345678901234567890.10,\n "t": "a\\nb"}]}}'
    (page,) = parse(text, format="json", record="d.results").pages()
    assert b"12345678901234567890.10" in page[0]
    assert len(page) == 1
    made = parse('{"n": 1}\nnothing\n\n{"n": 2}\n', format="jsonl")
    assert records(made) == [{"n": 1}, {"n": 2}]
    assert made.unreadable[0].why.startswith("file.csv, line 2: ")


def test_archives_are_what_is_in_them(parse) -> None:
    """A gz is its file, a zip all of its files."""
    assert records(parse(gzip.compress(b"a\n1\n"), "x.csv.gz")) == [{"a": "1"}]
    assert records(parse(zipped(**{"2.csv": b"a\n2\n", "in/1.csv": b"a\n1\n"}), "x.zip")) == [{"a": "2"}, {"a": "1"}]


TRAILER = Trailer(starts="T", count=2, totals={"v": 3}, decimal=",")


def test_totals_at_the_end_are_compared(parse) -> None:
    """Count and sums must be those of the rows; without its last line a file is not whole."""
    body = "k;v\na;1,5\nb;2,25\n"
    assert parse(f"{body}T;2;3,75", delimiter=";", trailer=TRAILER).rows == 2
    for end, words in (
        ("T;3;3,75", "number of rows"),
        ("T;2;3,8", "sum of v"),
        ("", "no last line"),
        ("T;2;3,75\nc;1\n", "goes on"),
    ):
        with pytest.raises(IncompleteFile, match=words):
            parse(body + end, delimiter=";", trailer=TRAILER)
    fixed = {"format": "fixed", "columns": {"k": "1-2", "v": "3-6"}}
    wide = Trailer(starts="99", count="3-6", totals={"v": "7-10"})
    assert parse("01 100\n02 200\n99   2 300\n", trailer=wide, **fixed).rows == 2


XML = "<a><r><x>1</x></r><r><x>2</x></r></a>"
CUT = {
    "csv in a line": ("a,b\n1,2\n3", {}),
    "csv in a value": ("a,b\n1,2\n3,4", {}),
    "csv in quotes": ('a,b\n1,"2\n3,4\n', {}),
    "csv in a character": ("a,b\n1,ж".encode()[:-1], {}),
    "csv of nothing": ("", {}),
    "fixed": ("ab\nc", {"format": "fixed", "columns": {"x": "1-2"}}),
    "xml": (XML[:-4], {"format": "xml", "record": "a.r"}),
    "xml in a tag": (XML[:20], {"format": "xml", "record": "a.r"}),
    "json": ('[{"a": 1}, {"a"', {"format": "json"}),
    "json lines": ('{"a": 1}\n{"a', {"format": "jsonl"}),
    "gz": (gzip.compress(os.urandom(5000))[:-20], {"name": "x.csv.gz"}),
    "zip": (zipped(a=os.urandom(5000))[:-40], {"name": "x.zip"}),
    "zip, damaged": (zipped(a=b"a\n" * 500).replace(b"\x05\x06", b"\x05\x05"), {"name": "x.zip"}),
}


@pytest.mark.parametrize("case", CUT)
def test_what_was_cut_short_is_no_file(parse, case) -> None:
    """However a file ends before its end, nothing of it is taken."""
    content, given = CUT[case]
    with pytest.raises(IncompleteFile, match=r"file\.csv|x\."):
        parse(content, **given)


def _link() -> bytes:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        entry = zipfile.ZipInfo("link.csv")
        entry.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(entry, "/etc/passwd")
    return whole.getvalue()


UNSAFE = {
    "leads up": (zipped(**{"../../x.csv": b"a\n1\n"}), "x.zip"),
    "leads to the root": (zipped(**{"/etc/x.csv": b"a\n1\n"}), "x.zip"),
    "leads to a drive": (zipped(**{"C:\\x.csv": b"a\n1\n"}), "x.zip"),
    "is a link": (_link(), "x.zip"),
    "a zip in a zip": (zipped(**{"x.csv": zipped(a=b"1")}), "x.zip"),
    "a gz in a gz": (gzip.compress(gzip.compress(b"a\n")), "x.csv.gz"),
    "a bomb in a zip": (zipped(**{"x.csv": b"a" * 40 * MB}), "x.zip"),
    "a bomb in a gz": (gzip.compress(b"a" * 40 * MB), "x.csv.gz"),
    "more than allowed": (gzip.compress(os.urandom(2 * MB)), "x.csv.gz"),
}


@pytest.mark.parametrize("case", UNSAFE)
def test_archives_that_could_do_harm_are_refused(parse, tmp_path, case) -> None:
    """Nothing is written outside the scratch folder, and no more than the limit."""
    content, name = UNSAFE[case]
    with pytest.raises(UnsafeArchive, match=name):
        parse(content, name, limit=MB if case == "more than allowed" else 64 * MB)
    assert all(path.name.startswith("0") for path in tmp_path.rglob("*"))
    assert sum(path.stat().st_size for path in tmp_path.rglob("*")) < 20 * MB


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ('<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]><a><r>&e;</r></a>', {"format": "xml", "record": "a.r"}),
        ("<a><r></x></a>", {"format": "xml", "record": "a.r"}),
        ("<a>" * 100, {"format": "xml", "record": "a.r"}),
        ('{"d": {}}', {"format": "json", "record": "d.results"}),
        ("[1,, 2]", {"format": "json"}),
        ("a,a\n1,2\n", {}),
        ('a,b\n1,"x"y\n', {}),
        ("a\n\udcff\n".encode("utf-8", "surrogateescape"), {}),
    ],
)
def test_what_is_no_such_file_is_refused_in_words(parse, text, read) -> None:
    """Document types, broken markup, wrong encodings: one sentence with the name of the file."""
    with pytest.raises(FileInvalid, match=r"file\.csv"):
        parse(text, **read)


def test_numbers_are_read_as_declared_and_never_guessed(parse) -> None:
    """1.234,5 is a number where the mapping says a decimal comma, and a dead letter where it says nothing."""
    made = parse("sku;name;status;uom;list_price;currency\nA;x;active;PC;1.234,5;EUR\n", delimiter=";")
    (raw,) = (record for page in made.pages() for record in page)
    comma = "products: {fields: {list_price: {from: list_price, decimal: ',', group: '.'}}}"
    told = preview(stream(load("sftp", comma).binding("products")), [raw])
    assert str(told.rows["product"][0]["list_price"]) == "1234.5"
    assert preview(stream(load("sftp").binding("products")), [raw]).refused


@pytest.mark.parametrize(
    "read",
    ["{files: 'in/*.csv'}", "{files: x, encoding: klingon}", "{files: x, delimiter: ';;'}", "{files: x, format: fixed}",
     "{files: x, format: fixed, columns: {A: 5-3}}", "{files: x, format: xml}", "{files: x, wrong: 1}", "{files: x, marker: done}",
     "{files: x, format: fixed, unit: byte, encoding: utf-16, columns: {A: 1-2}}"],
)  # fmt: skip
def test_mistakes_in_read_are_named_before_a_run(read) -> None:
    """What cannot work is refused with its line."""
    with pytest.raises(MappingInvalid, match=r"line \d+|has|is|say"):
        read_of(load("sftp", f"products: {{read: {read}}}").binding("products"))


@pytest.mark.parametrize(
    "raw",
    [b"../../etc/x", b"/etc/x", b"a\\b.csv", b"a\r\n2026 INFO ok.csv", b"\x1b[31m.csv", b"-rf", b"\xff.csv", b"x" * 201,
     "a\u202e.csv".encode(), b"..", b"", b"a\x00"],
)  # fmt: skip
def test_names_that_could_do_harm_are_not_taken(raw) -> None:
    """Paths, controls, options, texts that run backwards, no UTF-8, too long."""
    assert safe(raw) is None
    assert safe("Заказ 1 (копия).csv".encode()) is not None


def test_flat_files_of_another_project_are_read(parse) -> None:
    """Files that somebody else made for such a reader: records, ragged rows and nested lists."""
    folder = SHARED / "erp" / "flatfiles" / "jf-tech_omniparser"
    if not folder.is_dir():
        pytest.skip(f"no captured files in {folder}")
    weather = parse((folder / "csv2_1_single_row.input.csv").read_bytes(), delimiter="|", quote="")
    assert [record["HIGH TEMP C"] for record in records(weather)] == ["10.5", "39", "15.5"]
    assert len(weather.unreadable) == 1
    books = parse((folder / "xml_2_multiple_objects.input.xml").read_bytes(), format="xml", record="library.books.book")
    assert {"@title", "@price", "author", "year"} <= set(records(books)[0])
    columns = {"DATE": "1-24", "HIGH_TEMP_C": "26-29", "LOW_TEMP_F": "31-34"}
    fixed = parse(
        (folder / "fixedlength2_1_single_row.input.txt").read_bytes(),
        format="fixed",
        columns=columns,
        final_newline=False,
    )
    assert [record["HIGH_TEMP_C"].strip() for record in records(fixed)][:2] == ["10.5", "39"]
