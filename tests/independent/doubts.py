"""Evidence in doubt: what waits for an operator (section 8 of PROTOCOL.md)."""

from itertools import accumulate

DAY_S = 86_400
GRAIN_S = 300
METER = {"trip": 1, "charge": 2, "discharge": 3}


class Use:
    """One trip or session of a vehicle that claims a stretch of a meter, with its times."""

    def __init__(self, device, entry, known_from, now):
        self.device, self.vehicle, self.trigger = device.id, device.vehicle, entry.trigger
        self.meter, self.begin, self.end = entry.interval()
        self.number = entry.meter()[1]
        self.units = self.end - self.begin
        self.receipt_at, self.arrived = known_from, now
        said = entry.evidence
        started = said.get(2)
        self.ended = entry.time * 60
        self.started = self.ended if started is None else started * 60
        self.trusted = entry.quality != 3
        trip = entry.trigger == "trip"
        one_clock = trip or entry.receipt_at <= self.started or self.ended - self.started <= 10_800
        self.sure = self.trusted and self.started <= self.ended and one_clock
        self.ahead = self.ended > now + 900
        self.lasted = lasted(said) if trip else 0
        self.excess = excess(said, self) if trip else (0, 0)


def known_from(entry, chain, epoch_start, enrolled, now):
    """The newest receipt that the car is known to have held; `epoch_start` is the chain's state in the grant."""
    if entry.receipt_at > now:
        return min(enrolled, now)
    logged = (epoch_start if entry.carried else chain)["receipt_at"]
    return max(logged, entry.receipt_at) if logged <= now else entry.receipt_at


def lasted(trip):
    return driving_s(trip) + trip[4]


def driving_s(trip):
    return trip[9] * 60 if 9 in trip else trip[3]


class Opened:
    """A meter after the first of its quantity."""

    def __init__(self, entry, known_from, now):
        self.meter, self.number, self.last, self.first = (entry.opening[key] for key in (1, 2, 3, 4))
        self.origin, self.receipt_at, self.arrived = entry.original, known_from, now
        # A reading as of an entry.
        self.begin = self.end = self.first


def opening_in_doubt(entry, opened, vehicle, meters, enrolled, most, now):
    """Whether the opening of a meter waits for an operator (7.14); `meters` are those of the vehicle that are open."""
    of_quantity = [other for other in meters if other.meter == opened.meter]
    before = [other for other in vehicle if (other.meter, other.number) == (opened.meter, opened.number - 1)]
    known = before or [other for other in of_quantity if other.number == opened.number - 1]
    highest = max(known, key=lambda other: other.end, default=None)
    since = entry.opening[5] * 60
    trusted = entry.quality != 3

    def may_rise(at):
        if opened.meter == METER["trip"]:
            return reach(at, now)
        return 250_000 + passed(at, now) * 1_000_000 // DAY_S

    if highest:
        at = highest.receipt_at if highest.receipt_at <= now else min(enrolled, now)
        if not highest.end <= opened.last <= highest.end + may_rise(at):
            return True
    return (
        opened.number != max([1] + [other.number for other in of_quantity]) + 1
        or sum(other.arrived > now - 366 * DAY_S for other in of_quantity) >= most
        or entry.time * 60 - since < DAY_S
        or (trusted and enrolled <= now and since + 11_100 < enrolled)
        or opened.last <= opened.first <= opened.last + may_rise(opened.receipt_at)
        or (trusted and any(other.sure and not other.ahead and other.started > since + GRAIN_S for other in before))
    )


def in_doubt(entry, use, vehicle, meters, enrolled, model, now):
    """Whether an admissible entry waits for an operator; `vehicle` are the earlier uses of the same vehicle, `meters` those of its
    meters that were opened."""
    of_quantity = [opened for opened in meters if opened.meter == use.meter]
    opened = next((opened for opened in of_quantity if opened.number == use.number), None)
    if use.number > 1 and opened is None or opened and use.begin < opened.first:
        return True
    if use.started > use.ended or use.lasted > use.ended - use.started + 600:
        return True
    if before_enrolment(entry, use, enrolled, now) or at_once(use, vehicle):
        return True
    quantity = [other for other in vehicle if other.meter == use.meter]
    earlier = [other for other in quantity if other.number == use.number]
    window = min(use.receipt_at, now - DAY_S)
    lately = [other for other in quantity if window <= other.receipt_at <= now]
    known = [other.end for other in earlier if other.arrived <= use.receipt_at]
    below = max((other for other in earlier if other.end <= use.begin), key=lambda other: other.end, default=opened)
    below_at = below and (below.receipt_at if below.receipt_at <= now else min(enrolled, now))
    if entry.trigger == "trip":
        trip = entry.evidence
        return (
            trip_alone(trip, use, model)
            or too_much_together(use, lately)
            or late_hours(entry, trip, model)
            or any(use.begin < reading for reading in known)
            or too_far_ahead(use, earlier, opened, below, below_at, now)
            or (of_quantity and use.units + sum(other.units for other in lately) > reach(window, now))
            or too_busy(use, lately, window, enrolled, now)
        )
    since = below_at if below else enrolled
    begin = min(below.end, use.begin) if below else use.begin
    return (
        any(use.begin < reading for reading in known)
        or too_much_power(entry, use)
        or use.units > 250_000 + (0 if 2 in entry.evidence else unseen(since, now))
        or use.end - begin > 250_000 + passed(since, now) * 1_000_000 // DAY_S
        or any(
            of_meter(use.meter, vehicle, start, now) + use.units > room(use, vehicle, start, start, now)
            for start in (window, min(window, now - 7 * DAY_S))
        )
        or sum(other.units for other in own(use, lately)) + use.units > room(use, vehicle, window, enrolled, now)
    )


