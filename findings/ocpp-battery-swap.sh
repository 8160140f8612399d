#!/usr/bin/env bash
# The Python library ocpp 2.1.0 cannot send a battery swap of OCPP 2.1, nor a charging limit for the second and third phase.
#
# Its data classes have Python's names, and one function makes OCPP's of them before a message is sent. One would expect each of them to
# come back as the schema, which the same package holds, writes it. `soc` becomes `SoC` and `soh` stays `soh`, where a battery of a
# BatterySwapRequest has `soC` and `soH`, both required: the library refuses its own message, and told not to check it sends names that
# no other side knows. `limit_l2` becomes `limitL2`, where the schema has `limit_L2`. Of the 555 names in the schemas of 2.1 it
# changes 43; of those of 1.6 and 2.0.1 none. So a backend built with it has no state of charge to tell a swapped battery from a
# charged one.
#
# Seen with ocpp 2.1.0 from PyPI, Python 3.11, on Linux. Installs it in a temporary folder and fails when that is no longer so.
# Needs python3 with venv.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" --quiet --disable-pip-version-check install ocpp==2.1.0
cat >"$folder/swap.py" <<'PY'
import asyncio
import json
from pathlib import Path

import ocpp
from ocpp.charge_point import camel_to_snake_case, snake_to_camel_case
from ocpp.exceptions import FormatViolationError
from ocpp.v21 import ChargePoint, call, datatypes


def names(schema):
    if isinstance(schema, dict):
        properties = schema.get("properties")
        if isinstance(properties, dict):
            yield from properties
        for inner in schema.values():
            yield from names(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from names(inner)


def changed(version):
    known = set()
    for path in (Path(ocpp.__file__).parent / version / "schemas").glob("*.json"):
        known |= set(names(json.loads(path.read_text(encoding="utf-8-sig"))))
    back = {name: next(iter(snake_to_camel_case(camel_to_snake_case({name: 0})))) for name in known}
    return len(known), {name: other for name, other in back.items() if name != other}


for version in ["v16", "v201", "v21"]:
    known, mangled = changed(version)
    print(f"{version}: {known} names, {len(mangled)} of them do not come back")
    assert len(mangled) == {"v16": 0, "v201": 0, "v21": 43}[version], mangled
assert mangled["soC"] == "SoC" and mangled["soH"] == "soh" and mangled["limit_L2"] == "limitL2"


class Socket:
    """Keeps what is sent, and never answers."""

    sent = None

    async def send(self, message):
        self.sent = message


async def swap(**options):
    battery = datatypes.BatteryDataType(evse_id=1, serial_number="B-1", soc=93.5, soh=98.0)
    token = datatypes.IdTokenType(id_token="A1", type="Central")
    message = call.BatterySwap(battery_data=[battery], event_type="BatteryIn", id_token=token, request_id=7)
    socket = Socket()
    try:
        await ChargePoint("station", socket, response_timeout=0.1).call(message, **options)
    except (FormatViolationError, asyncio.TimeoutError) as error:
        return socket.sent, error
    return socket.sent, None


sent, error = asyncio.run(swap())
print("checked:", type(error).__name__, error.details["cause"])
assert sent is None and "('SoC', 'soh' were unexpected)" in error.details["cause"]

sent, _ = asyncio.run(swap(skip_schema_validation=True))
print("unchecked:", sent)
(battery,) = json.loads(sent)[3]["batteryData"]
assert battery == {"evseId": 1, "serialNumber": "B-1", "SoC": 93.5, "soh": 98.0}
PY
"$folder/venv/bin/python" "$folder/swap.py"
