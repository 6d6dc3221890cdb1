"""入力者ごと・日ごとの件数と作業時間を、納品数と突き合わせる。

Each operator's records and working span per day, beside the quantity delivered.

    yokome scan log.csv --policy policy.toml --out result
    python compare.py result/findings.csv delivered.csv comparison.csv
"""

import csv
import sys
from datetime import date, datetime
from pathlib import Path


def rows(path: str) -> list[dict[str, str]]:
    """The rows of a CSV file in UTF-8 or CP932."""
    data = Path(path).read_bytes()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp932")
    return list(csv.DictReader(text.splitlines()))


def main(findings: str, delivered: str, out: str) -> None:
    """Write a row for each operator and day that either list has."""
    worked: dict[tuple[str, date], tuple[int, datetime, datetime]] = {}
    for row in rows(findings):
        if row["rule"] == "operator-day":
            first, last = (datetime.fromisoformat(row[name]) for name in ("first", "last"))
            worked[row["key"], first.date()] = int(row["records"]), first, last
    quantities: dict[tuple[str, date], int] = {}
    for row in rows(delivered):
        year, month, day = map(int, row["作業日"].replace("-", "/").split("/"))
        key = row["入力者番号"], date(year, month, day)
        quantities[key] = quantities.get(key, 0) + int(row["納品数"])

    with Path(out).open("w", encoding="utf-8-sig", newline="") as file:
        table = csv.writer(file)
        table.writerow(["作業日", "入力者番号", "件数", "納品数", "差", "始め", "終わり", "分"])
        for operator, day in sorted({*worked, *quantities}, key=lambda key: (key[1], key[0])):
            quantity = quantities.get((operator, day), 0)
            if (operator, day) in worked:
                records, first, last = worked[operator, day]
                span = [first.time(), last.time(), int((last - first).total_seconds() // 60)]
            else:
                records, span = 0, ["", "", ""]
            table.writerow([day, operator, records, quantity, records - quantity, *span])


if __name__ == "__main__":
    main(*sys.argv[1:])
