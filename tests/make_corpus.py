"""Makes ``data/corpus``: odd logs, and beside each what must be read from it.

Run ``python tests/make_corpus.py`` after a change here and commit what it writes; the bytes are
deterministic, and a test compares them with what is committed. The expectations are written by
hand: nothing here reads a log.

Beside ``NAME.csv`` stands ``NAME.json``:

``how``      keyword arguments for ``yokome.read``
``records``  line, time and the fields that are not null
``rejects``  line and reason
``blank``    blank lines
``replaced`` whether any bytes could not be decoded
``error``    instead of all that: the class of the error
``csv``      how Python's csv module reads the same values, where the file is well-formed
"""

from __future__ import annotations

import codecs
import json
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

CORPUS = Path(__file__).parent / "data" / "corpus"

HEADER = "日時,職員番号,操作内容"
COLUMNS = {"user": "職員番号", "operation": "操作内容"}
T1, T2, T3 = "2019-02-02T19:48:52", "2019-02-02T22:11:03", "2019-02-04T08:20:18"
C1, C2, C3 = (text.replace("-", "/").replace("T", " ") for text in (T1, T2, T3))

Fields = dict[str, Any]


@dataclass(frozen=True)
class Entry:
    """A file and what must be read from it."""

    name: str
    data: bytes
    records: tuple[Fields, ...] = ()
    rejects: tuple[tuple[int, str], ...] = ()
    blank: int = 0
    how: Fields = field(default_factory=dict)
    replaced: bool = False
    error: str | None = None
    csv: Fields | None = None
    suffix: str = ".csv"

    def expectation(self) -> Fields:
        """What stands beside the file."""
        if self.error is not None:
            return {"file": self.name + self.suffix, "how": self.how, "error": self.error}
        return {
            "file": self.name + self.suffix,
            "how": self.how,
            "records": self.records,
            "rejects": self.rejects,
            "blank": self.blank,
            "replaced": self.replaced,
            "csv": self.csv,
        }


def rec(
    line: int, time: str, user: str | None = None, operation: str | None = None, **more: Any
) -> Fields:
    """An expected record."""
    fields = {"line": line, "time": time, "user": user, "operation": operation, **more}
    return {name: value for name, value in fields.items() if value is not None}


def by_csv(
    encoding: str = "utf-8",
    delimiter: str = ",",
    skip: int = 0,
    columns: Fields | None = None,
) -> Fields:
    """How Python's csv module reads the file."""
    return {
        "encoding": encoding,
        "delimiter": delimiter,
        "skip": skip,
        "columns": columns or COLUMNS,
    }


def log(*lines: str, header: str = HEADER, end: str = "\n", last: str | None = None) -> str:
    """Lines under a header."""
    text = end.join((header, *lines))
    return text + (end if last is None else last)


PLAIN_LINES = (f"{C1},0012,ログイン", f"{C2},0012,検索", f"{C3},0013,書き出し")
PLAIN = (
    rec(2, T1, "0012", "ログイン"),
    rec(3, T2, "0012", "検索"),
    rec(4, T3, "0013", "書き出し"),
)


def gzipped(data: bytes) -> bytes:
    """A gzip member with one stored block: the same bytes whichever zlib there is."""
    size = len(data).to_bytes(2, "little")
    inverse = (len(data) ^ 0xFFFF).to_bytes(2, "little")
    head = b"\x1f\x8b\x08\x00" + bytes(4) + b"\x00\xff"
    tail = zlib.crc32(data).to_bytes(4, "little") + len(data).to_bytes(4, "little")
    return head + b"\x01" + size + inverse + data + tail


