#!/usr/bin/python3
"""Whether a program read what is in an archive: every value of every dataset against the exact decimals
of CSV files, which are written by other code.

  interop_check.py LISTING LISTING-OF-H5PY CSV

LISTING is what interop_h5py.py, interop_h5dump.py or interop_octave.m printed; CSV is the folder that
`faultline export --as csv` wrote, or sweep.csv. Units and descriptions are those that h5py shows as
attributes; the others have them as attributes, or in the datasets of /columns, too."""

import csv
import os
import re
import sys
from decimal import Decimal

listing_path, h5py_path, csv_path = sys.argv[1:]
csv.field_size_limit(1 << 30)
SCALE = {"1e-6 USD": 10**6, "1e-6 base units": 10**6, "1e-6": 10**6, "ns": 10**9}
SHOWN = {"1e-6 USD": "USD", "1e-6 base units": "base units", "ns": "s", "byte": "byte"}
FLOAT = "/series/t_s"  # the only one, for plots: series/time as a float


def read_listing(path):
    rows = {}
    with open(path, encoding="utf-8", newline="\n") as file:
        for line in file.read().split("\n")[:-1]:
            name, kind, units, meaning, cells = line.split("\t")
            assert name not in rows, f"{name} is there twice"
            cells = cells.split("\x1f") if cells else []
            rows[name] = (kind, units, meaning, cells)
    return rows


def read_csv(path):
    with open(path, encoding="utf-8", newline="") as file:
        table = list(csv.reader(file))
    columns = list(zip(*table[1:])) if len(table) > 1 else [()] * len(table[0])
    return dict(zip(table[0], columns))


def from_export(folder):
    """Path: (values, unit, meaning)."""
    all_columns = {}
    words = read_csv(os.path.join(folder, "columns.csv"))
    about = {(d, c): (u, m) for d, c, u, m in zip(*(words[k] for k in ("dataset", "column", "unit", "meaning")))}
    for name in os.listdir(folder):
        dataset = name[: -len(".csv")]
        if dataset == "columns":
            continue
        top = "" if dataset in ("series", "faults", "checks", "nodes", "messages") else "/events"
        for title, values in read_csv(os.path.join(folder, name)).items():
            column = re.sub(r" \[[^\]]*\]$", "", title)
            unit, meaning = about.pop((dataset, column))
            assert title == (f"{column} [{unit}]" if unit else column), title
            all_columns[f"{top}/{dataset}/{column}"] = (values, unit, meaning)
    assert not about, f"columns.csv has more than there is: {about}"
    return all_columns


def from_sweep(path):
    table = read_csv(path)
    of_h5py = {name.split("/", 2)[2]: name for name in h5py if not name.startswith("/columns/")}
    return {of_h5py[title]: (values, None, None) for title, values in table.items()}


def mangle(path):
    return re.sub(r"[^A-Za-z0-9_/]", "_", path)


def whole(text, units):
    if text in ("true", "false"):
        return int(text == "true")
    value = Decimal(text) * SCALE.get(units, 1)
    assert value == int(value), f"{text} of {units} is no whole number"
    return int(value)


def integers(kind, cells, low, high):
    if kind == "halves":  # of a little-endian machine
        words = [int(cell) for cell in cells]
        joined = [words[i] | words[i + 1] << 32 for i in range(0, len(words), 2)]
        return [v - 2**64 if low < 0 and v >= 2**63 else v for v in joined]
    return [int(cell) for cell in cells]


h5py = read_listing(h5py_path)
expected = from_export(csv_path) if os.path.isdir(csv_path) else from_sweep(csv_path)
listing = read_listing(listing_path)
by_octave = not any(units for _, units, _, _ in listing.values())
if by_octave:  # two names that become one would hide a dataset
    assert len({mangle(name) for name in expected}) == len(expected)
named = {mangle(name) if by_octave else name: name for name in expected}

# The file's own list of datasets, which also says to Octave what attributes say to others.
about = [listing.pop(f"/columns/{key}")[3] for key in ("path", "units", "long_name")]
attributes = {name: row[1:3] for name, row in h5py.items() if not name.startswith("/columns/")}
assert {path: said for path, *said in zip(*about)} == {n: list(a) for n, a in attributes.items()}

floats = listing.pop(FLOAT, None)
if floats:
    seconds = [float(v) for v in expected["/series/time"][0]]
    assert [float(v) for v in floats[3]] == seconds, FLOAT
assert set(listing) == set(named), set(listing) ^ set(named)
compared = 0
for name, (kind, units, meaning, cells) in listing.items():
    values, csv_unit, csv_meaning = expected[named[name]]
    units_of_h5py, meaning_of_h5py = h5py[named[name]][1:3]
    if not by_octave:
        assert (units, meaning) == (units_of_h5py, meaning_of_h5py), name
        assert csv_unit is None or SHOWN.get(units, "") == csv_unit, (name, units, csv_unit)
        assert csv_meaning is None or re.sub(r"^\{\d\} ", "", meaning) == csv_meaning, name
    if units_of_h5py == "text":
        assert kind == "text", (name, kind)
        cells = cells if len(cells) == len(values) else cells + [""] * (len(values) == 1)
        assert cells == list(values), (name, cells[:3], values[:3])
    else:
        assert kind in ("integer", "halves") or (kind == "empty" and not values), (name, kind)
        wanted = [whole(text, units_of_h5py) for text in values]
        found = integers(kind, cells, min(wanted, default=0), max(wanted, default=0))
        assert found == wanted, (name, found[:3], wanted[:3])
    compared += len(values)
assert compared > 0
print(f"{len(listing)} datasets, {compared} values")
