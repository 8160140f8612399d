"""What is paid (section 7 of PROTOCOL.md) and what evidence must hold (section 8)."""

import copy
from datetime import date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

from profile import Expression, NotInProfile, NoValue, MAX, MIN

DAY_S = 86_400
EPOCH = date(1970, 1, 1)
FACTORS = {
    1: "hard_braking",
    2: "aggressive_turning",
    3: "unsafe_following",
    4: "late_night",
    5: "excessive_speed",
    6: "unbuckled",
}
TRIGGERS = {1: "trip", 2: "charge", 3: "discharge", 4: "check-in"}
# The rule profile that this implementation has.
PROFILE = 2
PERIODS = {1: "day", 2: "week", 3: "month", 4: "year"}
GRADES = {1: "metered", 2: "declared", 3: "estimated"}
CURRENTS = {1: "ac", 2: "dc", 3: "unknown"}
STARTS = ("start_hour", "start_minute", "start_weekday", "start_month")
FIELDS = {
    "trip": {
        **dict.fromkeys(
            "distance_m driving_min driving_s missed_s used_wh regained_wh net_wh score_x100 co2_avoided_g observed_factors".split(), "int"
        ),
        **{f"{factor}_observed": "bool" for factor in FACTORS.values()},
        **{f"{factor}_s": "int" for factor in FACTORS.values()},
        "assisted_percent": "int",
        "braking_resolution_s": "int",
        **dict.fromkeys(STARTS, "int"),
        "assistance_observed": "bool",
    },
    "charge": {
        "energy_wh": "int",
        "renewable_permille": "int",
        "renewable_wh": "int",
        "grade": "grade",
        "current": "current",
        "reconstructed": "bool",
        **dict.fromkeys(STARTS, "int"),
    },
    "discharge": {"energy_wh": "int", "reconstructed": "bool", **dict.fromkeys(STARTS, "int")},
    "check-in": {},
}

# Fields of trips that profile 1 does not have.
OF_PROFILE_2 = {
    *STARTS,
    *(f"{factor}_s" for factor in FACTORS.values()),
    "assisted_percent",
    "assistance_observed",
    "braking_resolution_s",
}


# --- 7.1 Times and days ---------------------------------------------------------------------------------------------