def line_ends() -> list[Entry]:
    """Lines, their ends, and lines that are not records."""
    bare = log(*PLAIN_LINES)
    mixed = f"{HEADER}\r\n{PLAIN_LINES[0]}\n{PLAIN_LINES[1]}\r{PLAIN_LINES[2]}\r\n"
    blanks = f"{HEADER}\n\n{PLAIN_LINES[0]}\n\n\n{PLAIN_LINES[1]}\n{PLAIN_LINES[2]}\n\n"
    blanks_crlf = blanks.replace("\n", "\r\n")
    blanks_cr = blanks.replace("\n", "\r")
    spread = (
        rec(3, T1, "0012", "ログイン"),
        rec(6, T2, "0012", "検索"),
        rec(7, T3, "0013", "書き出し"),
    )
    moved = tuple({**r, "line": r["line"] + 2} for r in PLAIN)
    return [
        Entry("lf", bare.encode(), PLAIN, csv=by_csv()),
        Entry("crlf", bare.replace("\n", "\r\n").encode(), PLAIN, csv=by_csv()),
        Entry("cr_only", bare.replace("\n", "\r").encode(), PLAIN, csv=by_csv()),
        Entry("mixed_line_ends", mixed.encode(), PLAIN, csv=by_csv()),
        Entry("no_final_newline", bare.rstrip("\n").encode(), PLAIN, csv=by_csv()),
        Entry("final_cr", (bare.rstrip("\n") + "\r").encode(), PLAIN, csv=by_csv()),
        Entry("blank_lines", blanks.encode(), spread, blank=4, csv=by_csv()),
        Entry("blank_lines_crlf", blanks_crlf.encode(), spread, blank=4, csv=by_csv()),
        Entry("blank_lines_cr", blanks_cr.encode(), spread, blank=4, csv=by_csv()),
        Entry(
            "preamble",
            ("操作ログ一覧表\n出力日 令和7年4月1日\n" + bare).encode(),
            moved,
            csv=by_csv(skip=2),
        ),
        Entry("bom_utf8", codecs.BOM_UTF8 + bare.encode(), PLAIN, csv=by_csv("utf-8-sig")),
        Entry(
            "bom_before_quoted_header",
            codecs.BOM_UTF8 + bare.replace("日時", '"日時"').encode(),
            PLAIN,
            csv=by_csv("utf-8-sig"),
        ),
        Entry(
            "end_of_file_character",
            (bare + "\x1a").encode("cp932"),
            PLAIN,
            rejects=((5, "columns"),),
            how={"encoding": "cp932"},
        ),
        Entry("only_header", (HEADER + "\n").encode(), csv=by_csv()),
        Entry("only_header_no_newline", HEADER.encode(), csv=by_csv()),
        Entry("empty", b"", error="InputError"),
    ]


def quotes() -> list[Entry]:
    """Quotes where they belong and where they do not."""
    everything = "\n".join(
        '"' + '","'.join(line.split(",")) + '"' for line in (HEADER, *PLAIN_LINES)
    )
    newlines = log(f'{C1},"00\n12","一行\r\n二行\r三行"', f'{C2},0012,"\n"', f'{C3},0013,"終"')
    inside = log(f'{C1},"a,b","印刷 ""台帳"""', f'{C2},"""","""quoted"""', f'{C3},",",""",\n"""')
    middle = log(f'{C1},00"12,"x"', f'{C2},a"b"c,検索"', f'{C3},0013,書"き"出し')
    after = log(f'{C1},"00"12,"ロ"グイン', f'{C2},"a"b"c",検索', f'{C3},"""x"y,"書"""き"')
    open_at_end = log(f"{C1},0012,ログイン", f'{C2},0012,"検索', f"{C3},0013,書き出し")
    closed_late = log(
        f'{C1},0012,"ログ"', f'{C2},0012,"検索', f"{C3},0013,出力", f'{C3},"0014,出力', last=""
    )
    return [
        Entry("quoted_all", everything.encode(), PLAIN, csv=by_csv()),
        Entry(
            "quoted_newlines",
            newlines.encode(),
            (
                rec(2, T1, "00\n12", "一行\r\n二行\r三行"),
                rec(6, T2, "0012", "\n"),
                rec(8, T3, "0013", "終"),
            ),
            csv=by_csv(),
        ),
        Entry(
            "quoted_delimiters_and_quotes",
            inside.encode(),
            (
                rec(2, T1, "a,b", '印刷 "台帳"'),
                rec(3, T2, '"', '"quoted"'),
                rec(4, T3, ",", '",\n"'),
            ),
            csv=by_csv(),
        ),
        Entry(
            "quotes_in_mid_field",
            middle.encode(),
            (
                rec(2, T1, '00"12', "x"),
                rec(3, T2, 'a"b"c', '検索"'),
                rec(4, T3, "0013", '書"き"出し'),
            ),
            csv=by_csv(),
        ),
        Entry(
            "text_after_closing_quote",
            after.encode(),
            (
                rec(2, T1, "0012", "ログイン"),
                rec(3, T2, 'ab"c"', "検索"),
                rec(4, T3, '"xy', '書"き"'),
            ),
            csv=by_csv(),
        ),
        Entry(
            "quote_never_closed",
            open_at_end.encode(),
            (rec(2, T1, "0012", "ログイン"), rec(4, T3, "0013", "書き出し")),
            rejects=((3, "quote"),),
        ),
        Entry(
            "quote_closed_by_a_later_one",
            # Line 3's quote closes before the 0014 of line 5, two lines and one field later.
            closed_late.encode(),
            (rec(2, T1, "0012", "ログ"),),
            rejects=((3, "columns"),),
        ),
        Entry(
            "quoted_empty_is_null",
            log(f'{C1},"",""', f'{C2},"0012",""').encode(),
            (rec(2, T1), rec(3, T2, "0012")),
            csv=by_csv(),
        ),
    ]


