#!/usr/bin/env python3
"""The schema against scenarios, by a validator that is not ours (python3-jsonschema).

  validate_schema.py SCHEMA FAULTLINE SCENARIO...

Every scenario, as written and as resolved, must pass. Then the first one is broken in many ways, one
at a time: schema and `faultline validate` must both refuse it, the schema at the place of the break.
Exit status 77: there is no validator here."""

import copy
import json
import os
import subprocess
import sys
import tempfile

try:
    import jsonschema
except ImportError:
    sys.exit(77)

schema_path, faultline, *scenarios = sys.argv[1:]
with open(schema_path) as file:
    schema = json.load(file)
jsonschema.Draft7Validator.check_schema(schema)
validator = jsonschema.Draft7Validator(schema)
failed = 0


def fail(text):
    global failed
    failed += 1
    print(text, file=sys.stderr)


def leaves(errors):
    """The innermost complaints: of the branches of a oneOf or anyOf too."""
    for error in errors:
        yield error
        yield from leaves(error.context)


def complaints(document):
    return list(leaves(validator.iter_errors(document)))


def accepted(document, folder):
    """What the reader says of it; the file stands where "extends" finds its base."""
    with tempfile.NamedTemporaryFile("w", suffix=".json", dir=folder) as file:
        json.dump(document, file)
        file.flush()
        return subprocess.run([faultline, "validate", file.name], capture_output=True).returncode == 0


for path in scenarios:
    with open(path) as file:
        document = json.load(file)
    resolved = subprocess.run([faultline, "validate", "--resolved", path], capture_output=True, check=True)
    for name, version in (path, document), (path + ", resolved", json.loads(resolved.stdout)):
        for error in complaints(version):
            fail(f"{name}: /{'/'.join(map(str, error.absolute_path))}: {error.message[:200]}")

GONE = object()
BREAKS = [  # place, value; the place is where the complaint must be, up to the last `depth` steps
    ("name", GONE),
    ("duration_s", GONE),
    ("nodes", GONE),
    ("name", "a/b"),
    ("name", 7),
    ("nmae", "x"),
    ("seed", -1),
    ("seed", 1.5),
    ("seed", "0xg"),
    ("duration_s", 0),
    ("duration_s", "soon"),
    ("duration_s", 1e10),
    ("ties", "sometimes"),
    ("why", ["because"]),
    ("network/delay_ms", {"law": "lognormal", "median": 60}),
    ("network/delay_ms", {"law": "lognormal", "median": 60, "sigma": 0.4, "mean": 3}),
    ("network/delay_ms", {"law": "log-normal", "median": 60, "sigma": 0.4}),
    ("network/delay_ms", {"law": "exponential", "mean": 0}),
    ("network/delay_ms", -1),
    ("network/delay_ms", None),
    ("network/jitter", 3),
    ("network/links", {"from": "market", "to": "reporter", "delay_ms": 3}),
    ("network/links", [{"from": "market", "delay_ms": 3}]),
    ("network/links", [{"from": "market", "to": "reporter"}]),
    ("network/loss", 1.5),
    ("network/regions", "clouds"),
    ("network/delay_ms", {"law": "empirical", "values": []}),
    ("nodes/validator/overlay", {"model": "gossip", "degree": 1}),
    ("nodes/validator/clock", {"offset": 1}),
    ("nodes/validator/count", 0),
    ("nodes/validator/count", 2.5),
    ("nodes/validator/consensus", "nobody"),
    ("nodes/validator/consensus", {"block_ms": 12000}),
    ("nodes/validator/consensus/block_ms", "twelve"),
    ("nodes/validator/consensus/block_mss", 3),
    ("nodes/validator/market", {"model": "ordered"}),
    ("nodes/validator/power", [1, 1, 0, 1]),
    ("nodes/market/source/points_usd", "eth.csv"),
    ("nodes/market/source/points_usd", {"kline_csv": "eth.csv"}),
    ("nodes/market/source/points_usd", {"kline_csv": "eth.csv", "price": "mean"}),
    ("nodes/market/source/points_usd", {"kline_csv": "eth.csv", "price": "close", "from": 0}),
    ("nodes/market/source/loadings", {"kline_csv": "eth.csv", "price": "close"}),
    ("nodes/market/source/loadings", [[0, 1.5]]),
    ("nodes/keeper/agent", "keeper"),
    ("nodes/keeper/agent/exchange", GONE),
    ("nodes/keeper", {"count": 1}),
    ("nodes/a.b", {"count": 1, "agent": {"model": "keeper", "exchange": "exchange"}}),
    ("contracts/feed/reporters", "reporter"),
    ("contracts/feed/aggregator", {"model": "trimmed_mean", "trim": 0.5}),
    ("contracts/exchange/markets", {}),
    ("contracts/exchange/markets", ["eth"]),
    ("contracts/exchange/markets/eth/oracle", GONE),
    ("contracts/exchange/markets/eth/initial_margin", True),
    ("contracts/exchange/markets/eth/leverage", 20),
    ("contracts/exchange/deleveraging", "somebody"),
    ("faults/oracle-stuck", "stuck"),
    ("faults/oracle-stuck/members", [0]),
    ("faults/oracle-stuck/count", GONE),
    ("faults/oracle-stuck/group", GONE),
    ("faults/oracle-stuck/enabled", "yes"),
    ("faults/oracle-stuck/from", 3),
    ("faults/oracle-stuck/mttr_s", -1),
    ("faults/oracle-stuck/sides", [["validator"], ["reporter"]]),
    ("faults/cut", {"model": "partition"}),
    ("checks/agreement", "agreeable"),
    ("checks/solvency/exchange", GONE),
    ("trace/detail", "all"),
    ("trace/sample_s", 0.0001),
    ("expect", [{"path": "ledger.bad_debt", "op": "=<", "value": 3}]),
    ("expect", [{"path": "ledger.bad_debt", "op": "<"}]),
]
CHANGES = [  # that break nothing
    ("seed", "0xff"),
    ("duration_s", "1.296e5"),
    ("network/delay_ms", {"law": "empirical", "values": [1, 2.5, "3"]}),
    ("network/links", [{"from": "market", "to": "reporter", "loss": 0.1}]),
    ("faults/cut", {"model": "partition", "sides": [["validator[0]"], ["validator[1]", "reporter"]]}),
    ("faults/cut", {"model": "partition", "group": "validator", "count": 1, "mttr_s": 5, "mtbf_s": 9}),
    ("nodes/validator/clock", {"offset_ms": {"law": "normal", "mean": 0, "sd": 10}}),
    ("nodes/validator/overlay", {"model": "gossip", "degree": 2}),
    ("nodes/validator/power", [1, 2, "3", 4]),
    ("checks/$comment", ["anything"]),
]
with open(scenarios[0]) as file:
    base = json.load(file)