class Zone:
    def __init__(self, name):
        self.zone = ZoneInfo(name)

    def day(self, instant):
        local = datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=instant)
        return (local.astimezone(self.zone).date() - EPOCH).days

    def begin(self, day):
        midnight = datetime.combine(EPOCH + timedelta(days=day), datetime.min.time(), self.zone)
        return int(midnight.timestamp())

    def months_later(self, instant, months):
        day = EPOCH + timedelta(days=self.day(instant))
        months += day.year * 12 + day.month - 1
        first = date(months // 12, months % 12 + 1, 1)
        last = month_after(first) - timedelta(days=1)
        later = first.replace(day=min(day.day, last.day))
        return self.begin((later - EPOCH).days + 1)


def month_after(first):
    return date(first.year + first.month // 12, first.month % 12 + 1, 1)


def period(per, day):
    """First and last day of a period that contains a day."""
    at = EPOCH + timedelta(days=day)
    if per == "day":
        first, last = at, at
    elif per == "week":
        first = at - timedelta(days=at.weekday())
        last = first + timedelta(days=6)
    elif per == "month":
        first = at.replace(day=1)
        last = month_after(first) - timedelta(days=1)
    else:
        first, last = date(at.year, 1, 1), date(at.year, 12, 31)
    return (first - EPOCH).days, (last - EPOCH).days


# --- Policies -------------------------------------------------------------------------------------------------------


class Policy:
    def __init__(self, body):
        self.version, self.valid_from, self.valid_until, self.grace_s = body[1], body[2], body[3], body[4]
        self.rules = []
        for rule in body[7]:
            on = TRIGGERS.get(rule[2])
            if on is None:
                continue
            known = {name: kind for name, kind in FIELDS[on].items() if body.get(18, 1) >= 2 or name not in OF_PROFILE_2}
            try:
                expressions = [
                    Expression(rule[key], known, kind) for key, kind in ((4, "bool"), (5, "int"), (6, "int"))
                ]
            except NotInProfile:
                if body.get(18, 1) <= PROFILE:
                    raise
                continue
            self.rules.append((rule[1], on, expressions, rule[7]))
        self.caps = [(cap[1], cap[2], PERIODS[cap[3]], cap[4]) for cap in body[8]]
        self.score, self.carbon, self.tiers, self.expiry = body[9], body[10], body[13], body[14]
        self.hard, self.confirm_days, self.estimate_hold_days = body[16][2], body[16][3], body[17]
        self.meters_per_year = body[16].get(4, 1)


def in_force(policies, at):
    begun = [policy for policy in policies.values() if policy.valid_from <= at]
    return max(begun, key=lambda policy: policy.version) if begun else policies[min(policies)]


# --- 7.2 The chain --------------------------------------------------------------------------------------------------


def start(at):
    return {"cap_time": at, "receipt_at": at, "entries": 0, "points": 0}


def receipt_of(chain, entry, now, signed, enrolled):
    """The receipt that the entry is held to; the cloud has signed those of `signed` for the device."""
    last = chain["receipt_at"] if chain["receipt_at"] <= now else min(enrolled, now)
    if entry.receipt_at <= last:
        return entry.receipt_at
    return max(time for time in signed | {last} if time <= min(entry.receipt_at, now))


def advance(chain, entry, now, receipt=None):
    """The next state of the chain without what the entry earns, and what was made under the same receipt before it."""
    receipt = min(entry.receipt_at if receipt is None else receipt, now)
    held = entry.receipt_at if entry.receipt_at <= now else receipt
    event = min(max(entry.time * 60, held), now)
    right = {key: chain[key] for key in ("cap_time", "receipt_at") if chain[key] <= now + 3_600}
    cap_time = max(event, now - 92 * DAY_S, right.get("cap_time", event))
    fresh = "receipt_at" not in right or receipt > right["receipt_at"]
    minted = (0 if fresh else chain["points"], 0 if fresh else chain["entries"], event - receipt)
    after = {
        "cap_time": cap_time,
        "receipt_at": max(right.get("receipt_at", receipt), receipt),
        "entries": minted[1] + 1,
        "points": minted[0],
    }
    return after, minted


def count(chain, entry, now, receipt=None):
    """The next state of the chain for an entry that pays nothing here: what its device predicts counts."""
    after = advance(chain, entry, now, receipt)[0]
    after["points"] += max(0, sum(award[4] for award in entry.awards))
    return after


# --- Entries --------------------------------------------------------------------------------------------------------


class Entry:
    def __init__(self, body, hash_of_raw):
        self.hash = hash_of_raw
        self.epoch, self.seq, self.prev, self.binding = body[1], body[2], body[3], body[4]
        self.time, self.offset, self.quality = body[5][1], body[5][2], body[5][3]
        self.receipt_at, self.policy = body[6], body[7]
        number, said = body[8]
        self.carried = number == 2
        self.original = said[1] if self.carried else hash_of_raw
        number, said = said[2] if self.carried else said
        self.evidence = self.opening = None
        if number == 1:
            kind, self.evidence = said[1]
            self.trigger, self.awards = TRIGGERS[kind], said[3]
        elif number == 2:
            self.trigger, self.awards = "check-in", said[2]
        else:
            self.opening, self.trigger, self.awards = said, None, []

    def interval(self):
        return self.evidence and (self.evidence[1][1], self.evidence[1][2], self.evidence[1][3])

    def meter(self):
        """The quantity and the number of the meter that it claims; the first one when it says no number."""
        return self.evidence and (self.evidence[1][1], self.evidence[1].get(4, 1))


# --- 7.6 Fields -----------------------------------------------------------------------------------------------------


def driving_s(said):
    """The driving time of a trip in seconds: it states either minutes or, as before, seconds."""
    if (3 in said) == (9 in said):
        raise ValueError("a trip states its driving time once")
    return said[3] if 3 in said else 60 * said[9]


def facts(entry, policy):
    said = entry.evidence
    if entry.trigger == "trip":
        distance, net = length(said), said[5] - said[6]
        petrol, grid = clip(distance * policy.carbon[1]), clip(net * policy.carbon[2])
        seen = [factor[1] for factor in said[8]]
        against = {factor[1]: factor[2] for factor in said[8]}
        return {
            "distance_m": distance,
            "driving_min": -(-driving_s(said) // 60),
            "driving_s": driving_s(said),
            "missed_s": said[4],
            "used_wh": said[5],
            "regained_wh": said[6],
            "net_wh": net,
            "score_x100": said[7],
            "co2_avoided_g": clip(petrol - grid) // 1000,
            "observed_factors": len(seen),
            **{f"{name}_observed": number in seen for number, name in FACTORS.items()},
            **{f"{name}_s": against.get(number, 0) // 1_000 for number, name in FACTORS.items()},
            "assisted_percent": said.get(10, 0),
            "assistance_observed": 10 in said,
            "braking_resolution_s": said.get(11, 0),
            **local_start(entry),
        }
    if entry.trigger == "charge":
        energy = length(said)
        return {
            "energy_wh": energy,
            "renewable_permille": said[3],
            "renewable_wh": clip(energy * said[3]) // 1000,
            "grade": GRADES[said[4]],
            "current": CURRENTS[said[5]],
            "reconstructed": 2 not in said,
            **local_start(entry),
        }
    if entry.trigger == "discharge":
        return {"energy_wh": length(said), "reconstructed": 2 not in said, **local_start(entry)}
    return {}


def local_start(entry):
    """The local time at which it began, by the clock of the entry; -1 where nobody saw it."""
    minute = entry.evidence.get(2)
    if minute is None:
        return dict.fromkeys(STARTS, -1)
    local = datetime(1970, 1, 1) + timedelta(minutes=minute + entry.offset)
    return dict(zip(STARTS, (local.hour, local.minute, local.isoweekday(), local.month)))


def length(evidence):
    return clip(max(0, evidence[1][3] - evidence[1][2]))


def clip(number):
    return min(max(number, MIN), MAX)


# --- 7.7 From rules to points ---------------------------------------------------------------------------------------


def payments(policy, entry, account, day):
    """What each rule pays: its id, its millis, whole points and growth value, and the tightest cap."""
    values, paid = facts(entry, policy), []
    for rule, on, (when, points, growth), shadow in policy.rules:
        if on != entry.trigger or shadow:
            continue
        try:
            if not when.value(values):
                continue
            points, growth = points.value(values), growth.value(values)
        except NoValue:
            continue
        if not (0 <= points <= 10**9 and 0 <= growth <= 10**9) or points == growth == 0:
            continue
        paid.append(pay(policy, entry.trigger, rule, points, growth, account, day))
    return paid


def pay(policy, trigger, rule, points, growth, account, day):
    rooms = []
    for cap, over, per, most in policy.caps:
        if over == 3 or over == [1, rule] or over[0] == 2 and TRIGGERS[over[1]] == trigger:
            key = period(per, day)[0]
            used = account["used"].get(cap, {}).get(key, 0)
            rooms.append((most * 1000 - used, cap, key))
    paid, tightest = points, None
    if rooms:
        room, cap, _ = min(rooms, key=lambda room: room[0])
        paid = max(0, min(points, room))
        tightest = cap, paid < points
    if paid > 0:
        for _, cap, key in rooms:
            used = account["used"].setdefault(cap, {})
            used[key] = used.get(key, 0) + paid
    grown = growth if paid == points or points == 0 else growth * paid // points
    carried = account["remainders"].pop(rule, {"points": 0, "growth": 0})
    p, g = carried["points"] + paid, carried["growth"] + grown
    if p % 1000 or g % 1000:
        account["remainders"][rule] = {"points": p % 1000, "growth": g % 1000}
    given, whole = (paid, grown), {"points": p // 1000, "growth": g // 1000}
    return {"rule": rule, "raw": (points, growth), "given": given, **whole, "tightest": tightest}


def forget(account, policies, today):
    for cap in list(account["used"]):
        pers = [per for policy in policies.values() for known, _, per, _ in policy.caps if known == cap]
        per = max(pers, key=list(PERIODS.values()).index, default="year")
        kept = {day: used for day, used in account["used"][cap].items() if period(per, day)[1] >= today - 93}
        if kept:
            account["used"][cap] = kept
        else:
            del account["used"][cap]


# --- 7.4, 7.8 and 7.9 The verdict and what it does ------------------------------------------------------------------


def settle(account, chain, zone, policies, place, entry, now, receipt=None, doubt=False):
    """The verdict on an admissible entry; changes the account, gives the next state of the chain too."""
    if entry.policy not in policies:
        return reject(account, chain, entry, "unknown-policy", now, receipt)
    chain, minted = advance(chain, entry, now, receipt)
    cap_time = chain["cap_time"]
    policy = policies[entry.policy]
    if policy.valid_from > cap_time + 299 or cap_time > policy.valid_until + policy.grace_s:
        policy = in_force(policies, cap_time)
    before = copy.deepcopy({key: account[key] for key in ("used", "remainders")})
    parts = payments(policy, entry, account, zone.day(cap_time))
    if doubt:
        # Nothing of it moves before an operator has accepted it.
        account.update(before)
    forget(account, policies, zone.day(now))
    due = any(any(part["given"]) for part in parts) if doubt else any(part["points"] or part["growth"] for part in parts)
    chain["points"] += max(0, sum(part["points"] for part in parts))
    if doubt and entry.opening:
        due = True
    if doubt and due:
        parts = [shown(entry, part) for part in parts]
    paid = {key: sum(part[key] for part in parts) for key in ("points", "growth")}
    expires = expiry(policy, zone, cap_time)
    if expires <= now:
        expires = expiry(policy, zone, now)
    account["version"] += 1
    if held := due and held_back(policy, entry, minted, doubt):
        verdict = {"review": {"paid": paid, "reason": held[0], "until": now + held[1] * DAY_S}}
        account["pending"].append({"entry": place, **verdict["review"], "expires": expires})
        return verdict, chain
    reasons = adjustments(policy, entry, parts)
    verdict = {"adjusted": {"paid": paid, "reasons": reasons}} if reasons else {"accepted": {"paid": paid}}
    pay_in(account, paid["points"], expires)
    grow(account, paid["growth"], in_force(policies, now), zone, now)
    return verdict, chain


def shown(entry, part):
    """What the member saw of a payment in doubt: the prediction, where it is the payment without its thousandths or one more."""
    points, growth = part["given"]
    least, most = points // 1000, -(-points // 1000)
    award = next((award for award in entry.awards if award[1] == part["rule"]), None)
    if award is not None and (award[2], award[3]) == part["raw"]:
        least = min(max(award[4], least), most)
    return {**part, "points": least, "growth": growth // 1000}


def reject(account, chain, entry, reason, now, receipt=None):
    account["version"] += 1
    return {"rejected": {"reason": reason}}, count(chain, entry, now, receipt)


def held_back(policy, entry, minted, doubt):
    if doubt:
        return "evidence", policy.confirm_days
    points, entries, offline = minted
    hard = policy.hard
    if points >= hard[1] or entries >= hard[2] or offline >= hard[3] * DAY_S:
        return "over-allowance", policy.confirm_days
    if entry.trigger == "charge" and GRADES[entry.evidence[4]] == "estimated" and policy.estimate_hold_days > 0:
        return "estimated", policy.estimate_hold_days
    return None


def adjustments(policy, entry, parts):
    reasons = []
    other = {"policy": {"version": policy.version}} if policy.version != entry.policy else None
    for part in parts:
        award = next((award for award in entry.awards if award[1] == part["rule"]), None)
        predicted = award[4] if award else 0
        if part["points"] == predicted:
            continue
        tightest = part["tightest"]
        if award is None or (award[2], award[3]) != part["raw"]:
            reason = other or {"rule": {"rule": part["rule"]}}
        elif tightest and (tightest[1] or predicted < part["raw"][0] // 1000):
            reason = {"cap": {"cap": tightest[0]}}
        else:
            reason = {"remainder": {"rule": part["rule"]}}
        if reason not in reasons:
            reasons.append(reason)
    paid = [part["rule"] for part in parts]
    for award in entry.awards:
        reason = other or {"rule": {"rule": award[1]}}
        if award[1] not in paid and award[4] != 0 and reason not in reasons:
            reasons.append(reason)
    return reasons


def expiry(policy, zone, cap_time):
    kind, number = policy.expiry
    if kind == 1:
        return zone.months_later(cap_time, number)
    year = (EPOCH + timedelta(days=zone.day(cap_time))).year
    return zone.begin((date(year + number, 1, 1) - EPOCH).days)


def pay_in(account, points, expires):
    offset = min(points, account["arrears"])
    account["arrears"] -= offset
    rest = points - offset
    if rest <= 0:
        return
    for lot in account["lots"]:
        if lot["expires"] == expires and lot["remaining"] == lot["points"]:
            lot["points"] += rest
            lot["remaining"] += rest
            return
    account["lots"].append({"id": account["version"], "points": rest, "remaining": rest, "expires": expires})


# --- 7.10 and 7.11 Growth value, and what happens without an entry --------------------------------------------------


def reached(policy, growth):
    return max(place for place, tier in enumerate(policy.tiers[1]) if tier[3] <= growth)


def rank(policy, tier):
    return next((place for place, step in enumerate(policy.tiers[1]) if step[1] == tier), None)


def hold(account, policy, place, since, zone):
    until = zone.months_later(since, policy.tiers[2]) if place > 0 else None
    account["tier"] = {"tier": policy.tiers[1][place][1], "since": since, "until": until}


def grow(account, growth, policy, zone, now):
    account["growth"] += growth
    account["growth_in_period"] += growth
    to, present = reached(policy, account["growth"]), rank(policy, account["tier"]["tier"])
    if present is None or to > present:
        account["growth_in_period"] = 0
        hold(account, policy, to, now, zone)


def maintain(account, policies, zone, now):
    """Release, expiry, review of the tier; gives the kinds of the settlements and their points."""
    policy, rows = in_force(policies, now), []
    # An operator decides on evidence in doubt, and time does not.
    due = [held for held in account["pending"] if held["until"] <= now and held["reason"] != "evidence"]
    account["pending"] = [held for held in account["pending"] if held not in due]
    for held in due:
        account["version"] += 1
        expires = held["expires"] if held["expires"] > now else expiry(policy, zone, now)
        pay_in(account, held["paid"]["points"], expires)
        grow(account, held["paid"]["growth"], policy, zone, now)
        rows.append(("released", held["paid"]["points"]))
    for lot in sorted(account["lots"], key=lambda lot: (lot["expires"], lot["id"])):
        if lot["expires"] <= now:
            account["version"] += 1
            account["lots"].remove(lot)
            rows.append(("expired", -lot["remaining"]))
    while account["tier"]["until"] is not None and account["tier"]["until"] <= now:
        ended, growth = account["tier"]["until"], account["growth_in_period"]
        place = rank(policy, account["tier"]["tier"])
        if place is None:
            place = reached(policy, growth)
        elif growth < policy.tiers[1][place][3]:
            place = max(0, place - 1) if policy.tiers[3] == 1 else reached(policy, growth)
        account["version"] += 1
        account["growth"], account["growth_in_period"] = growth, 0
        hold(account, policy, place, ended, zone)
        rows.append(("tier-changed", 0))
    return rows


# --- 7.13 The score, and 8 What evidence must hold ------------------------------------------------------------------


def score_x100(model, factors):
    product = 1.0
    for factor in model[4]:
        seen = next((seen for seen in factors if seen[1] == factor[1]), None)
        if seen is None:
            percent = factor[4] / 1e8
        else:
            percent = 100.0 * seen[2] / seen[3] if seen[3] else 0.0
        product *= (factor[2] / 1e8) ** min(max(percent, 0.0), factor[3] / 1e8)
    score = model[1] / 1e8 - model[2] / 1e8 * (model[3] / 1e8) * product
    return int(100 * min(max(score, 0.0), 100.0) + 0.5)


def plausible(entry, policy):
    if entry.opening:
        return entry.opening[2] > 1 and max(entry.opening[3], entry.opening[4]) <= 10_000_000_000
    said = entry.evidence
    if said is None:
        return True
    meter, begin, end = entry.interval()
    if TRIGGERS[meter] != entry.trigger or not begin < end <= 10_000_000_000:
        return False
    if entry.trigger == "charge":
        return end - begin <= 2_000_000 and said[3] <= 1000
    if entry.trigger == "discharge":
        return end - begin <= 2_000_000
    lasted = driving_s(said) + said[4]
    energy = lasted * 1_000_000 // 3_600 + 1_000
    numbers = [factor[1] for factor in said[8]]
    return (
        lasted <= 259_200
        and (end - begin) * 9 <= lasted * 1_000
        and max(said[5], said[6]) <= energy
        and numbers == sorted(set(numbers))
        and all(seen[2] <= seen[3] <= (lasted + 1) * 1_000 for seen in said[8])
        and said.get(10, 0) <= 100
        and said[7] <= 10_000
        and abs(score_x100(policy.score, said[8]) - said[7]) <= 1
    )