def before_enrolment(entry, use, enrolled, now):
    most = 11_100 if entry.trigger == "trip" else 173_100
    return use.trusted and enrolled <= now and (use.started + most < enrolled or use.ended + 11_100 < enrolled)


def too_much_power(entry, use):
    if 2 not in entry.evidence:
        return False
    watts = 43_000 if entry.trigger == "charge" and entry.evidence[5] == 1 else 1_000_000
    return use.units > (use.ended - use.started + 600) * watts // 3_600 + 2_000


def unseen(since, now):
    return min(70_000, passed(since, now) * 20_000 // DAY_S)


def of_meter(meter, vehicle, start, now):
    return sum(other.units for other in vehicle if other.meter == meter and start <= other.receipt_at <= now)


def room(use, vehicle, start, since, now):
    """The energy that sessions may have since a time, by what the vehicle has said since `start`."""
    charges = use.trigger == "charge"
    road = of_meter(METER["trip"], vehicle, start, now) * 500 // 1_000 if charges else 0
    other = of_meter(METER["discharge" if charges else "charge"], vehicle, start, now)
    return 250_000 + passed(since, now) * 70_000 // DAY_S + road + other


def trip_alone(trip, use, model):
    metres, driving_ms = use.end - use.begin, driving_s(trip) * 1_000
    return (
        metres * 3_600 > use.lasted * 250_000
        or max(use.excess) > 2_000
        or any(saw_too_little(seen[1], seen[3], driving_ms, model[5][2]) for seen in trip[8])
    )


def saw_too_little(factor, base, driving_ms, brake_soft_mg):
    if factor == 1 and driving_ms >= 3_600_000 and brake_soft_mg <= 100:
        return base < 1_000
    if factor <= 3:
        return 0 < base < 10
    if factor <= 5:
        return base * 10 < driving_ms * 9
    return base < min(60_000, driving_ms)


def excess(trip, use):
    """Energy regained and energy used beyond what the road gives and takes, in Wh."""
    metres = use.end - use.begin
    return trip[6] - trip[5] - min(metres, 55_000), trip[5] - metres - use.lasted * 10_000 // 3_600


def too_much_together(use, lately):
    """Every row of trips that ends with, begins with or contains this one keeps to the steps of a counter."""
    def place(other):
        return other.number, other.begin

    in_order = sorted(lately, key=place)
    rows = [other for other in reversed(in_order) if place(other) < place(use)]
    rows = rows, [other for other in in_order if place(other) >= place(use)]
    for kind, own in enumerate(use.excess):
        sums = [list(accumulate((other.excess[kind] for other in row), initial=0)) for row in rows]
        if own > 0 and own + sum(map(max, sums)) > 2_000:
            return True
    return False


def late_hours(entry, trip, model):
    begin, end = trip[2] * 60 + GRAIN_S, entry.time * 60
    span = max(0, end - begin)
    if span > lasted(trip) + 10_800:
        return False
    weights = {late[1]: late[2] for late in model[6]}
    hours = [(at + entry.offset * 60) % DAY_S // 3_600 for at in range(begin, end, 60)]
    least = sum(weights.get(hour, 0) * 600 for hour in hours) - max(0, span - driving_s(trip)) * 1_000
    said = next((seen[2] for seen in trip[8] if seen[1] == 4), 0)
    return least > 300_000 and said < max(0, least) // 2


def too_far_ahead(use, earlier, opened, below, below_at, now):
    if below and use.begin > below.end + reach(below_at, now):
        return True
    if not earlier and not opened:
        return False
    old = [other for other in earlier if other.arrived <= now - DAY_S]
    if old:
        before = max(old, key=lambda other: other.end)
        at = before.end
    elif opened:
        before, at = opened, opened.first
    else:
        before = min(earlier, key=lambda other: other.end)
        at = before.begin
    return use.end > at + reach(min(before.receipt_at, now - DAY_S), now)


def too_busy(use, lately, window, enrolled, now):
    seconds = [other.lasted for other in lately] + [use.lasted]
    return (
        use.lasted > passed(enrolled, now) + 10_800
        or use.lasted + sum(other.lasted for other in own(use, lately)) > passed(enrolled, now) + 21_600
        or sum(seconds) - max(seconds) > passed(window, now) + 10_800
    )


def at_once(use, vehicle):
    if not use.sure:
        return False
    comparable = [
        other
        for other in vehicle
        if other.sure and other.ahead == use.ahead and (not use.ahead or other.device == use.device)
    ]
    same = [overlap(use, other) for other in comparable if other.meter == use.meter]
    same = [seconds for seconds in same if seconds]
    trips = METER["trip"]
    if use.meter == trips:
        beside = sum(overlap(use, other) for other in comparable if other.meter != trips) - stood(use)
    else:
        beside = sum(max(0, overlap(use, other) - stood(other)) for other in comparable if other.meter == trips)
    return len(same) >= 2 or sum(same) >= 3_600 or beside >= 1_800


def overlap(one, other):
    seconds = min(other.ended, one.ended) - max(other.started, one.started)
    return seconds - GRAIN_S if seconds > 2 * GRAIN_S else 0


def stood(trip):
    """How long a trip was not driven, of what was seen of it."""
    return max(0, trip.ended - trip.started - trip.lasted)


def own(use, lately):
    return [other for other in lately if other.device == use.device]


def passed(since, now):
    return max(0, now - since)


def reach(since, now):
    return 50_000 + passed(since, now) * 4_000_000 // DAY_S
