"""Ed25519 after RFC 8032, section 5.1: verifying, and signing for the self-tests.

Written for clarity, not for secrets: nothing here runs in constant time.
"""

import hashlib

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
SQRT_MINUS_ONE = pow(2, (P - 1) // 4, P)

# Points are in extended coordinates (X, Y, Z, T): x = X/Z, y = Y/Z, x*y = T/Z.
NEUTRAL = (0, 1, 1, 0)


def add(left, right):
    a = (left[1] - left[0]) * (right[1] - right[0]) % P
    b = (left[1] + left[0]) * (right[1] + right[0]) % P
    c = 2 * left[3] * right[3] * D % P
    d = 2 * left[2] * right[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def negate(point):
    return (P - point[0], point[1], point[2], P - point[3])


def encode(point):
    inverse = pow(point[2], -1, P)
    x, y = point[0] * inverse % P, point[1] * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def decode(encoded):
    """The point of 32 bytes, or None (section 5.1.3)."""
    number = int.from_bytes(encoded, "little")
    sign, y = number >> 255, number & (1 << 255) - 1
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square:
        x = x * SQRT_MINUS_ONE % P
    if x * x % P != square or (x == 0 and sign == 1):
        return None
    if x & 1 != sign:
        x = P - x
    return (x, y, 1, x * y % P)


def windows(point):
    """For each of 64 hexadecimal digits the 15 multiples of the point at that place."""
    table = []
    for _ in range(64):
        row = [NEUTRAL]
        for _ in range(15):
            row.append(add(row[-1], point))
        table.append(row)
        point = add(row[-1], point)
    return table


def multiply(table, scalar):
    total = NEUTRAL
    for row in table:
        if scalar & 15:
            total = add(total, row[scalar & 15])
        scalar >>= 4
    return total


BASE = windows(decode((4 * pow(5, -1, P) % P).to_bytes(32, "little")))

_known_keys = {}


def _negated_windows(public_key):
    if public_key not in _known_keys:
        point = decode(public_key)
        _known_keys[public_key] = None if point is None else windows(negate(point))
    return _known_keys[public_key]


def _number(*parts):
    return int.from_bytes(hashlib.sha512(b"".join(parts)).digest(), "little")


def verify(public_key, message, signature):
    """Whether S*B - k*A is the point R of the signature (section 5.1.7)."""
    if len(public_key) != 32 or len(signature) != 64:
        return False
    table = _negated_windows(public_key)
    scalar = int.from_bytes(signature[32:], "little")
    if table is None or scalar >= ORDER:
        return False
    challenge = _number(signature[:32], public_key, message) % ORDER
    found = add(multiply(BASE, scalar), multiply(table, challenge))
    return encode(found) == signature[:32]


def _expand(seed):
    digest = hashlib.sha512(seed).digest()
    scalar = int.from_bytes(digest[:32], "little")
    scalar &= (1 << 254) - 8
    return scalar | 1 << 254, digest[32:]


def public_key_of(seed):
    return encode(multiply(BASE, _expand(seed)[0] % ORDER))


def sign(seed, message):
    scalar, prefix = _expand(seed)
    public_key = public_key_of(seed)
    nonce = _number(prefix, message) % ORDER
    commitment = encode(multiply(BASE, nonce))
    challenge = _number(commitment, public_key, message) % ORDER
    return commitment + ((nonce + challenge * scalar) % ORDER).to_bytes(32, "little")
