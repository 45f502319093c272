#!/usr/bin/python3
"""What h5dump prints of an HDF5 file: one line for each dataset, for interop_check.py.

  interop_h5dump.py FILE.h5"""

import re
import subprocess
import sys

dump = subprocess.run(
    ["h5dump", "-m", "%.17g", "-w", "0", "-y", sys.argv[1]], check=True, stdout=subprocess.PIPE
).stdout.decode("utf-8")

STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')
ESCAPE = re.compile(r'\\(?:([0-7]{3})|(.))')
NAMED = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v"}


def unescape(match):
    octal, letter = match.groups()
    return chr(int(octal, 8)) if octal else NAMED.get(letter, letter)


def strings(text):
    return [ESCAPE.sub(unescape, found).rstrip("\0") for found in STRING.findall(text)]


opened = re.compile(r'(GROUP|DATASET|ATTRIBUTE) "(.*)" \{$|(.*)\{$')
groups, dataset, attribute, data, kind = [], None, None, None, None
nesting = []
for line in dump.splitlines():
    line = line.strip()
    if data is not None and line != "}":
        data.append(line)
        continue
    start = opened.match(line)
    if start:
        what, name, other = start.groups()
        nesting.append(what or other.strip())
        if what == "GROUP":
            groups.append("" if name == "/" else name)
        elif what == "DATASET":
            dataset, attributes, cells, kind = name, {}, [], None
        elif what == "ATTRIBUTE":
            attribute = name
        elif nesting[-1] == "DATA":
            data = []
        elif nesting[-1] == "DATATYPE  H5T_STRING" and attribute is None:
            kind = "text"
        continue
    if line.startswith("DATATYPE") and attribute is None:
        kind = "float" if "H5T_IEEE" in line else "integer"
    if line != "}":
        continue
    what = nesting.pop()
    if what == "DATA":
        read = "\n".join(data)
        if attribute is not None and dataset is not None:
            attributes[attribute] = "".join(strings(read))
        elif dataset is not None:
            cells = strings(read) if kind == "text" else re.findall(r"[^\s,]+", read)
        data = None
    elif what == "ATTRIBUTE":
        attribute = None
    elif what == "GROUP":
        groups.pop()
    elif what == "DATASET":
        path = "/".join(groups + [dataset])
        print(path, kind, attributes.get("units", ""), attributes.get("long_name", ""),
              "\x1f".join(cells), sep="\t")
        dataset = None
