#!/usr/bin/env bash
# An odometer that goes through KUKSA moves in steps of 16 m from 131,072 km on, and of 31 m from 262,144 km on.
#
# VSS 6.0 has Vehicle.TraveledDistance in km with the type `float`, which is one of 32 bits. KUKSA's messages keep it as such, whatever
# precision the feeder has and however many digits the text of the value shows. One would expect the metres of a drive to be
# the difference of two odometers to the resolution of the car's; a drive of 490 m at 150,000 km is one of 484 m or of 500 m, by where
# it begins, and a rule that asks for 500 m pays some of them. The steps grow with the age of the car: 1 m from 8,192 km on, 8 m from 65,536 km on.
#
# Seen with kuksa-client 0.6.0 from PyPI, Python 3.11, on Linux; the steps are those of the type. Installs it in a temporary folder
# and fails when that is no longer so. Needs python3 with venv.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" --quiet --disable-pip-version-check install kuksa-client==0.6.0
cat >"$folder/odometer.py" <<'PY'
from kuksa_client.grpc import DataType, Datapoint


def through(km):
    """The value as the other side of the broker's interface reads it."""
    return Datapoint.from_message(Datapoint(km).v1_to_message(DataType.FLOAT)).value


for begin, step_m in [(8_192.0, 0.9765625), (65_536.0, 7.8125), (131_072.0, 15.625), (262_144.0, 31.25)]:
    seen = sorted({through(begin + decimetre / 10_000) for decimetre in range(5_001)})
    steps = {round((after - before) * 1_000, 7) for before, after in zip(seen, seen[1:])}
    print(f"from {begin:.0f} km: a drive of 500 m goes through {len(seen)} readings, {step_m} m apart")
    assert steps == {step_m}, steps

starts = [150_000.0 + metre / 1_000 for metre in range(16)]
driven = {round((through(start + 0.5) - through(start)) * 1_000, 3) for start in starts}
print("drives of 500 m at 150,000 km:", sorted(driven), "m")
assert driven == {500.0}, driven
driven = {round((through(start + 0.49) - through(start)) * 1_000, 3) for start in starts}
print("drives of 490 m at 150,000 km:", sorted(driven), "m")
assert driven == {484.375, 500.0}, driven
PY
"$folder/venv/bin/python" "$folder/odometer.py"
