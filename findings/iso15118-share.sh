#!/usr/bin/env bash
# A renewable share in ISO 15118 need not be a percentage: the messages of the Python library iso15118 0.31.2 carry 255 %, and -5 %.
#
# A charger announces the renewable share of its energy as RenewableGenerationPercentage, and one would expect the types of the messages
# to keep it from 0 to 100. In ISO 15118-20 it is an unsigned byte, and the library takes 255 as it comes. In ISO 15118-2 it is a
# `Cost` of a kind, an amount with a power of ten: 875 with -1 is 87.5 %, and neither the amount nor the product has a bound. It also stands
# beside price and CO2 as one of up to three costs of a price segment, so a reader that takes the first cost takes another
# quantity. Whoever pays for a share bounds it.
#
# Seen with iso15118 0.31.2 from PyPI, Python 3.11, on Linux. Installs it in a temporary folder and fails when that is no longer so.
# Needs python3 with venv.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" --quiet --disable-pip-version-check install iso15118==0.31.2
cat >"$folder/share.py" <<'PY'
from iso15118.shared.messages.iso15118_2.datatypes import Cost
from iso15118.shared.messages.iso15118_20.common_messages import PriceRule
from pydantic import ValidationError

ZERO = {"Exponent": 0, "Value": 0}


def rule(share):
    said = {"EnergyFee": ZERO, "RenewableGenerationPercentage": share, "PowerRangeStart": ZERO}
    return PriceRule.parse_obj(said).dict(by_alias=True)["RenewableGenerationPercentage"]


for share in [80, 101, 255]:
    print("ISO 15118-20 price rule:", share, "is taken as", rule(share))
    assert rule(share) == share
try:
    rule(256)
    raise AssertionError("256 is taken too")
except ValidationError:
    print("ISO 15118-20 price rule: 256 is refused")

for amount, power in [(80, 0), (875, -1), (-5, 0), (99_999, 3)]:
    said = {"costKind": "RenewableGenerationPercentage", "amount": amount, "amountMultiplier": power}
    cost = Cost.parse_obj(said)
    print("ISO 15118-2 cost:", amount, "x 10 ^", power, "is taken:", cost.amount * 10.0**cost.amount_multiplier, "%")
    assert (cost.amount, cost.amount_multiplier) == (amount, power)
PY
"$folder/venv/bin/python" "$folder/share.py"
