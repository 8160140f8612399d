#!/usr/bin/env python3
"""A second implementation of sync/PROTOCOL.md: computes everything in sync/vectors again, and reads the newer signed things.

Usage: check.py [FOLDER or FILE...]. Written from the document alone; the Python standard library is all it needs.
"""

import copy
import hashlib
import json
import sys
from pathlib import Path

import rules
import wire
from doubts import Opened, Use, in_doubt, known_from, opening_in_doubt
from profile import Expression, NotInProfile, NoValue
from rules import Entry, Policy, Zone

SYNC = Path(__file__).resolve().parent / "../../sync"
VECTORS = [SYNC / "vectors", SYNC / "wire/vectors/newer.json"]


class Device:
    """What both ends know of one head unit."""

    def __init__(self, certificate):
        self.id, self.vehicle, self.key = certificate[1], certificate[2], certificate[3]
        # The cloud's side.
        self.epoch = self.seq = 0
        self.head = self.chain = self.epoch_start = None
        self.signed = set()
        self.enrolled = None
        # The car's side.
        self.member = self.statement = self.grant = None
        self.receipt_at = 0
        self.policies = set()
        self.own = []


class Story:
    """One file: a cloud, members and cars, step by step."""

    def __init__(self, story):
        self.key = bytes.fromhex(story["cloud_key"])
        self.steps = story["steps"]
        self.policies, self.members, self.devices, self.bindings = {}, {}, {}, {}
        self.origins, self.uses, self.meters = set(), [], []
        self.read = {}

    def run(self):
        for place, step in enumerate(self.steps):
            try:
                getattr(self, step["step"])(step, step["now"])
            except Exception as error:
                raise AssertionError(f"step {place}, {step['step']}: {error}") from error

    # Both ends.

    def policy(self, step, now):
        policy = Policy(self.signed(step["policy"], "policy"))
        self.policies[policy.version] = policy

    def join(self, step, now):
        lowest = rules.in_force(self.policies, now).tiers[1][0][1]
        account = {
            "version": 0,
            "lots": [],
            "arrears": 0,
            "growth": 0,
            "growth_in_period": 0,
            "tier": {"tier": lowest, "since": now, "until": None},
            "used": {},
            "remainders": {},
            "pending": [],
        }
        self.members[bytes.fromhex(step["member"])] = (Zone(step["zone"]), account)
        same(shown(account), step["account"], "account")

    def enrol(self, step, now):
        raw = bytes.fromhex(step["certificate"])
        id_of = wire.decode(wire.decode(raw[1:])[2])[1]
        device = Device(self.signed(step["certificate"], "certificate", id_of))
        self.devices[device.id] = device
        binding = self.signed(step["binding"], "binding", device.id)
        self.bindings[binding[1]] = binding
        device.member = binding[3]
        device.policies = {step["version"]}
        device.enrolled = now
        self.enter(device, step["grant"], now)
        self.take_statement(device, step["statement"])

    def bind(self, step, now):
        binding = self.signed(step["binding"], "binding", self.device(step).id)
        self.bindings[binding[1]] = binding

    def enter(self, device, grant, now):
        raw, grant = bytes.fromhex(grant), self.signed(grant, "grant", device.id)
        chain = rules.start(now) if device.chain is None else device.chain
        same(read_chain(grant[6]), chain, "chain of the grant")
        same(grant[2], device.epoch + 1, "epoch of the grant")
        follows = None if device.epoch == 0 else {1: device.epoch, 2: device.seq, 3: device.head}
        same(grant.get(3), follows, "where the grant follows")
        same(grant[4], now, "time of the grant")
        device.epoch, device.seq, device.head, device.chain = grant[2], 0, wire.digest(raw), chain
        device.epoch_start = chain
        device.grant = (grant[2], chain, device.head)
        device.receipt_at, device.own = grant[4], []
        device.signed.add(now)

    def epoch(self, step, now):
        self.enter(self.device(step), step["grant"], now)

    # The car's side.

    def learn(self, step, now):
        self.device(step).policies.add(step["version"])

    def forget(self, step, now):
        device = self.device(step)
        device.own = [entry for entry in device.own if entry.seq <= step["through"]]

    def answer(self, step, now):
        device = self.device(step)
        if "receipt" in step:
            receipt = self.signed(step["receipt"], "receipt", device.id)
            same([receipt[2], receipt[3], receipt[4]], [device.epoch, device.seq, device.head], "head of the receipt")
            same([receipt[5], receipt[6]], [hashlib.sha256(wire.encode([])).digest(), now], "verdicts and time")
            same(receipt[8], max(self.policies), "newest policy")
            device.receipt_at = receipt[6]
            device.signed.add(now)
        self.take_statement(device, step["statement"])

    def take_statement(self, device, statement):
        statement = self.signed(statement, "statement", device.member)
        cover = statement[6][device.id]
        same([cover[1], cover[2], cover[3]], [device.epoch, device.seq, device.head], "cover")
        same(read_chain(cover[4]), device.chain, "chain of the cover")
        account = read_account(statement[5])
        same(shown(account), shown(self.members[device.member][1]), "account of the statement")
        device.statement = (account, cover[1], cover[2], device.chain, Zone(statement[4][3]))

    def make(self, step, now):
        device, entry = self.device(step), self.entry(step)
        account, chain = self.fold(device, step["clock"])
        if step["honest"]:
            self.predict(device, entry, copy.deepcopy(account), chain, step["clock"])
        device.own.append(entry)
        expects = self.fold_one(device, account, chain, entry, step["clock"])
        verdict, chain = expects
        cause = {"entry": {"entry": place_of(device, entry), "verdict": verdict}}
        same(cause if verdict else None, step["expects"], "what the car expects")
        same(chain, step["chain"], "the car's chain")
        same(shown(account), step["account"], "the car's account")

    def fold(self, device, clock):
        account, epoch, through, chain, _ = device.statement
        account = copy.deepcopy(account)
        if epoch < device.grant[0]:
            through, chain = 0, device.grant[1]
        for entry in device.own:
            if entry.seq > through:
                _, chain = self.fold_one(device, account, chain, entry, clock)
        return account, chain

    def fold_one(self, device, account, chain, entry, clock):
        now = max(clock, entry.receipt_at)
        bound = self.bindings[entry.binding]
        if bound[2] != device.id or bound[3] != device.member:
            return None, rules.count(chain, entry, now)
        held = {version: self.policies[version] for version in device.policies}
        return rules.settle(account, chain, device.statement[4], held, place_of(device, entry), entry, now)

    def predict(self, device, entry, account, chain, clock):
        """The awards that the car has to write."""
        cap_time = rules.advance(chain, entry, max(clock, entry.receipt_at))[0]["cap_time"]
        policy = rules.in_force({version: self.policies[version] for version in device.policies}, cap_time)
        parts = rules.payments(policy, entry, account, device.statement[4].day(cap_time))
        awards = [{1: part["rule"], 2: part["raw"][0], 3: part["raw"][1], 4: part["points"]} for part in parts]
        same(entry.awards, awards, "awards")
        last = device.own[-1] if device.own else None
        same([entry.policy, entry.receipt_at], [policy.version, device.receipt_at], "policy and receipt")
        same([entry.epoch, entry.seq], [device.grant[0], last.seq + 1 if last else 1], "place")
        same(entry.prev, last.hash if last else device.grant[2], "hash of the entry before")

    # The cloud's side.

    def arrive(self, step, now):
        device, entry = self.device(step), self.entry(step)
        same([entry.epoch, entry.seq, entry.prev], [device.epoch, device.seq + 1, device.head], "place in the chain")
        receipt = rules.receipt_of(device.chain, entry, now, device.signed, device.enrolled)
        member, refused = self.admit(device, entry, now, receipt)
        held = known_from(entry, device.chain, device.epoch_start, device.enrolled, now)
        doubt = not refused and self.doubt(device, entry, held, now)
        zone, account = self.members.get(member, (None, None))
        if member is None:
            verdict, chain = {"rejected": {"reason": refused}}, rules.count(device.chain, entry, now, receipt)
        elif refused:
            verdict, chain = rules.reject(account, device.chain, entry, refused, now, receipt)
        else:
            place = place_of(device, entry)
            verdict, chain = rules.settle(
                account, device.chain, zone, self.policies, place, entry, now, receipt, doubt
            )
        self.origins.add((device.vehicle, entry.original))
        if "rejected" not in verdict and entry.evidence is not None and not doubt:
            self.uses.append(Use(device, entry, held, now))
        if "rejected" not in verdict and entry.opening and not doubt:
            self.meters.append((device.vehicle, Opened(entry, held, now)))
        device.chain, device.seq, device.head = chain, entry.seq, entry.hash
        device.signed.add(now)
        same(verdict, step["verdict"], "verdict")
        same(chain, step["chain"], "chain")
        for id, (_, account) in self.members.items():
            same(shown(account), step["accounts"][id.hex()], "account")

    def admit(self, device, entry, now, receipt):
        """Section 7.3."""
        bound = self.bindings.get(entry.binding)
        if bound is None or bound[2] != device.id:
            return None, "no-binding"
        member = bound[3]
        if entry.receipt_at > now and not entry.carried and entry.receipt_at not in device.signed:
            return member, "implausible"
        held = entry.receipt_at if entry.receipt_at <= now else receipt
        if not min(bound[5], now) <= min(max(entry.time * 60, held), now) < bound[6]:
            return member, "binding-not-valid"
        if entry.policy not in self.policies:
            return member, "unknown-policy"
        if not rules.plausible(entry, self.policies[entry.policy]):
            return member, "implausible"
        if entry.carried and (device.vehicle, entry.original) in self.origins:
            return member, "already-recorded"
        if entry.opening:
            for opened in self.meters_of(device):
                same_meter = (opened.meter, opened.number) == (entry.opening[1], entry.opening[2])
                if same_meter and opened.origin != entry.original:
                    return member, "already-recorded"
        if entry.evidence is not None:
            _, begin, end = entry.interval()
            for use in self.uses:
                if (use.vehicle, (use.meter, use.number)) == (device.vehicle, entry.meter()) and begin < use.end and use.begin < end:
                    return member, "already-paid"
        return member, None

    def doubt(self, device, entry, held, now):
        """Section 8: what waits for an operator."""
        if entry.opening:
            opened, most = Opened(entry, held, now), rules.in_force(self.policies, now).meters_per_year
            vehicle = [other for other in self.uses if other.vehicle == device.vehicle]
            return opening_in_doubt(entry, opened, vehicle, self.meters_of(device), device.enrolled, most, now)
        if entry.evidence is None:
            return False
        use, model = Use(device, entry, held, now), self.policies[entry.policy].score
        vehicle = [other for other in self.uses if other.vehicle == use.vehicle]
        return in_doubt(entry, use, vehicle, self.meters_of(device), device.enrolled, model, now)

    def meters_of(self, device):
        return [opened for vehicle, opened in self.meters if vehicle == device.vehicle]

    def maintain(self, step, now):
        zone, account = self.members[bytes.fromhex(step["member"])]
        rows = rules.maintain(account, self.policies, zone, now)
        wanted = [(next(iter(row["cause"])), row["points"]) for row in step["settlements"]]
        same(rows, wanted, "settlements")
        same(shown(account), step["account"], "account")

    # Reading.

    def device(self, step):
        return self.devices[bytes.fromhex(step["device"])]

    def entry(self, step):
        raw, device = bytes.fromhex(step["entry"]), self.device(step)
        if raw not in self.read:
            body = wire.verify(raw, device.key, "dashpoint/entry/v1", device.id)
            self.read[raw] = Entry(body, wire.digest(raw))
        return self.read[raw]

    def signed(self, text, kind, scope=b""):
        return wire.verify(bytes.fromhex(text), self.key, f"dashpoint/{kind}/v1", scope)


