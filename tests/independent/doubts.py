"""Evidence in doubt: what waits for an operator (section 8 of PROTOCOL.md)."""

DAY_S = 86_400
GRAIN_S = 300


class Use:
    """One trip or session of a vehicle that claims a stretch of a meter, with its times."""

    def __init__(self, device, entry, known_from, now):
        self.device, self.vehicle, self.trigger = device.id, device.vehicle, entry.trigger
        self.meter, self.begin, self.end = entry.interval()
        self.receipt_at, self.arrived = known_from, now
        said = entry.evidence
        started = said.get(2)
        self.ended = entry.time * 60
        self.started = self.ended if started is None else started * 60
        self.trusted = entry.quality != 3
        trip = entry.trigger == "trip"
        one_clock = trip or entry.receipt_at <= self.started or self.ended - self.started <= 10_800
        self.sure = self.trusted and self.started <= self.ended <= now and one_clock
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


def in_doubt(entry, use, earlier, enrolled, model, now):
    """Whether an admissible entry waits for an operator; `earlier` are the uses of the same vehicle and meter."""
    if use.trusted and (use.started > use.ended or use.lasted > use.ended - use.started + 600):
        return True
    window = min(use.receipt_at, now - DAY_S)
    lately = [other for other in earlier if window <= other.receipt_at <= now]
    known = [other.end for other in earlier if other.arrived <= use.receipt_at]
    below = max((other for other in earlier if other.end <= use.begin), key=lambda other: other.end, default=None)
    below_at = below and (below.receipt_at if below.receipt_at <= now else min(enrolled, now))
    if entry.trigger == "trip":
        trip = entry.evidence
        return (
            trip_alone(trip, use)
            or too_much_together(use, lately)
            or (use.trusted and use.started + 11_100 < enrolled <= now)
            or late_hours(entry, trip, model)
            or any(use.begin < reading for reading in known)
            or too_far_ahead(use, earlier, below, below_at, now)
            or too_busy(use, lately, window, enrolled, now)
            or at_once(use, earlier)
        )
    since = below_at if below else enrolled
    one_most = 250_000 if 2 in entry.evidence else energy(since, now)
    begin = min(below.end, use.begin) if below else use.begin
    units = use.end - use.begin
    return (
        any(use.begin < reading for reading in known)
        or at_once(use, earlier)
        or units > one_most
        or use.end - begin > energy(since, now)
        or sum(other.end - other.begin for other in lately) + units > energy(window, now)
        or sum(other.end - other.begin for other in own(use, lately)) + units > energy(enrolled, now)
    )


def trip_alone(trip, use):
    metres, driving_ms = use.end - use.begin, driving_s(trip) * 1_000
    return (
        metres * 3_600 > use.lasted * 250_000
        or max(use.excess) > 2_000
        or any(0 < seen[3] < 10 if seen[1] <= 3 else seen[3] * 20_000 < driving_ms for seen in trip[8])
    )


def excess(trip, use):
    """Energy regained and energy used beyond what the road gives and takes, in Wh."""
    metres = use.end - use.begin
    return trip[6] - trip[5] - metres, trip[5] - metres - use.lasted * 10_000 // 3_600


def too_much_together(use, lately):
    return any(
        own > 0 and own + sum(other.excess[kind] for other in lately) > 2_000 for kind, own in enumerate(use.excess)
    )


def late_hours(entry, trip, model):
    begin, end = trip[2] * 60 + GRAIN_S, entry.time * 60
    span = max(0, end - begin)
    if entry.quality == 3 or span > lasted(trip) + 10_800:
        return False
    weights = {late[1]: late[2] for late in model[6]}
    hours = [(at + entry.offset * 60) % DAY_S // 3_600 for at in range(begin, end, 60)]
    least = sum(weights.get(hour, 0) * 600 for hour in hours) - max(0, span - driving_s(trip)) * 1_000
    said = next((seen[2] for seen in trip[8] if seen[1] == 4), 0)
    return least > 300_000 and said < max(0, least) // 2


def too_far_ahead(use, earlier, below, below_at, now):
    if below and use.begin > below.end + reach(below_at, now):
        return True
    if not earlier:
        return False
    old = [other for other in earlier if other.arrived <= now - DAY_S]
    if old:
        before = max(old, key=lambda other: other.end)
        at = before.end
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


def at_once(use, earlier):
    together = [
        min(other.ended, use.ended) - max(other.started, use.started)
        for other in earlier
        if other.sure and use.sure
    ]
    overlaps = [overlap - GRAIN_S for overlap in together if overlap > 2 * GRAIN_S]
    return len(overlaps) >= 2 or sum(overlaps) >= 3_600


def own(use, lately):
    return [other for other in lately if other.device == use.device]


def passed(since, now):
    return max(0, now - since)


def reach(since, now):
    return 50_000 + passed(since, now) * 4_000_000 // DAY_S


def energy(since, now):
    return 250_000 + passed(since, now) * 1_000_000 // DAY_S