def records_and_values() -> list[Entry]:
    """Records that are not, and values as they stand."""
    full = "日時,職員番号,職員名,所属,端末番号,業務名,操作内容,処理結果,個人番号参照,宛名番号"
    words = log(
        f"{C1},1,甲,税務課,t1,税,検索,成功,あり,001",
        f"{C1},1,甲,税務課,t1,税,検索,正常,有,001",
        f"{C1},1,甲,税務課,t1,税,検索,OK,○,001",
        f"{C1},1,甲,税務課,t1,税,検索,0,1,001",
        f"{C1},1,甲,税務課,t1,税,検索,失敗,なし,001",
        f"{C1},1,甲,税務課,t1,税,検索,エラー,無,001",
        f"{C1},1,甲,税務課,t1,税,検索,NG,×,001",
        f"{C1},1,甲,税務課,t1,税,検索,denied,-,001",
        f"{C1},1,甲,税務課,t1,税,検索,保留,不明,001",
        f"{C1},1,甲,税務課,t1,税,検索,,,",
        header=full,
    )
    same: Fields = {"user_name": "甲", "department": "税務課", "terminal": "t1", "system": "税"}

    def worded(line: int, result: str | None, references: bool | None) -> Fields:
        subject = None if line == 11 else "001"
        return rec(
            line, T1, "1", "検索", **same, result=result, references=references, subject=subject
        )

    kept = log(
        f"{C1}, 0012,ログイン ", f"{C1},0012,\u3000ログイン", f"{C1},12,ﾛｸﾞｲﾝ", f"{C1}, ,Login"
    )
    every = {
        "user": "職員番号",
        "user_name": "職員名",
        "department": "所属",
        "terminal": "端末番号",
        "system": "業務名",
        "operation": "操作内容",
        "subject": "宛名番号",
    }
    return [
        Entry(
            "wrong_columns",
            log(
                PLAIN_LINES[0],
                f"{C1},0012",
                f"{C1},0012,検索,余り",
                "x",
                f"{C1},0012,検索,",
                PLAIN_LINES[1],
            ).encode(),
            (rec(2, T1, "0012", "ログイン"), rec(7, T2, "0012", "検索")),
            rejects=((3, "columns"), (4, "columns"), (5, "columns"), (6, "columns")),
        ),
        Entry(
            "bad_times",
            log(
                *PLAIN_LINES,
                "2019/13/02 19:48:52,0012,検索",
                "2019/02/30 19:48:52,0012,検索",
                "2019/02/02 25:48:52,0012,検索",
                "2019/02/02 19:60:52,0012,検索",
                "きのう,0012,検索",
                PLAIN_LINES[0],
                "2019/02/02,0012,検索",
            ).encode(),
            (*PLAIN, rec(10, T1, "0012", "ログイン")),
            rejects=tuple((line, "time") for line in (5, 6, 7, 8, 9, 11)),
            how={"time_format": "%Y/%m/%d %H:%M:%S"},
        ),
        Entry(
            "empty_time",
            log(*PLAIN_LINES, ",0012,検索", '"",0012,検索').encode(),
            PLAIN,
            rejects=((5, "time"), (6, "time")),
        ),
        Entry(
            "identical_lines",
            log(PLAIN_LINES[0], PLAIN_LINES[0], PLAIN_LINES[0]).encode(),
            tuple(rec(n, T1, "0012", "ログイン") for n in (2, 3, 4)),
            csv=by_csv(),
        ),
        Entry(
            "nothing_is_trimmed",
            kept.encode(),
            (
                rec(2, T1, " 0012", "ログイン "),
                rec(3, T1, "0012", "\u3000ログイン"),
                rec(4, T1, "12", "ﾛｸﾞｲﾝ"),
                rec(5, T1, " ", "Login"),
            ),
            csv=by_csv(),
        ),
        Entry(
            "words",
            words.encode(),
            (
                worded(2, "success", True),
                worded(3, "success", True),
                worded(4, "success", True),
                worded(5, "success", True),
                worded(6, "failure", False),
                worded(7, "failure", False),
                worded(8, "failure", False),
                worded(9, "failure", False),
                worded(10, "other", None),
                worded(11, None, None),
            ),
            csv=by_csv(columns=every),
        ),
        Entry(
            "trailing_delimiter",
            log(*(line + "," for line in PLAIN_LINES), header=HEADER + ",").encode(),
            PLAIN,
            csv=by_csv(),
        ),
    ]