folder = os.path.dirname(scenarios[0])
if complaints(base) or not accepted(base, folder):
    fail(f"{scenarios[0]}: not a scenario to begin with")


def changed(place, value):
    document = copy.deepcopy(base)
    *steps, last = place.split("/")
    inner = document
    for step in steps:
        inner = inner[step]
    if value is GONE:
        del inner[last]
    else:
        inner[last] = value
    return document


for place, value in CHANGES:
    document = changed(place, value)
    for error in complaints(document):
        fail(f"{place} = {json.dumps(value)}: {error.message[:200]}")
    if not accepted(document, folder):
        fail(f"{place} = {json.dumps(value)}: the reader refuses it")
for place, value in BREAKS:
    broken = changed(place, value)
    name = f"{place} = {'nothing' if value is GONE else json.dumps(value)}"
    found = ["/".join(map(str, error.absolute_path)) for error in complaints(broken)]
    above = place.rpartition("/")[0]
    if not found:
        fail(f"{name}: the schema accepts it")
    elif not any(where == above or where.startswith(place) for where in found):
        fail(f"{name}: the schema complains elsewhere: {found}")
    if accepted(broken, folder):
        fail(f"{name}: the reader accepts it")

# A part may leave out what it extends, but not misspell it.
part = {"extends": os.path.basename(scenarios[0]), "name": "part"}
for faults, good in (
    ({"oracle-stuck": {"enabled": False}}, True),
    ({"oracle-stuck": {"to_s": 37800}}, True),
    ({"oracle-stuck": {"enabeld": False}}, False),
    ({"oracle-stuck": {"enabled": 0}}, False),
):
    document = {**part, "faults": faults}
    if (not complaints(document)) != good or accepted(document, folder) != good:
        fail(f"{document}: expected {'no complaint' if good else 'a complaint'}")

print(f"{len(scenarios)} scenarios, {len(CHANGES)} changed ones, {len(BREAKS)} broken ones, {failed} failed")
sys.exit(1 if failed else 0)
