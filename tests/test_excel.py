"""The workbook as Excel reads it: what ECMA-376 and Excel's own limits ask of the file's parts.

LibreOffice and openpyxl forgive much that makes Excel "repair" a file. What is asserted here is
taken from ECMA-376 part 1 (the simple types of ``sml.xsd``) and from Excel's published limits, and
read out of the XML itself.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from reporting import HOSTILE, log

import yokome
from yokome.lang import Lang
from yokome.report import make_reports
from yokome.report.facts import gather
from yokome.report.workbook import workbook

MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
RELATED = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
TYPES = "{http://schemas.openxmlformats.org/package/2006/content-types}"

ROWS, COLUMNS = 1_048_576, 16_384
SERIAL_OF_1900 = 61  # 1 March 1900: dates before it differ between programs
SERIAL_OF_9999 = 2_958_466
# Characters that XML 1.0 allows at all; `_x001B_` is how ECMA-376 (22.4.2.4) writes another.
FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
ESCAPED = re.compile(r"_x[0-9A-Fa-f]{4}_")

UGLY = (
    *HOSTILE,
    "=cmd|' /C calc'!A0",
    "-2+3+cmd|' /C calc'!A0",
    "\t=1+1",
    "'already quoted",
    "\x01\x02\x0b\x0c\x1b\x7f\x85",
    "_x000D_ and _X000d_",
    "\ue000\uf8ff外字\U0002000b𠮷",
    "]]>&amp;<!--",
    "　全角の空白　",
    "寿限無" * 700,
    "x" * 40_000,
)


class Book:
    """The parts of a workbook."""

    def __init__(self, data: bytes) -> None:
        with zipfile.ZipFile(io.BytesIO(data)) as parts:
            self.names = parts.namelist()
            assert parts.testzip() is None
            self.text = {name: parts.read(name).decode("utf-8") for name in self.names}
        self.xml = {name: ET.fromstring(text) for name, text in self.text.items()}  # noqa: S314
        book = self.xml["xl/workbook.xml"]
        targets = {r.get("Id"): r.get("Target") for r in self.xml["xl/_rels/workbook.xml.rels"]}
        self.sheets = {
            str(s.get("name")): self.xml[f"xl/{targets[s.get(RELATED)]}"]
            for s in book.iterfind(f"{MAIN}sheets/{MAIN}sheet")
        }
        self.defined = [
            (str(n.get("name")), int(str(n.get("localSheetId"))), n.text or "")
            for n in book.iterfind(f"{MAIN}definedNames/{MAIN}definedName")
        ]

    @property
    def strings(self) -> list[str]:
        """The shared strings, in order."""
        if "xl/sharedStrings.xml" not in self.xml:
            return []
        return [text_of(si) for si in self.xml["xl/sharedStrings.xml"].iterfind(f"{MAIN}si")]

    def text_cells(self) -> Iterator[tuple[ET.Element, str]]:
        """Every cell with text, and its text."""
        strings = self.strings
        for sheet in self.sheets.values():
            for cell in sheet.iter(f"{MAIN}c"):
                if cell.get("t") == "s":
                    yield cell, strings[int(cell.findtext(f"{MAIN}v") or "")]
                elif cell.get("t") == "inlineStr":
                    yield cell, text_of(cell)


def text_of(element: ET.Element) -> str:
    return "".join(t.text or "" for t in element.iter(f"{MAIN}t"))


def corners(reference: str) -> tuple[int, int, int, int]:
    """First row, first column, last row, last column of ``A1:B2``, from 1; ``$`` is skipped."""
    ends = reference.replace("$", "").split(":")
    places = [re.fullmatch(r"([A-Z]{1,3})([0-9]+)", end) for end in (ends[0], ends[-1])]
    numbers: list[int] = []
    for place in places:
        assert place, reference
        column = 0
        for letter in place[1]:
            column = 26 * column + ord(letter) - 64
        numbers += [int(place[2]), column]
    top, left, bottom, right = numbers
    assert 1 <= top <= bottom <= ROWS, reference
    assert 1 <= left <= right <= COLUMNS, reference
    return top, left, bottom, right


def ugly_log(path: Path) -> Path:
    """Every ugly text in every column that takes text, thrice, so that each is flagged."""
    log(path)
    lines = path.read_bytes().decode("utf-8").split("\r\n")
    for n, text in enumerate(UGLY):
        for minute in range(3):
            cells = [f"2026/04/09 23:{n:02}:{minute:02}", *[text] * 6, "失敗", "あり", text]
            lines.insert(-1, ",".join('"' + cell.replace('"', '""') + '"' for cell in cells))
    raw = "\r\n".join(lines).encode("utf-8")
    # Bytes that are no UTF-8: lone surrogates as some programs write them, and a cut character.
    raw += b"2026/04/10 23:00:00,00" + b"\xed\xa0\x80\xed\xb0\x80" + b"9,"
    raw += b"\xe6\xa8,\xff\xfe,PC,x,y," + "失敗,あり,1\r\n".encode()
    path.write_bytes(raw)
    return path


CASES = ("ugly, ja", "ugly, en", "ugly, little memory", "ugly, cut", "example", "nothing")


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, yokome.ScanResult]:
    folder = tmp_path_factory.mktemp("logs")
    empty = folder / "empty.csv"
    empty.write_text("日時,職員番号,操作内容\r\n", encoding="utf-8")
    return {
        "ugly": yokome.scan(ugly_log(folder / "ugly.csv"), encoding="utf-8"),
        "example": yokome.scan(Path(__file__).parent / "data" / "ppc_example.csv"),
        "nothing": yokome.scan(empty),
    }


@pytest.fixture(scope="module", params=CASES)
def book(request: pytest.FixtureRequest, results: dict[str, yokome.ScanResult]) -> Book:
    name, _, how = request.param.partition(", ")
    result = results[name]
    if how == "little memory":
        return Book(workbook(gather(result, "ja"), many=1))
    if how == "cut":
        return Book(workbook(gather(result, "ja"), rows=8))
    return Book(make_report(result, "en" if how == "en" else "ja"))


def make_report(result: yokome.ScanResult, lang: Lang) -> bytes:
    [(_, data)] = make_reports(result, ["xlsx"], lang)
    return bytes(data)


def test_names_of_sheets_are_short_different_and_plain(book: Book) -> None:
    names = list(book.sheets)
    assert names
    for name in names:
        assert 1 <= len(name.encode("utf-16-le")) // 2 <= 31
        assert not re.search(r"[\[\]:*?/\\\x00-\x1f]", name)
        assert not name.startswith("'")
        assert not name.endswith("'")
        assert name.casefold() != "history"
    assert len({name.casefold() for name in names}) == len(names)


def test_every_part_has_a_type_and_every_relation_a_part(book: Book) -> None:
    types = book.xml["[Content_Types].xml"]
    ends = {d.get("Extension") for d in types.iterfind(f"{TYPES}Default")}
    parts = {str(o.get("PartName")).lstrip("/") for o in types.iterfind(f"{TYPES}Override")}
    assert parts <= set(book.names)
    assert all(n in parts or n.rsplit(".", 1)[-1] in ends for n in book.names)
    for name in book.names:
        if name.endswith(".rels"):
            base = name.replace("_rels/", "").rsplit("/", 1)[0] if "/" in name[6:] else ""
            for relation in book.xml[name]:
                target = f"{base}/{relation.get('Target')}".lstrip("/")
                assert relation.get("TargetMode") is None
                assert target in book.names, target


def test_texts_fit_into_cells_and_hold_no_character_that_xml_forbids(book: Book) -> None:
    for name, text in book.text.items():
        assert not FORBIDDEN.search(text), name
    for _, text in book.text_cells():
        # Excel counts UTF-16 units.
        assert len(text.encode("utf-16-le")) // 2 <= 32_767
        assert text.count("\n") <= 253
        # What looks like an escape was one character, or has its own underline escaped.
        assert all(m.group() == "_x005F_" for m in ESCAPED.finditer(text)), text[:80]


def test_shared_strings_are_counted(book: Book) -> None:
    used = [
        int(cell.findtext(f"{MAIN}v") or "")
        for sheet in book.sheets.values()
        for cell in sheet.iter(f"{MAIN}c")
        if cell.get("t") == "s"
    ]
    if "xl/sharedStrings.xml" not in book.xml:
        assert not used
        return
    table = book.xml["xl/sharedStrings.xml"]
    assert int(str(table.get("count"))) == len(used)
    assert int(str(table.get("uniqueCount"))) == len(book.strings) == len(set(used))
    assert set(used) == set(range(len(book.strings)))
    for item in table.iter(f"{MAIN}t"):
        text = item.text or ""
        if text != text.strip():
            assert item.get("{http://www.w3.org/XML/1998/namespace}space") == "preserve"


def test_cells_stand_in_order_within_the_dimension(book: Book) -> None:
    for sheet in book.sheets.values():
        dimension = sheet.find(f"{MAIN}dimension")
        assert dimension is not None
        top, left, bottom, right = corners(str(dimension.get("ref")))
        before = 0
        for row in sheet.iter(f"{MAIN}row"):
            number = int(str(row.get("r")))
            assert before < number
            before, column_before = number, 0
            height = float(row.get("ht") or 15)
            assert 0 < height <= 409.5
            for cell in row.iterfind(f"{MAIN}c"):
                r, c, *_ = corners(str(cell.get("r")))
                assert r == number
                assert column_before < c
                column_before = c
                assert top <= r <= bottom
                assert left <= c <= right


def test_nothing_is_a_formula_an_error_or_a_link(book: Book) -> None:
    for sheet in book.sheets.values():
        assert sheet.find(f".//{MAIN}f") is None
        assert len(list(sheet.iter(f"{MAIN}hyperlink"))) <= 65_530
        assert sheet.find(f".//{MAIN}hyperlink") is None
        assert {c.get("t") for c in sheet.iter(f"{MAIN}c")} <= {None, "s", "n", "inlineStr"}


def test_numbers_are_numbers_and_dates_are_dates_that_excel_has(book: Book) -> None:
    formats = {
        int(str(f.get("numFmtId"))): str(f.get("formatCode"))
        for f in book.xml["xl/styles.xml"].iter(f"{MAIN}numFmt")
    }
    styles = [
        formats.get(int(str(x.get("numFmtId"))), "")
        for x in book.xml["xl/styles.xml"].iterfind(f"{MAIN}cellXfs/{MAIN}xf")
    ]
    assert all(number >= 164 for number in formats)
    assert len(styles) <= 64_000
    for sheet in book.sheets.values():
        for cell in sheet.iter(f"{MAIN}c"):
            style = int(cell.get("s") or 0)
            assert style < len(styles)
            value = cell.findtext(f"{MAIN}v")
            if cell.get("t") in (None, "n") and value is not None:
                number = float(value)
                assert abs(number) < 1e15
                if "yy" in styles[style]:
                    assert SERIAL_OF_1900 <= number < SERIAL_OF_9999


def test_lists_of_choices_and_conditions_are_within_their_limits(book: Book) -> None:
    for sheet in book.sheets.values():
        block = sheet.find(f"{MAIN}dataValidations")
        validations = [] if block is None else list(block)
        if block is not None:
            assert int(str(block.get("count"))) == len(validations) <= 65_534
        for validation in validations:
            for place in str(validation.get("sqref")).split():
                corners(place)
            choices = validation.findtext(f"{MAIN}formula1") or ""
            if validation.get("type") == "list":
                assert choices[0] == choices[-1] == '"'
                assert len(choices) - 2 <= 255
                assert all(choice.strip() for choice in choices[1:-1].split(","))
            for name, limit in (("errorTitle", 32), ("promptTitle", 32), ("error", 255)):
                assert len(validation.get(name) or "") <= limit
        seen = []
        for condition in sheet.iterfind(f"{MAIN}conditionalFormatting"):
            for place in str(condition.get("sqref")).split():
                corners(place)
            seen += [rule.get("priority") for rule in condition.iterfind(f"{MAIN}cfRule")]
        assert len(seen) == len(set(seen))


def test_filters_headers_and_defined_names_agree(book: Book) -> None:
    names = list(book.sheets)
    assert len({(name, sheet) for name, sheet, _ in book.defined}) == len(book.defined)
    filters = {}
    for place, (name, sheet) in enumerate(book.sheets.items()):
        given = sheet.find(f"{MAIN}autoFilter")
        if given is not None:
            filters[place] = str(given.get("ref"))
            top, left, bottom, right = corners(filters[place])
            assert bottom > top
            header = [
                cell
                for row in sheet.iter(f"{MAIN}row")
                if int(str(row.get("r"))) == top
                for cell in row
            ]
            said = {id(cell): text for cell, text in book.text_cells()}
            titles = [said[id(cell)] for cell in header]
            assert len(titles) == right - left + 1
            assert len({title.casefold() for title in titles}) == len(titles), name
            assert all(0 < len(title) <= 255 for title in titles)
    for name, sheet_id, text in book.defined:
        quoted, _, reference = text.rpartition("!")
        assert quoted.strip("'").replace("''", "'") == names[sheet_id]
        if name == "_xlnm._FilterDatabase":
            assert reference.replace("$", "") == filters.pop(sheet_id)
        elif name == "_xlnm.Print_Titles":
            assert re.fullmatch(r"\$[0-9]+:\$[0-9]+", reference)
        else:
            assert name == "_xlnm.Print_Area"
            corners(reference)
    assert not filters


def test_merged_cells_do_not_overlap_each_other_or_a_filter(book: Book) -> None:
    for sheet in book.sheets.values():
        merged = [corners(str(m.get("ref"))) for m in sheet.iter(f"{MAIN}mergeCell")]
        block = sheet.find(f"{MAIN}mergeCells")
        if block is not None:
            assert int(str(block.get("count"))) == len(merged)
        taken: set[tuple[int, int]] = set()
        for top, left, bottom, right in merged:
            places = {(r, c) for r in range(top, bottom + 1) for c in range(left, right + 1)}
            assert not places & taken
            taken |= places
        assert sheet.find(f"{MAIN}autoFilter") is None or not merged


def test_widths_and_the_set_up_of_pages_are_what_excel_takes(book: Book) -> None:
    for sheet in book.sheets.values():
        before = 0
        for column in sheet.iter(f"{MAIN}col"):
            first, last = int(str(column.get("min"))), int(str(column.get("max")))
            assert before < first <= last <= COLUMNS
            before = last
            assert 0 <= float(str(column.get("width"))) <= 255
        setup = sheet.find(f"{MAIN}pageSetup")
        assert setup is not None
        assert (setup.get("paperSize"), setup.get("orientation")) == ("9", "landscape")
        words = sheet.find(f"{MAIN}headerFooter")
        assert words is not None
        assert all(len(part.text or "") <= 255 for part in words)


# The order of a worksheet's children (ECMA-376 part 1, 18.3.1.99): Excel refuses any other.
ORDER = (
    *("sheetPr", "dimension", "sheetViews", "sheetFormatPr", "cols", "sheetData"),
    *("autoFilter", "mergeCells", "conditionalFormatting", "dataValidations", "printOptions"),
    *("pageMargins", "pageSetup", "headerFooter"),
)


def test_the_elements_of_a_sheet_stand_in_the_order_of_the_schema(book: Book) -> None:
    for sheet in book.sheets.values():
        names = [child.tag.removeprefix(MAIN) for child in sheet]
        assert set(names) <= set(ORDER)
        assert names == sorted(names, key=ORDER.index)


def test_every_ugly_text_is_in_the_book(results: dict[str, yokome.ScanResult]) -> None:
    from yokome.report.workbook import cell_text

    book = Book(make_report(results["ugly"], "ja"))
    # Excel and openpyxl read `_x005F_` as the underline that it stands for.
    texts = {text.replace("_x005F_", "_") for _, text in book.text_cells()}
    for text in UGLY:
        assert cell_text(text).strip() in {t.strip() for t in texts}, text[:40]
    assert any(len(text) == 32_767 and text.endswith("…") for text in texts)