def delimiters_and_encodings() -> list[Entry]:
    """The same three records, differently."""

    def other(delimiter: str) -> str:
        return log(*PLAIN_LINES).replace(",", delimiter)

    sheets = log(
        f"{C1}|ポール|ソート|予定表", f"{C2}|ミキ|表示|可能", header="日時|職員番号|操作内容|業務名"
    )
    sheet_records = (
        rec(2, T1, "ポール", "ソート", system="予定表"),
        rec(3, T2, "ミキ", "表示", system="可能"),
    )
    sheet_columns = {**COLUMNS, "system": "業務名"}
    gaiji = log(
        f"{C1},\ue000田,ログイン", f"{C2},\ue0bc田,検索", f"{C3},\ue757,検索", f"{C3},髙﨑①,検索"
    )
    gaiji_records = (
        rec(2, T1, "\ue000田", "ログイン"),
        rec(3, T2, "\ue0bc田", "検索"),
        rec(4, T3, "\ue757", "検索"),
        rec(5, T3, "髙﨑①", "検索"),
    )
    # Characters whose UTF-16 bytes are those of line ends, commas and quotes.
    wide = log(
        f"{C1},\u0a0a\u0d0d\u0d0a,\u2c2c\u2222", f'{C2},"\u2222,""",\u222c', f"{C3},\U00020bb7,検索"
    )
    wide_records = (
        rec(2, T1, "\u0a0a\u0d0d\u0d0a", "\u2c2c\u2222"),
        rec(3, T2, '\u2222,"', "\u222c"),
        rec(4, T3, "\U00020bb7", "検索"),
    )
    invalid = (
        f"{HEADER}\n{C1},A".encode()
        + b"\xff"
        + f",ログイン\n{C2},A".encode()
        + b"\xfe"
        + f",検索\n{C3},A,書き出し\n".encode()
    )
    invalid_records = (
        rec(2, T1, "A\ufffd", "ログイン"),
        rec(3, T2, "A\ufffd", "検索"),
        rec(4, T3, "A", "書き出し"),
    )
    invalid_932 = (
        f"{HEADER}\n{C1},A".encode("cp932")
        + b"\xff"
        + f",ログイン\n{C2},A".encode("cp932")
        + b"\x81"  # a lead byte without its trail byte: the comma stays a comma
        + f",検索\n{C3},A,書き出し\n".encode("cp932")
    )
    return [
        Entry("tab", other("\t").encode(), PLAIN, csv=by_csv(delimiter="\t")),
        Entry("semicolon", other(";").encode(), PLAIN, csv=by_csv(delimiter=";")),
        Entry("pipe", other("|").encode(), PLAIN, csv=by_csv(delimiter="|")),
        Entry("cp932", log(*PLAIN_LINES).encode("cp932"), PLAIN, csv=by_csv("cp932")),
        Entry(
            "cp932_trail_byte_pipe",
            sheets.encode("cp932"),
            sheet_records,
            how={"encoding": "cp932", "delimiter": "|"},
            csv=by_csv("cp932", "|", columns=sheet_columns),
        ),
        Entry(
            "cp932_trail_byte_backslash",
            sheets.replace("|", ",").encode("cp932"),
            sheet_records,
            how={"encoding": "shift_jis"},
            csv=by_csv("cp932", columns=sheet_columns),
        ),
        Entry(
            "gaiji_cp932",
            gaiji.encode("cp932"),
            gaiji_records,
            how={"encoding": "cp932"},
            csv=by_csv("cp932"),
        ),
        Entry("gaiji_utf8", gaiji.encode(), gaiji_records, csv=by_csv()),
        Entry(
            "utf16_le",
            codecs.BOM_UTF16_LE + wide.encode("utf-16-le"),
            wide_records,
            csv=by_csv("utf-16"),
        ),
        Entry(
            "utf16_be",
            codecs.BOM_UTF16_BE + wide.replace("\n", "\r\n").encode("utf-16-be"),
            wide_records,
            csv=by_csv("utf-16"),
        ),
        Entry(
            "utf16_le_no_mark",
            log(*PLAIN_LINES).encode("utf-16-le"),
            PLAIN,
            how={"encoding": "utf-16le"},
            csv=by_csv("utf-16-le"),
        ),
        Entry(
            "euc_jp",
            log(*PLAIN_LINES).encode("euc_jp"),
            PLAIN,
            how={"encoding": "euc-jp"},
            csv=by_csv("euc_jp"),
        ),
        Entry(
            "invalid_utf8",
            invalid,
            invalid_records,
            how={"encoding": "utf-8"},
            replaced=True,
        ),
        Entry(
            "invalid_cp932",
            invalid_932,
            invalid_records,
            how={"encoding": "cp932"},
            replaced=True,
        ),
        Entry("gzip", gzipped(log(*PLAIN_LINES).encode()), PLAIN, suffix=".csv.gz"),
        Entry(
            "gzip_two_members",
            b"".join(
                gzipped(part.encode())
                for part in (log(PLAIN_LINES[0]), PLAIN_LINES[1] + "\n", PLAIN_LINES[2])
            ),
            PLAIN,
            suffix=".csv.gz",
        ),
    ]


