#!/usr/bin/python3
"""What h5py reads in an HDF5 file: one line for each dataset, for interop_check.py.

  interop_h5py.py FILE.h5

Also fails for a dataset without units or description, and for a group that nothing describes."""

import sys

import h5py
import numpy

SAID_ABOVE = "/series/"  # groups in it are the series of one part each
wrong = []


def text(value):
    return value.decode("utf-8") if isinstance(value, bytes) else str(value)


def describe(name, thing):
    path = "/" + name
    if isinstance(thing, h5py.Group):
        if not text(thing.attrs.get("story", "")) and not path.startswith(SAID_ABOVE):
            wrong.append(f"group {path} has no story")
        return
    units, meaning = (text(thing.attrs.get(key, "")) for key in ("units", "long_name"))
    if not units or not meaning:
        wrong.append(f"{path} has no units or no long_name")
    values = thing[()]
    if values.dtype.kind == "S":
        kind, cells = "text", [text(cell) for cell in values.tolist()]
    elif values.dtype.kind == "f":
        kind, cells = "float", [repr(cell) for cell in values.tolist()]
    else:
        assert values.dtype.kind in "iu" and values.dtype.byteorder != ">", values.dtype
        kind, cells = "integer", [str(cell) for cell in values.tolist()]
    assert isinstance(values, numpy.ndarray) and values.ndim == 1, path
    print(path, kind, units, meaning, "\x1f".join(cells), sep="\t")


with h5py.File(sys.argv[1], "r") as file:
    for key in ("name", "why", "content_hash", "format_version"):
        if not str(file.attrs.get(key, "")):
            wrong.append(f"the root has no {key}")
    file.visititems(describe)
if wrong:
    sys.exit("\n".join(wrong))