def place_of(device, entry):
    return {"device": device.id.hex(), "epoch": entry.epoch, "seq": entry.seq}


def read_chain(chain):
    return {"cap_time": chain[1], "receipt_at": chain[2], "entries": chain[3], "points": chain[4]}


def read_account(account):
    reasons = {1: "over-allowance", 2: "estimated", 3: "forked", 4: "evidence"}
    return {
        "version": account[1],
        "lots": [{"id": lot[1], "points": lot[2], "remaining": lot[3], "expires": lot[4]} for lot in account[2]],
        "arrears": account[3],
        "growth": account[4],
        "growth_in_period": account[5],
        "tier": {"tier": account[6][1], "since": account[6][2], "until": account[6].get(3)},
        "used": account[7],
        "remainders": {rule: {"points": left[1], "growth": left[2]} for rule, left in account[8].items()},
        "pending": [
            {
                "entry": {"device": held[1][1].hex(), "epoch": held[1][2], "seq": held[1][3]},
                "paid": {"points": held[2][1], "growth": held[2][2]},
                "reason": reasons[held[3]],
                "until": held[4],
                "expires": held[5],
            }
            for held in account[9]
        ],
    }


def shown(account):
    """An account as the files have it: with its balance, and days as text."""
    used = {cap: {str(day): milli for day, milli in days.items()} for cap, days in account["used"].items()}
    return {**account, "used": used, "balance": sum(lot["remaining"] for lot in account["lots"])}