def times() -> list[Entry]:
    """The ways to write a time."""

    def timed(
        name: str, *cells: str, expected: tuple[str, ...] = (T1, T2, T3), **how: Any
    ) -> Entry:
        lines = [f"{cell},0012,検索" for cell in cells]
        records = tuple(rec(n, time, "0012", "検索") for n, time in enumerate(expected, start=2))
        return Entry(name, log(*lines).encode(), records, how=how, csv=by_csv())

    two_columns = log(
        "2019/02/02,19:48:52,0012", "2019/02/02,22:11:03,0012", header="日付,時刻,職員番号"
    )
    two_records = (rec(2, T1, "0012"), rec(3, T2, "0012"))
    two_mapped = two_columns.replace("日付,時刻", "年月日X,時間X").replace("19:48:52", "194852")
    two_mapped = two_mapped.replace("22:11:03", "221103").replace("/", "")
    only_user = by_csv(columns={"user": "職員番号"})
    midnight = ("2019-02-02T00:00:00", "2019-12-31T23:59:59", "2020-02-29T12:00:00")
    return [
        timed("time_dashes", *(t.replace("T", " ") for t in (T1, T2, T3))),
        timed("time_iso", T1, T2, T3),
        timed("time_compact", *(t.translate({45: None, 84: None, 58: None}) for t in (T1, T2, T3))),
        timed(
            "time_midnight_and_leap_day",
            "2019/02/02 00:00:00",
            "2019/12/31 23:59:59",
            "2020/02/29 12:00:00",
            expected=midnight,
        ),
        timed("time_one_digit", "2019/2/2 19:48:52", "2019/2/2 22:11:03", "2019/2/4 8:20:18"),
        timed(
            "time_excel_minutes",
            "2019/2/2 19:48",
            "2019/2/2 22:11",
            "2019/2/4 8:20",
            expected=("2019-02-02T19:48:00", "2019-02-02T22:11:00", "2019-02-04T08:20:00"),
        ),
        timed(
            "time_fraction",
            "2019-02-02 19:48:52.500",
            "2019-02-02 22:11:03.001",
            "2019-02-04 08:20:18.000",
            expected=(T1 + ".500", T2 + ".001", T3),
        ),
        timed(
            "time_fraction_microseconds",
            "2019-02-02T19:48:52.500000",
            "2019-02-02T22:11:03.001000",
            "2019-02-04T08:20:18.000000",
            expected=(T1 + ".500", T2 + ".001", T3),
        ),
        timed(
            "time_zone_z", "2019-02-02T10:48:52Z", "2019-02-02T13:11:03Z", "2019-02-03T23:20:18Z"
        ),
        timed(
            "time_zone_offsets",
            "2019-02-02T19:48:52+09:00",
            "2019-02-02T08:11:03-05:00",
            "2019-02-03T23:20:18+00:00",
        ),
        timed(
            "time_zone_asked_for",
            "2019-02-02T19:48:52+09:00",
            "2019-02-02T22:11:03+09:00",
            "2019-02-04T08:20:18+09:00",
            expected=("2019-02-02T10:48:52", "2019-02-02T13:11:03", "2019-02-03T23:20:18"),
            timezone="UTC",
        ),
        timed("time_epoch_seconds", "1549104532", "1549113063", "1549236018"),
        timed(
            "time_epoch_milliseconds",
            "1549104532500",
            "1549113063001",
            "1549236018000",
            expected=(T1 + ".500", T2 + ".001", T3),
        ),
        timed(
            "time_kanji",
            "2019年2月2日 19時48分52秒",
            "2019年2月2日 22時11分03秒",
            "2019年2月4日 8時20分18秒",
        ),
        timed(
            "time_era",
            "令和7年4月1日 9時05分03秒",
            "令和7年12月31日 23時59分59秒",
            "令和8年2月28日 0時00分00秒",
            expected=("2025-04-01T09:05:03", "2025-12-31T23:59:59", "2026-02-28T00:00:00"),
        ),
        timed(
            "time_era_first_year",
            "令和元年5月1日 09:05:03",
            "令和元年12月31日 23:59:59",
            "令和2年1月1日 00:00:00",
            expected=("2019-05-01T09:05:03", "2019-12-31T23:59:59", "2020-01-01T00:00:00"),
        ),
        timed(
            "time_era_letter",
            "R07.04.01 09:05:03",
            "R07.12.31 23:59:59",
            "R08.02.28 00:00:00",
            expected=("2025-04-01T09:05:03", "2025-12-31T23:59:59", "2026-02-28T00:00:00"),
        ),
        timed(
            "time_day_first_asked_for",
            "02/02/2019 19:48",
            "02/02/2019 22:11",
            "04/02/2019 08:20",
            expected=("2019-02-02T19:48:00", "2019-02-02T22:11:00", "2019-02-04T08:20:00"),
            time_format="%d/%m/%Y %H:%M",
        ),
        timed(
            "time_two_formats_asked_for",
            "02/02/2019 19:48:52",
            "2019-02-02 22:11:03",
            "04/02/2019 08:20:18",
            time_format=["%d/%m/%Y %H:%M:%S", "%Y-%m-%d %H:%M:%S"],
        ),
        Entry(
            "time_day_or_month",
            log("01/02/2019 19:48:52,0012,検索", "03/04/2019 22:11:03,0012,検索").encode(),
            error="InputError",
        ),
        Entry("time_in_two_columns", two_columns.encode(), two_records, csv=only_user),
        Entry(
            "time_in_two_columns_mapped",
            two_mapped.encode(),
            two_records,
            how={"columns": {"time": ["年月日X", "時間X"]}, "time_format": "%Y%m%d %H%M%S"},
            csv=only_user,
        ),
    ]


