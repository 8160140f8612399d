"""Bytes of the protocol (sections 1 to 3 of PROTOCOL.md): deterministic CBOR, Ed25519, COSE_Sign1."""

import hashlib


class Refused(Exception):
    """Bytes that are not what they have to be."""


# --- CBOR, section 1 ------------------------------------------------------------------------------------------------


def encode(value):
    """Writes the one accepted encoding."""
    if value is True or value is False:
        return bytes([0xF5 if value else 0xF4])
    if isinstance(value, int):
        return head(0, value) if value >= 0 else head(1, -1 - value)
    if isinstance(value, bytes):
        return head(2, len(value)) + value
    if isinstance(value, str):
        text = value.encode()
        return head(3, len(text)) + text
    if isinstance(value, list):
        return head(4, len(value)) + b"".join(encode(item) for item in value)
    if isinstance(value, dict):
        pairs = sorted((encode(key), encode(item)) for key, item in value.items())
        return head(5, len(pairs)) + b"".join(key + item for key, item in pairs)
    raise Refused(f"no CBOR of this protocol: {value!r}")


def head(major, number):
    if number < 24:
        return bytes([major << 5 | number])
    for extra, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if number < 1 << 8 * size:
            return bytes([major << 5 | extra]) + number.to_bytes(size, "big")
    raise Refused("a number past 64 bits")


def decode(data):
    """Reads one item that is all of the bytes, and refuses whatever it would have written differently."""
    value, rest = item(data, 0)
    if rest != len(data) or encode(value) != data:
        raise Refused("not the accepted encoding")
    return value


def item(data, at):
    if at >= len(data):
        raise Refused("the bytes end early")
    major, extra = data[at] >> 5, data[at] & 31
    at += 1
    if major == 7:
        if extra not in (20, 21):
            raise Refused("a value that is not in the protocol")
        return extra == 21, at
    if extra >= 28:
        raise Refused("a length that is not in the protocol")
    if extra >= 24:
        size = 1 << extra - 24
        number, at = int.from_bytes(data[at : at + size], "big"), at + size
    else:
        number = extra
    if major == 0:
        return number, at
    if major == 1:
        return -1 - number, at
    if major in (2, 3):
        part = data[at : at + number]
        if len(part) != number:
            raise Refused("the bytes end early")
        return (part if major == 2 else part.decode()), at + number
    if major == 4:
        items = []
        for _ in range(number):
            value, at = item(data, at)
            items.append(value)
        return items, at
    if major == 5:
        pairs = {}
        for _ in range(number):
            key, at = item(data, at)
            pairs[key], at = item(data, at)
        return pairs, at
    raise Refused("a tag inside of a body")


# --- Keys of what a device signs, sections 1 and 10 -----------------------------------------------------------------

# A map is a dict of its keys, an array a list of the shape of its items, a choice a tuple of the shapes by number;
# None is a value without maps in it.
def fields(*keys, **shapes):
    return {**dict.fromkeys(keys), **{int(key[1:]): shape for key, shape in shapes.items()}}


INTERVAL = fields(1, 2, 3, 4)
AWARDS = [fields(1, 2, 3, 4)]
TRIP = fields(2, 3, 4, 5, 6, 7, 9, 10, 11, _1=INTERVAL, _8=[fields(1, 2, 3)])
EVIDENCE = ("choice", {1: TRIP, 2: fields(2, 3, 4, 5, _1=INTERVAL), 3: fields(2, _1=INTERVAL)})
TRANSACTION = ("choice", {1: fields(2, _1=EVIDENCE, _3=AWARDS), 2: fields(1, _2=AWARDS), 3: fields(1, 2, 3, 4, 5)})
BODY = ("choice", {1: TRANSACTION, 2: fields(1, _2=TRANSACTION)})
STRICT = {
    "dashpoint/entry/v1": fields(0, 1, 2, 3, 4, 6, 7, _5=fields(1, 2, 3), _8=BODY),
    "dashpoint/token/v1": fields(0, 1, 2, 3, 4, 5),
}


def check_keys(value, shape):
    """Refuses a key that the tables do not have."""
    if isinstance(shape, dict):
        for key, inner in value.items():
            if key not in shape:
                raise Refused(f"the unknown key {key}")
            check_keys(inner, shape[key])
    elif isinstance(shape, list):
        for inner in value:
            check_keys(inner, shape[0])
    elif shape is not None and isinstance(value, list):
        check_keys(value[1], shape[1][value[0]])


# --- Ed25519 (RFC 8032, 5.1) ----------------------------------------------------------------------------------------

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
ROOT = pow(2, (P - 1) // 4, P)


def add(one, two):
    a = (one[1] - one[0]) * (two[1] - two[0]) % P
    b = (one[1] + one[0]) * (two[1] + two[0]) % P
    c = 2 * one[3] * two[3] * D % P
    d = 2 * one[2] * two[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(number, point):
    result = (0, 1, 1, 0)
    while number:
        if number & 1:
            result = add(result, point)
        point = add(point, point)
        number >>= 1
    return result


def equal(one, two):
    return (one[0] * two[2] - two[0] * one[2]) % P == 0 and (one[1] * two[2] - two[1] * one[2]) % P == 0


def point(data):
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & ((1 << 255) - 1)
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT % P
    if y >= P or (x * x - square) % P or (x == 0 and sign):
        raise Refused("no point of the curve")
    if x & 1 != sign:
        x = P - x
    return x, y, 1, x * y % P


BASE = point((4 * pow(5, -1, P) % P).to_bytes(32, "little"))


def check_signature(key, message, signature):
    scalar = int.from_bytes(signature[32:], "little")
    if len(signature) != 64 or scalar >= ORDER:
        raise Refused("no signature")
    challenge = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % ORDER
    if not equal(times(scalar, BASE), add(point(signature[:32]), times(challenge, point(key)))):
        raise Refused("the signature does not fit")


# --- Signed things, sections 2 and 3 --------------------------------------------------------------------------------


def verify(raw, key, context, scope):
    """The body of a signed thing: verified over the raw bytes, then read."""
    if raw[:1] != b"\xd2":
        raise Refused("no COSE_Sign1")
    parts = decode(raw[1:])
    protected = encode({1: -19, 4: hashlib.sha256(key).digest()[:8]})
    if not isinstance(parts, list) or len(parts) != 4 or parts[0] != protected or parts[1] != {}:
        raise Refused("another form or another key")
    signed = encode(["Signature1", protected, encode([context, scope]), parts[2]])
    check_signature(key, signed, parts[3])
    body = decode(parts[2])
    # What the cloud signs may have keys that a reader does not know; what a device signs may not.
    check_keys(body, STRICT.get(context))
    if context not in ("dashpoint/policy/v1", "dashpoint/catalogue/v1") and scope not in (body[1], body.get(2)):
        # An entry does not name its device: there the scope alone does.
        if context != "dashpoint/entry/v1":
            raise Refused("the body names another device or member than the scope")
    if body[0] != 1:
        raise Refused("another version")
    return body


def digest(raw):
    """The hash of a signed thing."""
    return hashlib.sha256(raw).digest()
