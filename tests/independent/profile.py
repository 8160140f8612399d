"""The rule profile (section 7.5 of PROTOCOL.md): reads an expression, checks its types, gives its value."""

import re

TOKEN = re.compile(r"[ \t\n\r]*(?:(0x[0-9a-f]+|[0-9]+)|([a-z_][a-z0-9_]*)|(\|\||&&|[<>=!]=|[-+*/%<>!?:(),]))")
CONSTANTS = {
    "metered": "grade",
    "declared": "grade",
    "estimated": "grade",
    "ac": "current",
    "dc": "current",
    "unknown": "current",
}
MIN, MAX = -(2**63), 2**63 - 1


class NotInProfile(Exception):
    """An expression that no policy may have."""


class NoValue(Exception):
    """A result outside of 64 bits, or a division by zero."""


class Expression:
    """One expression over fields, given as name and type; `value` wants the fields as name and value."""

    def __init__(self, source, fields, wanted):
        bounds(source)
        self.fields = fields
        self.tokens = tokens(source)
        self.at = 0
        kind, self.run = self.expr()
        if self.at != len(self.tokens) or kind != wanted:
            raise NotInProfile(f"{source!r} is not one expression that gives {wanted}")

    def value(self, values):
        return self.run(values)

    # Reading, one method for each line of the grammar. Each gives a type and a function of the fields.

    def peek(self):
        return self.tokens[self.at] if self.at < len(self.tokens) else None

    def take(self, *wanted):
        if self.peek() in wanted:
            self.at += 1
            return self.tokens[self.at - 1]
        return None

    def need(self, wanted):
        if not self.take(wanted):
            raise NotInProfile(f"{wanted} is missing before {self.peek()}")

    def expr(self):
        kind, condition = self.either()
        if not self.take("?"):
            return kind, condition
        demand(kind, "bool")
        yes_kind, yes = self.either()
        self.need(":")
        no_kind, no = self.expr()
        demand(no_kind, yes_kind)
        return yes_kind, lambda values: yes(values) if condition(values) else no(values)

    def either(self):
        return self.decided("||", self.both, True)

    def both(self):
        return self.decided("&&", self.relation, False)

    def decided(self, operator, below, decisive):
        kind, left = below()
        while self.take(operator):
            demand(kind, "bool")
            other, right = below()
            demand(other, "bool")
            left = decide(left, right, decisive)
        return kind, left

    def relation(self):
        kind, left = self.sum()
        while operator := self.take("<", "<=", ">", ">=", "==", "!="):
            other, right = self.sum()
            demand(other, kind)
            if operator not in ("==", "!="):
                demand(kind, "int")
            kind, left = "bool", compare(operator, left, right)
        return kind, left

    def sum(self):
        return self.arithmetic(("+", "-"), self.product)

    def product(self):
        return self.arithmetic(("*", "/", "%"), self.unary)

    def arithmetic(self, operators, below):
        kind, left = below()
        while operator := self.take(*operators):
            demand(kind, "int")
            other, right = below()
            demand(other, "int")
            left = compute(operator, left, right)
        return kind, left

    def unary(self):
        operator = self.take("!", "-")
        if not operator:
            return self.primary()
        count = 1
        while self.take(operator):
            count += 1
        kind, operand = self.primary()
        demand(kind, "bool" if operator == "!" else "int")
        for _ in range(count):
            operand = negate(operator, operand)
        return kind, operand

    def primary(self):
        if self.take("("):
            result = self.expr()
            self.need(")")
            return result
        token = self.peek()
        if token is None:
            raise NotInProfile("it ends early")
        self.at += 1
        if token[0].isdigit():
            number = int(token, 16 if token.startswith("0x") else 10)
            return "int", constant(in_range(number, NotInProfile))
        if token in ("true", "false"):
            return "bool", constant(token == "true")
        if token in ("min", "max") and self.take("("):
            return "int", self.least_or_most(min if token == "min" else max)
        if token in self.fields:
            return self.fields[token], lambda values: values[token]
        if CONSTANTS.get(token) in self.fields.values():
            return CONSTANTS[token], constant(token)
        raise NotInProfile(f"{token} is not known here")

    def least_or_most(self, choose):
        operands = []
        while True:
            kind, operand = self.expr()
            demand(kind, "int")
            operands.append(operand)
            if not self.take(","):
                break
        self.need(")")
        if len(operands) < 2:
            raise NotInProfile("min and max take two or more")
        return lambda values: choose([operand(values) for operand in operands])


def bounds(source):
    """The bounds of an expression, counted on its characters."""
    if len(source.encode()) > 1024 or "//" in source:
        raise NotInProfile("too long, or a comment")
    if sum(source.count(character) for character in "+-*/%<>=!&|?:") > 64:
        raise NotInProfile("too many operators")
    levels, deepest = [0], 0
    for character in source:
        if character == "(":
            levels.append(0)
        elif character == "?":
            levels[-1] += 1
        elif character == ",":
            levels[-1] = 0
        elif character == ")" and len(levels) > 1:
            levels.pop()
        deepest = max(deepest, len(levels) - 1 + sum(levels))
    if deepest > 8:
        raise NotInProfile("too deep")


def tokens(source):
    found, at, end = [], 0, len(source.rstrip(" \t\n\r"))
    while at < end:
        match = TOKEN.match(source, at)
        if not match:
            raise NotInProfile(f"{source[at:]!r} cannot be read")
        found.append(match.group(match.lastindex))
        at = match.end()
    return found


def demand(kind, wanted):
    if kind != wanted:
        raise NotInProfile(f"{kind} where {wanted} has to be")


def in_range(number, error=NoValue):
    if not MIN <= number <= MAX:
        raise error(number)
    return number


def constant(value):
    return lambda _: value


def negate(operator, operand):
    if operator == "!":
        return lambda values: not operand(values)
    return lambda values: in_range(-operand(values))


def decide(left, right, decisive):
    """One side alone decides, also when the other one has no value."""

    def run(values):
        try:
            if left(values) is decisive:
                return decisive
        except NoValue:
            if right(values) is decisive:
                return decisive
            raise
        return right(values)

    return run


def compare(operator, left, right):
    test = {
        "<": lambda a, b: a < b,
        "<=": lambda a, b: a <= b,
        ">": lambda a, b: a > b,
        ">=": lambda a, b: a >= b,
        "==": lambda a, b: a == b,
        "!=": lambda a, b: a != b,
    }[operator]
    return lambda values: test(left(values), right(values))


def compute(operator, left, right):
    def run(values):
        a, b = left(values), right(values)
        if operator == "+":
            return in_range(a + b)
        if operator == "-":
            return in_range(a - b)
        if operator == "*":
            return in_range(a * b)
        if b == 0:
            raise NoValue("division by zero")
        quotient = in_range(abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1))
        return quotient if operator == "/" else a - quotient * b

    return run