def headers() -> list[Entry]:
    """Headers: missing, doubled, written oddly."""
    folded = log(
        f"{C1},0012,t1,検索,001",
        f"{C2},0013,t2,印刷,002",
        header="ＴｉｍｅＳｔａｍｐ,ユーザ ＩＤ, Host ,操作\u3000内容,宛名番号 ",
    )
    ids_and_names = log(f"{C1},0012,オサム", header="日時,職員番号,職員名")
    names = log(f"{C1},オサム,検索", header="日時,職員名,操作内容")
    doubled = log(f"{C1},x,0012,y,検索", header="日時,備考,職員番号,備考,操作内容")
    doubled_field = log(f"{C1},0012,画面,検索", header="日時,職員番号,操作内容,操作内容")
    renamed = log(f"{C1},9,0012,検索", header="いつ,職員番号,だれ,操作内容")
    shuffled = log(f"検索,0012,{C1}", header="操作内容,職員番号,日時")
    return [
        Entry(
            "header_folded",
            folded.encode(),
            (
                rec(2, T1, "0012", "検索", terminal="t1", subject="001"),
                rec(3, T2, "0013", "印刷", terminal="t2", subject="002"),
            ),
            csv=by_csv(
                columns={
                    "user": "ユーザ ＩＤ",
                    "terminal": " Host ",
                    "operation": "操作\u3000内容",
                    "subject": "宛名番号 ",
                }
            ),
        ),
        Entry("header_order", shuffled.encode(), (rec(2, T1, "0012", "検索"),), csv=by_csv()),
        Entry(
            "header_ids_and_names",
            ids_and_names.encode(),
            (rec(2, T1, "0012", user_name="オサム"),),
            csv=by_csv(columns={"user": "職員番号", "user_name": "職員名"}),
        ),
        Entry(
            "header_names_only",
            names.encode(),
            (rec(2, T1, "オサム", "検索"),),
            csv=by_csv(columns={"user": "職員名", "operation": "操作内容"}),
        ),
        Entry("header_doubled_unused", doubled.encode(), (rec(2, T1, "0012", "検索"),)),
        Entry(
            "header_doubled_by_position",
            doubled_field.encode(),
            (rec(2, T1, "0012", "検索"),),
            how={"columns": {"operation": 4}},
        ),
        Entry(
            "header_mapped",
            renamed.encode(),
            (rec(2, T1, "0012", "検索"),),
            how={"columns": {"time": "いつ", "user": "だれ"}},
            csv=by_csv(columns={"user": "だれ", "operation": "操作内容"}),
        ),
        Entry(
            "headerless",
            ("\n".join(PLAIN_LINES) + "\n0012\n").encode(),
            tuple({**r, "line": r["line"] - 1} for r in PLAIN),
            rejects=((4, "columns"),),
            how={"header": False, "columns": {"time": 1, "user": 2, "operation": 3}},
        ),
        Entry(
            "no_time_column",
            log("0012,検索", header="職員番号,操作内容").encode(),
            error="ColumnError",
        ),
        Entry(
            "mapped_column_missing",
            log(*PLAIN_LINES).encode(),
            how={"columns": {"subject": "整理ナンバー"}},
            error="ColumnError",
        ),
        Entry(
            "no_user_column",
            log(f"{C1},検索,001", header="日時,操作内容,宛名番号").encode(),
            error="ColumnError",
        ),
    ]