def same(found, wanted, what):
    if found != wanted:
        raise AssertionError(f"{what}\n  computed {found}\n  expected {wanted}")


def check(vector):
    if "newer" in vector:
        for case in vector["newer"]:
            key, scope = bytes.fromhex(case["key"]), bytes.fromhex(case["scope"])
            try:
                body = wire.verify(bytes.fromhex(case["raw"]), key, case["context"], scope)
                taken = True
                if "rules" in case:
                    same([rule for rule, *_ in Policy(body).rules], case["rules"], "rules that are evaluated")
            except wire.Refused as refused:
                taken = "the unknown key" not in str(refused) and str(refused)
            same(taken, case["taken"], f"{case['of']} with an unknown key")
        return f"{len(vector['newer'])} signed things with an unknown key"
    if "expressions" in vector:
        for case in vector["expressions"]:
            same(outcome(case, vector["fields"][case["on"]]), case["outcome"], f"{case['on']} {case['points']!r}")
        return f"{len(vector['expressions'])} expressions"
    story = Story(vector)
    story.run()
    return f"{len(story.steps)} steps, {sum(step['step'] == 'arrive' for step in story.steps)} verdicts"


def outcome(case, fields):
    """What an expression for `points` gives."""
    try:
        expression = Expression(case["points"], rules.FIELDS[case["on"]], "int")
    except NotInProfile:
        return "refused"
    try:
        points = expression.value(fields)
    except NoValue:
        return "nothing"
    return points if 0 <= points <= 10**9 else "nothing"


def main(arguments):
    paths = [Path(argument) for argument in arguments] or VECTORS
    files = [file for path in paths for file in (sorted(path.glob("*.json")) if path.is_dir() else [path])]
    if not files:
        print("no vectors found", file=sys.stderr)
        return 1
    failed = False
    for file in files:
        vector = json.loads(file.read_text())
        try:
            print(f"{file.stem}: {check(vector)}, all computed again")
        except AssertionError as error:
            failed = True
            print(f"{file.stem}: {error}", file=sys.stderr)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
