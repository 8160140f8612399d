#!/usr/bin/env bash
# cantools 41.0.0 decodes "not available" of SAE J1939 as a speed of 256 km/h and an odometer of 21 million km.
#
# In J1939 a field of all ones is "not available" and the code below it "error" (J1939-71), and the database file gives each signal the
# range that is left for values. cantools knows the protocol of such a file, and refuses to encode a value outside of the range. One would
# expect it to tell when it decodes one. It hands them over as values: what a gateway built with it publishes while a sensor is
# absent is a speed and a lifetime distance. A reader of meters has to know all-ones itself, after the scale: 255.99609375,
# 21474836475.
#
# Seen with cantools 41.0.0 from PyPI, Python 3.11, on Linux. Installs it in a temporary folder and fails when that is no longer so.
# Needs python3 with venv.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" --quiet --disable-pip-version-check install cantools==41.0.0
cat >"$folder/decode.py" <<'PY'
import cantools

DATABASE = """VERSION ""
NS_ :
BS_:
BU_: ECU
BO_ 2566844926 CCVS: 8 ECU
 SG_ WheelSpeed : 8|16@1+ (0.00390625,0) [0|250.996] "km/h" ECU
BO_ 2566844672 VDHR: 8 ECU
 SG_ Distance : 0|32@1+ (5,0) [0|21055406000] "m" ECU
BA_DEF_ "ProtocolType" STRING ;
BA_DEF_DEF_ "ProtocolType" "";
BA_ "ProtocolType" "J1939";
BA_DEF_ BO_ "VFrameFormat" ENUM "StandardCAN","ExtendedCAN","reserved","J1939PG";
BA_DEF_DEF_ "VFrameFormat" "J1939PG";
"""

database = cantools.database.load_string(DATABASE, "dbc")
speed, distance = database.get_message_by_name("CCVS"), database.get_message_by_name("VDHR")
assert speed.protocol == distance.protocol == "j1939"

for what, low, high, expected in [
    ("highest value", 0xFF, 0xFA, 250.99609375),
    ("error", 0x00, 0xFE, 254.0),
    ("not available", 0xFF, 0xFF, 255.99609375),
]:
    value = speed.decode(bytes([0xFF, low, high]) + b"\xff" * 5)["WheelSpeed"]
    print(f"speed, {what}: {value} km/h")
    assert value == expected
value = distance.decode(b"\xff" * 8)["Distance"]
print(f"distance, not available: {value} m")
assert value == 21_474_836_475

try:
    speed.encode({"WheelSpeed": 255.99609375})
    raise AssertionError("it encodes the value too")
except cantools.database.EncodeError as error:
    print("encoded:", error)
PY
"$folder/venv/bin/python" "$folder/decode.py"