def unreadable() -> list[Entry]:
    """What is no log."""
    many = log(*(f"{C1},{n:04},検索" for n in range(500))).encode()
    image = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(range(256)) * 4
    return [
        Entry(
            "gzip_truncated",
            gzipped(many)[:-20],
            suffix=".csv.gz",
            error="InputError",
        ),
        Entry("binary", image, error="InputError"),
    ]


def entries() -> list[Entry]:
    """The whole corpus."""
    return [
        *line_ends(),
        *quotes(),
        *records_and_values(),
        *delimiters_and_encodings(),
        *times(),
        *headers(),
        *unreadable(),
    ]


def files() -> dict[str, bytes]:
    """File name to bytes."""
    written: dict[str, bytes] = {}
    for entry in entries():
        expectation = json.dumps(entry.expectation(), ensure_ascii=False, indent=1)
        for name, data in (
            (entry.name + entry.suffix, entry.data),
            (entry.name + ".json", (expectation + "\n").encode()),
        ):
            assert name not in written, name
            written[name] = data
    return written


def main() -> None:
    """Write the corpus, and nothing else, into its folder."""
    CORPUS.mkdir(parents=True, exist_ok=True)
    wanted = files()
    for stale in CORPUS.iterdir():
        if stale.name not in wanted:
            stale.unlink()
    for name, data in wanted.items():
        (CORPUS / name).write_bytes(data)


if __name__ == "__main__":
    main()
