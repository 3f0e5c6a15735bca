"""Rewards of LIMR Lab for verl, TRL and OpenRLHF, and a log of what they judged.

One file that needs Python's standard library alone. A right answer gives 1, a wrong one -0.5, and
a response that breaks a rule of form -1: it was cut, has no `\\boxed{}` or five of them, is mostly
unusual characters, or repeats itself.

    verl       compute_score(data_source, solution_str, ground_truth, extra_info)
    TRL        reward(completions, **columns)
    OpenRLHF   reward_func(queries, prompts, labels)

Every judged response becomes a line of `rollouts/*.jsonl` beside this file, or below the folder
that the variable LIMR_ROLLOUTS names. `limr score` reads these lines.

LIMR_MATH_VERIFY=1 compares answers by the package math_verify, where it is installed, instead.
"""

import functools
import json
import math
import os
import re
import sys
import threading
import time
import unicodedata
from collections import namedtuple

# What the kit knows: verifier, samples a prompt, stop ids, engine. `limr select --kit` fills it.
SETTINGS = json.loads("{}")

# White space and text as ECMAScript has them: the rules were written for it.
SPACES = "\t\n\v\f\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
S = "[" + SPACES + "]"
NOT_S = "[^" + SPACES + "]"


def trim(text):
    return text.strip(SPACES)


def is_space(c):
    return c != "" and c in SPACES


def units_of(text):
    """The length of a text in UTF-16."""
    return len(text) + sum(1 for c in text if ord(c) > 0xFFFF)


def first_unit(c):
    code = ord(c)
    return code if code <= 0xFFFF else 0xD800 + ((code - 0x10000) >> 10)


# The end of a response.

KNOWN_END_TOKENS = ("<|im_end|>", "<|endoftext|>", "</s>", "<|eot_id|>", "<end_of_turn>")
TURN_MARK = re.compile("<(?:[|\uff5c].*[|\uff5c]|end_of_turn)>", re.S)
PADDING = ("<pad>", "[PAD]", "<|pad|>")


def end_of(response, finished=None, end_tokens=()):
    """The text before the end token, and whether the response ended by itself."""
    tokens = [token for token in (*KNOWN_END_TOKENS, *end_tokens) if token != ""]
    end = len(response)
    found = False
    for token in tokens:
        at = response.find(token) if TURN_MARK.fullmatch(token) else -1
        if at < 0 or at >= end:
            continue
        end = at
        found = True
    kept = end
    while kept > 0:
        last = _last_of(response, kept, tokens)
        token_ends = last is not None
        if last is None:
            last = _last_of(response, kept, PADDING)
        if last is None:
            break
        kept = last
        if token_ends:
            end = kept
            found = True
    return response[:end], found if finished is None else finished


def _last_of(text, end, tokens):
    trimmed = end
    while trimmed > 0 and is_space(text[trimmed - 1]):
        trimmed -= 1
    for at in (end, trimmed):
        for token in tokens:
            if text.endswith(token, 0, at):
                return at - len(token)
    return None


# The rules of form.

TOO_MANY_BOXES = 5
UNIT_LENGTH = 5
UNIT_REPEATS = 5
DEEPEST_BRACES = 3


def math_format(text, finished):
    """(the rule that the response breaks or None, the content of its last box or None)"""
    answer, ended = end_of(text, finished)
    if not ended:
        return "unfinished", last_boxed(answer)
    answer = trim(answer)
    extracted = last_boxed(answer)
    boxes = answer.count("\\boxed")
    if boxes == 0 or boxes >= TOO_MANY_BOXES:
        return "boxes", extracted
    if _is_garbled(answer):
        return "garbled", extracted
    if _repeats(answer):
        return "repetition", extracted
    return (None if extracted is not None else "no answer"), extracted


def last_boxed(text):
    opening = "\\boxed{"
    last = None
    at = text.find(opening)
    while at >= 0:
        start = at + len(opening)
        end = _closing_brace(text, start)
        if end is not None:
            last = text[start:end]
        at = text.find(opening, start if end is None else end)
    return last


BRACE = re.compile("[{}]")


def _closing_brace(text, start):
    depth = 0
    for found in BRACE.finditer(text, start):
        if found.group() == "{":
            depth += 1
            if depth > DEEPEST_BRACES:
                return None
        else:
            if depth == 0:
                return found.start()
            depth -= 1
    return None


USUAL = re.compile("[ -~\u2200-\u22ff" + SPACES + "]")


def _is_garbled(text):
    return len(text) - len(USUAL.findall(text)) > 0.3 * len(text)


def _repeats(text):
    count = len(text)
    codes = [0x110000 + at if c == "\n" else ord(c) for at, c in enumerate(text)]
    mask = 0xFFFFFFFF
    base = 0x01000193
    hashes = [0] * (count + 1)
    for at, code in enumerate(codes):
        hashes[at + 1] = (hashes[at] * base + code) & mask
    power = pow(base, UNIT_LENGTH - 1, 1 << 32)
    unit = UNIT_LENGTH
    while unit * UNIT_REPEATS <= count:
        power = (power * base) & mask
        before = None
        same = 0
        for end in range(unit, count + 1, unit):
            found = (hashes[end] - hashes[end - unit] * power) & mask
            same = same + 1 if found == before else 1
            before = found
            if same >= UNIT_REPEATS - 1 and _repeats_around(
                codes, end - unit * (UNIT_REPEATS - 1), unit
            ):
                return True
        unit += 1
    return False


def _repeats_around(codes, at, unit):
    needed = unit * (UNIT_REPEATS - 1)
    first = last = at
    while last + unit < len(codes) and last - at < needed and codes[last] == codes[last + unit]:
        last += 1
    while first > 0 and at - first < unit and codes[first - 1] == codes[first - 1 + unit]:
        first -= 1
    return last - first >= needed


# Work, numbers.


class TooCostly(Exception):
    """An answer takes more work than one comparison may use."""


class NotRead(Exception):
    """An answer is not mathematics that the lexer and the parser can read."""


class Undefined(Exception):
    """An expression has no value: 1/0, the logarithm of 0."""


class NoNumber(Exception):
    """A node is not a number: an interval, a list, words."""


class Work:
    def __init__(self, operations):
        self.left = operations

    def spend(self, operations):
        self.left -= operations
        if self.left < 0:
            raise TooCostly()


MOST_BITS = 512
GUARD = 96
LARGEST_EXACT = 1 << 17
REDUCED_FROM = 1 << 192
LARGEST_REDUCED = 4096
LARGEST_ARGUMENT_BITS = 24
NEVER = float("-inf")


class Exact:
    """A fraction of whole numbers, not always reduced; `d` is positive."""

    __slots__ = ("n", "d")

    def __init__(self, n, d=1):
        self.n = n
        self.d = d


class Ball:
    """`m * 2 ** e`, off by at most `2 ** r`."""

    __slots__ = ("m", "e", "r")

    def __init__(self, m, e, r):
        self.m = m
        self.e = e
        self.r = r


ZERO = Exact(0)
ONE = Exact(1)
TWO = Exact(2)


def is_exact(x):
    return type(x) is Exact


def cut_quotient(a, b):
    """The quotient of whole numbers, rounded towards zero."""
    quotient = abs(a) // abs(b)
    return quotient if (a < 0) == (b < 0) else -quotient


def shift(m, by):
    return m << by if by >= 0 else m >> -by


def join(a, b):
    """log2(2^a + 2^b), rounded up."""
    if a == NEVER:
        return b
    if b == NEVER:
        return a
    high, low = (a, b) if a > b else (b, a)
    if high - low > 60:
        return high + 1e-12
    return high + math.log2(1 + 2.0 ** (low - high)) + 1e-12


def whole_root(n, k):
    """The largest whole number whose k-th power is at most n."""
    if n < 2:
        return n
    x = 1 << -(-n.bit_length() // k)
    while True:
        following = ((k - 1) * x + n // x ** (k - 1)) // k
        if following >= x:
            return x
        x = following


class Arithmetic:
    """Exact fractions where possible, else numbers of limited bits with a bound on their error."""

    def __init__(self, work, precision=MOST_BITS):
        self.work = work
        self.precision = precision
        self.dear = max(1, (precision / MOST_BITS) ** 1.5)
        self.span = 0

    def _met(self, bits):
        if bits > self.span:
            self.span = bits

    @property
    def _fixed_bits(self):
        return self.precision + GUARD

    def _series(self, operations):
        dear = self.dear if self.precision > MOST_BITS else self.precision / MOST_BITS
        self.work.spend(operations * dear)

    def _sized(self, bits):
        if bits > LARGEST_EXACT:
            raise TooCostly()
        self._met(bits)
        self.work.spend(1 + (bits >> 6) + ((bits >> 9) * (bits >> 9)) / 8)

    def fraction(self, n, d):
        if d == 0:
            raise Undefined()
        if d < 0:
            n, d = -n, -d
        if d == 1:
            return Exact(n, d)
        if n == 0:
            return ZERO
        if d < REDUCED_FROM and abs(n) < REDUCED_FROM:
            return Exact(n, d)
        return self._reduce(n, d)

    def _reduce(self, n, d):
        bits = max(n.bit_length(), d.bit_length())
        if bits > LARGEST_REDUCED:
            return Exact(n, d)
        self.work.spend(4 + bits / 8 + (bits * bits) / 65536)
        divisor = math.gcd(n, d)
        return Exact(n // divisor, d // divisor)

    def lowest(self, x):
        return x if x.d == 1 else self._reduce(x.n, x.d)

    def ball(self, x):
        if not is_exact(x):
            return x
        if x.n == 0:
            return Ball(0, 0, NEVER)
        if x.d == 1 and abs(x.n) < 1 << self.precision:
            return Ball(x.n, 0, NEVER)
        upper, lower = x.n.bit_length(), x.d.bit_length()
        up = self.precision + lower - upper
        self._met(max(upper, lower))
        self.work.spend(1 + lower / 64)
        if self.precision + lower > LARGEST_EXACT:
            raise TooCostly()
        if up >= 0:
            return Ball(cut_quotient(x.n << up, x.d), -up, -up)
        return Ball(cut_quotient(x.n, x.d << -up), -up, -up)

    def _rounded(self, m, e, r):
        length = m.bit_length()
        over = length - self.precision
        if e + length - 2 >= r:
            self._met(abs(e + length))
        if over <= 32:
            return Ball(m, e, r)
        return Ball(m >> over, e + over, join(r, e + over))

    def negate(self, x):
        return Exact(-x.n, x.d) if is_exact(x) else Ball(-x.m, x.e, x.r)

    def add(self, a, b):
        if is_exact(a) and is_exact(b):
            if a.n == 0:
                return b
            if b.n == 0:
                return a
            if a.d == b.d:
                self._sized(max(a.n.bit_length(), b.n.bit_length()))
                return self.fraction(a.n + b.n, a.d)
            self._sized(
                a.n.bit_length() + b.n.bit_length() + a.d.bit_length() + b.d.bit_length()
            )
            return self.fraction(a.n * b.d + b.n * a.d, a.d * b.d)
        self.work.spend(4 * self.dear)
        x, y = self.ball(a), self.ball(b)
        r = join(x.r, y.r)
        if x.m == 0:
            return Ball(y.m, y.e, r)
        if y.m == 0:
            return Ball(x.m, x.e, r)
        high, low = (x, y) if x.e + x.m.bit_length() >= y.e + y.m.bit_length() else (y, x)
        if high.e - low.e > 3 * self.precision:
            return Ball(high.m, high.e, join(r, low.e + low.m.bit_length()))
        e = min(high.e, low.e)
        return self._rounded(shift(high.m, high.e - e) + shift(low.m, low.e - e), e, r)

    def subtract(self, a, b):
        return self.add(a, self.negate(b))

    def multiply(self, a, b):
        if is_exact(a) and is_exact(b):
            self._sized(
                max(
                    a.n.bit_length() + b.n.bit_length(),
                    a.d.bit_length() + b.d.bit_length(),
                )
            )
            return self.fraction(a.n * b.n, a.d * b.d)
        if (is_exact(a) and a.n == 0) or (is_exact(b) and b.n == 0):
            return ZERO
        self.work.spend(6 * self.dear)
        x, y = self.ball(a), self.ball(b)
        r = join(
            join(x.e + x.m.bit_length() + y.r, y.e + y.m.bit_length() + x.r),
            x.r + y.r,
        )
        return self._rounded(x.m * y.m, x.e + y.e, r)

    def divide(self, a, b):
        if is_exact(a) and is_exact(b):
            self._sized(
                max(
                    a.n.bit_length() + b.d.bit_length(),
                    a.d.bit_length() + b.n.bit_length(),
                )
            )
            return self.fraction(a.n * b.d, a.d * b.n)
        if self.may_be_zero(b):
            raise Undefined()
        if is_exact(a) and a.n == 0:
            return ZERO
        self.work.spend(8 * self.dear)
        x, y = self.ball(a), self.ball(b)
        up = max(0, self.precision + 2 + y.m.bit_length() - x.m.bit_length())
        m = cut_quotient(x.m << up, y.m)
        e = x.e - up - y.e
        lowest = y.e + y.m.bit_length() - 1
        r = join(x.r, e + m.bit_length() + y.r) + 1 - lowest
        return self._rounded(m, e, join(r, e))

    def may_be_zero(self, x):
        if is_exact(x):
            return x.n == 0
        return x.m == 0 or x.e + x.m.bit_length() - 2 < x.r

    def sign(self, x):
        if self.may_be_zero(x):
            return 0
        return -1 if (x.n if is_exact(x) else x.m) < 0 else 1

    def size(self, x):
        if is_exact(x):
            return NEVER if x.n == 0 else x.n.bit_length() - x.d.bit_length() + 1
        return NEVER if x.m == 0 else x.e + x.m.bit_length()

    def same(self, a, b):
        if is_exact(a) and is_exact(b):
            if a.d == b.d:
                return a.n == b.n
            self._sized(a.n.bit_length() + b.d.bit_length())
            return a.n * b.d == b.n * a.d
        difference = self.subtract(a, b)
        if is_exact(difference):
            return difference.n == 0
        scale = max(0, self.size(a), self.size(b))
        return self.may_be_zero(difference) and difference.r < scale - 0.4 * self.precision

    def near(self, a, b, share):
        difference = self.absolute(self.subtract(a, b))
        x, y = self.absolute(a), self.absolute(b)
        larger = y if self.sign(self.subtract(x, y)) < 0 else x
        return self.sign(self.subtract(self.multiply(larger, share), difference)) >= 0

    def absolute(self, x):
        return self.negate(x) if (x.n if is_exact(x) else x.m) < 0 else x

    def power(self, x, k):
        if k < 0:
            return self.divide(ONE, self.power(x, -k))
        if is_exact(x):
            if x.n == 0:
                return ONE if k == 0 else ZERO
            size = max(x.n.bit_length(), x.d.bit_length())
            if size == 1:
                return Exact(x.n ** (k % 2))
            if k > LARGEST_EXACT:
                raise TooCostly()
            self._sized(size * k)
            return self.fraction(x.n**k, x.d**k)
        if k > 1 << 40:
            raise TooCostly()
        result, square = ONE, x
        left = k
        while left > 0:
            if left & 1:
                result = self.multiply(result, square)
            if left > 1:
                square = self.multiply(square, square)
            left >>= 1
        return result

    def root(self, x, k):
        """The k-th root of a number that is not negative."""
        if is_exact(x):
            if x.n == 0:
                return ZERO
            least = self.lowest(x)
            n, d = least.n, least.d
            bits = max(n.bit_length(), d.bit_length())
            self._met(bits)
            if bits <= LARGEST_REDUCED:
                self.work.spend(40 + bits / 4)
                upper, lower = whole_root(n, k), whole_root(d, k)
                if upper**k == n and lower**k == d:
                    return Exact(upper, lower)
        if k != 2:
            return self.exp(self.divide(self.log(x), Exact(k)))
        ball = self.ball(x)
        # The root of a number that may be 0 is 0 with the root of its error.
        if self.may_be_zero(x):
            return Ball(0, 0, (ball.r + 1) / 2)
        self.work.spend(40 * self.dear)
        up = max(0, 2 * self.precision + 4 - ball.m.bit_length())
        if (ball.e - up) % 2 != 0:
            up += 1
        root = whole_root(ball.m << up, 2)
        exponent = (ball.e - up) // 2
        lowest = exponent + root.bit_length() - 1
        return self._rounded(root, exponent, join(ball.r - lowest, exponent))

    def _fixed(self, x, bits):
        return shift(x.m, x.e + bits)

    def exp(self, x):
        if is_exact(x) and x.n == 0:
            return ONE
        ball = self.ball(x)
        if ball.e + ball.m.bit_length() > LARGEST_ARGUMENT_BITS:
            raise TooCostly()
        self._series(100)
        bits = self._fixed_bits
        fixed = self._fixed(ball, bits)
        unit = log_of_two(bits)
        turns = cut_quotient(fixed, unit)
        halvings = 10
        rest = (fixed - turns * unit) >> halvings
        total = term = 1 << bits
        i = 1
        while term != 0:
            term = cut_quotient((term * rest) >> bits, i)
            if term == -1:
                break
            total += term
            i += 1
        for _ in range(halvings):
            total = (total * total) >> bits
        e = turns - bits
        size = e + total.bit_length()
        return self._rounded(total, e, size + join(ball.r + 1, -self.precision - 8))

    def log(self, x):
        if is_exact(x) and x.n == x.d:
            return ZERO
        if self.sign(x) <= 0:
            raise Undefined()
        ball = self.ball(x)
        self._series(40)
        bits = self._fixed_bits
        length = ball.m.bit_length()
        turns = ball.e + length
        # y in [1/2, 1)
        y = shift(ball.m, bits - length)
        guess = math.floor(math.log((y >> (bits - 53)) / 2**53) * 2**52 + 0.5) << (bits - 52)
        known = 48
        while known < bits:
            power = self._fixed(self.ball(self.exp(Ball(guess, -bits, NEVER))), bits)
            guess += cut_quotient(2 * (y - power) * (1 << bits), y + power)
            known *= 3
        total = guess + turns * log_of_two(bits)
        relative = ball.r - (turns - 1) + 1
        return self._rounded(total, -bits, join(relative, -self.precision + 4))

    def circle(self, x):
        """(sine, cosine)"""
        if is_exact(x) and x.n == 0:
            return ZERO, ONE
        ball = self.ball(x)
        if ball.e + ball.m.bit_length() > LARGEST_ARGUMENT_BITS:
            raise TooCostly()
        self._series(100)
        bits = self._fixed_bits
        quarter = pi_of(bits) >> 1
        fixed = self._fixed(ball, bits)
        nearest = 2 * fixed + quarter
        turns = cut_quotient(nearest, 2 * quarter) - (1 if nearest < 0 else 0)
        rest = fixed - turns * quarter
        halvings = 8
        small = rest >> halvings
        square = (small * small) >> bits

        def series(first, start):
            total = term = first
            i = start
            while term not in (0, -1):
                term = cut_quotient(-((term * square) >> bits), i * (i + 1))
                total += term
                i += 2
            return total

        y, x0 = series(small, 2), series(1 << bits, 1)
        for _ in range(halvings):
            y, x0 = (2 * y * x0) >> bits, (x0 * x0 - y * y) >> bits
        r = join(ball.r, -self.precision)
        s, c = self._rounded(y, -bits, r), self._rounded(x0, -bits, r)
        turn = turns % 4
        if turn == 0:
            return s, c
        if turn == 1:
            return c, self.negate(s)
        if turn == 2:
            return self.negate(s), self.negate(c)
        return self.negate(c), s

    def pi(self):
        return self._rounded(pi_of(self._fixed_bits), -self._fixed_bits, -self.precision)

    def arctan(self, x):
        if is_exact(x) and x.n == 0:
            return ZERO
        if self.sign(x) < 0:
            return self.negate(self.arctan(self.negate(x)))
        # Beyond 1, use the other acute angle of the triangle: its slope is below 1.
        if self.sign(self.subtract(x, ONE)) > 0:
            return self.subtract(self.divide(self.pi(), TWO), self.arctan(self.divide(ONE, x)))
        ball = self.ball(x)
        y = Ball(math.floor(math.atan(number_of(ball)) * 2**52 + 0.5), -52, NEVER)
        known = 48
        while known < self.precision:
            sin, cos = self.circle(y)
            slope = self.divide(
                self.subtract(self.multiply(x, cos), sin),
                self.add(cos, self.multiply(x, sin)),
            )
            cube = self.multiply(self.multiply(slope, slope), slope)
            total = self.ball(
                self.add(y, self.subtract(slope, self.divide(cube, Exact(3))))
            )
            y = Ball(total.m, total.e, NEVER)
            known *= 5
        y = self.ball(y)
        return Ball(y.m, y.e, join(ball.r, -self.precision + 8))

    def arcsin(self, x):
        rest = self.subtract(ONE, self.multiply(x, x))
        side = self.sign(rest)
        if side < 0:
            raise Undefined()
        if side == 0:
            right = self.divide(self.pi(), TWO)
            return self.negate(right) if self.sign(x) < 0 else right
        return self.arctan(self.divide(x, self.root(rest, 2)))

    def floor(self, x):
        if is_exact(x):
            return Exact(x.n // x.d)
        if x.e + x.m.bit_length() > self.precision:
            raise TooCostly()
        lower = shift(x.m, x.e)
        nearest = shift(x.m + shift(1, -x.e - 1), x.e)
        gap = self.subtract(x, Exact(nearest))
        if not is_exact(gap) and self.may_be_zero(gap):
            return Exact(nearest)
        return Exact(lower)


def _scaled(m, e):
    try:
        return math.ldexp(float(m), e)
    except OverflowError:
        return math.inf if m > 0 else -math.inf


def number_of(x):
    """A double, for first guesses and for printing only."""
    if not is_exact(x):
        over = max(0, x.m.bit_length() - 60)
        return _scaled(x.m >> over, x.e + over)
    up = 64 + x.d.bit_length() - x.n.bit_length()
    quotient = cut_quotient(x.n << up, x.d) if up >= 0 else cut_quotient(x.n, x.d << -up)
    return _scaled(quotient, -up)


def _inverse_series(x, bits, alternating):
    """The sum over k of x^-(2k+1)/(2k+1), to so many bits."""
    term = (1 << bits) // x
    total = 0
    k = 1
    sign = 1
    while term != 0:
        total += cut_quotient(sign * term, k)
        term //= x * x
        if alternating:
            sign = -sign
        k += 2
    return total


@functools.lru_cache(maxsize=64)
def log_of_two(bits):
    return (2 * _inverse_series(3, bits + 32, False)) >> 32


@functools.lru_cache(maxsize=64)
def pi_of(bits):
    b = bits + 32
    return (4 * (4 * _inverse_series(5, b, True) - _inverse_series(239, b, True))) >> 32


# Expressions.


class Node:
    """A parsed answer: its kind, and its parts by name."""

    def __init__(self, kind, **parts):
        self.kind = kind
        self.__dict__.update(parts)

    def but(self, **parts):
        """A copy with other parts."""
        return Node(**{**self.__dict__, **parts})


ONE_CHILD = {"negate", "plusMinus", "percent", "degrees", "quantity", "choice"}


def children_of(node):
    kind = node.kind
    if kind == "sum":
        return node.terms
    if kind == "product":
        return node.factors
    if kind in ONE_CHILD:
        return [node.of]
    if kind == "quotient":
        return [node.over, node.under]
    if kind == "power":
        return [node.base, node.exponent]
    if kind in ("call", "apply"):
        return node.args
    if kind in ("list", "tuple", "set"):
        return node.items
    if kind == "builder":
        return [node.of, node.condition]
    if kind in ("sets", "ratio"):
        return node.parts
    if kind == "relation":
        return node.sides
    if kind == "matrix":
        return [entry for row in node.rows for entry in row]
    return []


def with_children(node, children):
    kind = node.kind
    if kind == "sum":
        return node.but(terms=children)
    if kind == "product":
        return node.but(factors=children)
    if kind in ONE_CHILD:
        return node.but(of=children[0])
    if kind == "quotient":
        return node.but(over=children[0], under=children[1])
    if kind == "power":
        return node.but(base=children[0], exponent=children[1])
    if kind in ("call", "apply"):
        return node.but(args=children)
    if kind in ("list", "tuple", "set"):
        return node.but(items=children)
    if kind == "builder":
        return node.but(of=children[0], condition=children[1])
    if kind in ("sets", "ratio"):
        return node.but(parts=children)
    if kind == "relation":
        return node.but(sides=children)
    if kind == "matrix":
        rest = iter(children)
        return node.but(rows=[[next(rest) for _ in row] for row in node.rows])
    return node


def some(node, found):
    return found(node) or any(some(child, found) for child in children_of(node))


def letters_of(node, into=None):
    into = {} if into is None else into
    if node.kind == "letter":
        into[node.name] = True
    for child in children_of(node):
        letters_of(child, into)
    return into


def digits_of(n):
    # Python refuses to print longer numbers in tens.
    return str(n) if n.bit_length() < 13000 else "#%x" % n


def print_number(value, decimal):
    if value.d == 1:
        return digits_of(value.n)
    if decimal:
        return repr(number_of(value))
    return digits_of(value.n) + "/" + digits_of(value.d)


LOOSE = {
    "sum", "negate", "plusMinus", "relation", "list", "product", "quotient", "ratio", "quantity",
}  # fmt: skip


def tight(node):
    """A node as text, in brackets if it binds less tightly than a factor."""
    text = shown(node)
    if node.kind in LOOSE or (node.kind == "number" and ("/" in text or "-" in text)):
        return "(" + text + ")"
    return text


def shown_list(nodes):
    return ", ".join(shown(node) for node in nodes)


def shown(node):
    """A node as text. Equal texts mean equal trees."""
    kind = node.kind
    if kind == "number":
        return print_number(node.value, node.decimal)
    if kind == "letter":
        return node.name
    if kind == "infinity":
        return "∞"
    if kind == "words":
        return '"' + node.text + '"'
    if kind == "sum":
        parts = []
        for i, term in enumerate(node.terms):
            if term.kind == "negate":
                parts.append((" - " if i > 0 else "-") + tight(term.of))
            else:
                text = tight(term) if term.kind == "sum" else shown(term)
                parts.append((" + " if i > 0 else "") + text)
        return "".join(parts)
    if kind == "product":
        return "*".join(tight(factor) for factor in node.factors)
    if kind == "negate":
        return "-" + tight(node.of)
    if kind == "plusMinus":
        return ("∓" if node.flipped else "±") + tight(node.of)
    if kind == "quotient":
        return tight(node.over) + "/" + tight(node.under)
    if kind == "power":
        return tight(node.base) + "^" + tight(node.exponent)
    if kind == "percent":
        return tight(node.of) + "%"
    if kind == "degrees":
        return tight(node.of) + "°"
    if kind in ("call", "apply"):
        return node.name + "(" + shown_list(node.args) + ")"
    if kind == "list":
        return (", " if node.by == "," else " " + node.by + " ").join(
            shown(item) for item in node.items
        )
    if kind == "tuple":
        return node.open + shown_list(node.items) + node.close
    if kind == "set":
        return "{" + shown_list(node.items) + "}"
    if kind == "builder":
        return "{" + shown(node.of) + " : " + shown(node.condition) + "}"
    if kind == "sets":
        return (" " + node.operator + " ").join(
            "(" + shown(part) + ")" if part.kind == "sets" else shown(part) for part in node.parts
        )
    if kind == "relation":
        return "".join(
            (" " + node.by[i - 1] + " " if i > 0 else "") + shown(side)
            for i, side in enumerate(node.sides)
        )
    if kind == "matrix":
        return node.of + "[" + "; ".join(shown_list(row) for row in node.rows) + "]"
    if kind == "ratio":
        return ":".join(tight(part) for part in node.parts)
    if kind == "based":
        return node.digits + "_" + str(node.base)
    if kind == "quantity":
        return shown(node.of) + ' "' + node.unit + '"'
    return "(" + node.letter + ") " + shown(node.of)


# Values.

# A number, complex where `im` is not None.
Value = namedtuple("Value", "re im")

LARGEST_FACTORIAL = 6000
PROBE_BITS = 192
TRIGONOMETRIC = {"sin", "cos", "tan", "cot", "sec", "csc"}


def _no_letters(name):
    raise NoNumber(name)


class Evaluation:
    """Values of expressions: exact if everything is rational, else to so many digits."""

    def __init__(self, work, letters=None, bits=None):
        self.work = work
        if bits is None:
            bits = PROBE_BITS if letters else MOST_BITS
        self.real = Arithmetic(work, bits)
        self.letters = letters or _no_letters
        self.is_real = letters is not None

    def of(self, node, angle=False):
        self.work.spend(1)
        real = self.real
        kind = node.kind
        if kind == "number":
            return Value(node.value, None)
        if kind == "letter":
            return self._letter(node.name)
        if kind == "sum":
            values = [self.of(term, angle) for term in node.terms]
            return functools.reduce(self.add, values)
        if kind == "product":
            values = [self.of(factor, angle) for factor in node.factors]
            return functools.reduce(self.multiply, values)
        if kind == "negate":
            return self._negate(self.of(node.of, angle))
        if kind == "quotient":
            over = self.of(node.over, angle)
            return self.divide(over, self.of(node.under, angle))
        if kind == "percent":
            return self.divide(self.of(node.of), Value(Exact(100), None))
        if kind == "degrees":
            value = self.of(node.of, angle)
            if not angle:
                return value
            return self.multiply(value, Value(real.divide(real.pi(), Exact(180)), None))
        if kind == "power":
            return self._power(node, angle)
        if kind == "call":
            return self._call(node.name, node.args)
        if kind == "apply":
            return self._unknown(node.name, [self.of(arg) for arg in node.args])
        if kind == "ratio":
            return functools.reduce(self.divide, [self.of(part) for part in node.parts])
        if kind == "matrix":
            if node.of == "det":
                return self._determinant(node.rows)
            raise NoNumber("matrix")
        raise NoNumber(kind)

    def _letter(self, name):
        if name == "pi":
            return Value(self.real.pi(), None)
        if name == "e":
            return Value(self.real.exp(ONE), None)
        if name == "i":
            return Value(ZERO, ONE)
        return Value(self.letters(name), None)

    def _negate(self, a):
        return Value(self.real.negate(a.re), a.im and self.real.negate(a.im))

    def _complex(self, re_, im):
        return Value(re_, None) if is_exact(im) and im.n == 0 else Value(re_, im)

    def add(self, a, b):
        re_ = self.real.add(a.re, b.re)
        if not a.im and not b.im:
            return Value(re_, None)
        return self._complex(re_, self.real.add(a.im or ZERO, b.im or ZERO))

    def subtract(self, a, b):
        return self.add(a, self._negate(b))

    def multiply(self, a, b):
        real = self.real
        if not a.im and not b.im:
            return Value(real.multiply(a.re, b.re), None)
        ai, bi = a.im or ZERO, b.im or ZERO
        return self._complex(
            real.subtract(real.multiply(a.re, b.re), real.multiply(ai, bi)),
            real.add(real.multiply(a.re, bi), real.multiply(ai, b.re)),
        )

    def divide(self, a, b):
        real = self.real
        if not b.im:
            return Value(real.divide(a.re, b.re), a.im and real.divide(a.im, b.re))
        square = real.add(real.multiply(b.re, b.re), real.multiply(b.im, b.im))
        product = self.multiply(a, Value(b.re, real.negate(b.im)))
        return Value(
            real.divide(product.re, square), product.im and real.divide(product.im, square)
        )

    def same(self, a, b):
        return self.real.same(a.re, b.re) and self.real.same(a.im or ZERO, b.im or ZERO)

    def is_zero(self, a):
        return self.same(a, Value(ZERO, None))

    def _size(self, a):
        real = self.real
        if not a.im:
            return real.absolute(a.re)
        return real.root(real.add(real.multiply(a.re, a.re), real.multiply(a.im, a.im)), 2)

    def near(self, a, b, share):
        real = self.real
        if not a.im and not b.im:
            return real.near(a.re, b.re, share)
        gap = self._size(self.subtract(a, b))
        x, y = self._size(a), self._size(b)
        larger = y if real.sign(real.subtract(x, y)) < 0 else x
        return real.sign(real.subtract(real.multiply(larger, share), gap)) >= 0

    def _power(self, node, angle):
        exponent = self.of(node.exponent)
        if node.base.kind == "letter" and node.base.name == "e":
            return self._exp(exponent)
        return self._raise(self.of(node.base, angle), exponent)

    def _raise(self, base, exponent):
        real = self.real
        if exponent.im:
            return self._exp(self.multiply(exponent, self._log(base)))
        if is_exact(exponent.re):
            power = real.lowest(exponent.re)
            if power.d == 1:
                return self._whole_power(base, power.n)
            if not base.im and power.d < 1 << 16:
                root = self._root(base, power.d)
                return self._whole_power(root, power.n)
        if not base.im and real.sign(base.re) > 0:
            return Value(real.exp(real.multiply(exponent.re, real.log(base.re))), None)
        if self.is_real:
            raise Undefined()
        return self._exp(self.multiply(exponent, self._log(base)))

    def _whole_power(self, base, power):
        if not base.im:
            if power <= 0 and self.real.may_be_zero(base.re):
                raise Undefined()
            return Value(self.real.power(base.re, power), None)
        size = abs(power)
        if size > 1 << 20:
            raise TooCostly()
        result, square = Value(ONE, None), base
        left = size
        while left > 0:
            if left & 1:
                result = self.multiply(result, square)
            if left > 1:
                square = self.multiply(square, square)
            left >>= 1
        return self.divide(Value(ONE, None), result) if power < 0 else result

    def _root(self, a, k):
        real = self.real
        if a.im:
            if self.is_real and k != 2:
                raise Undefined()
            return self._exp(self.divide(self._log(a), Value(Exact(k), None)))
        if real.sign(a.re) >= 0:
            return Value(real.root(a.re, k), None)
        size = real.root(real.negate(a.re), k)
        if k % 2 == 1:
            return Value(real.negate(size), None)
        if self.is_real:
            raise Undefined()
        if k == 2:
            return Value(ZERO, size)
        return self._exp(self.divide(self._log(a), Value(Exact(k), None)))

    def _exp(self, a):
        real = self.real
        size = real.exp(a.re)
        if not a.im:
            return Value(size, None)
        sin, cos = real.circle(a.im)
        return Value(real.multiply(size, cos), real.multiply(size, sin))

    def _log(self, a):
        real = self.real
        if not a.im:
            if real.sign(a.re) > 0:
                return Value(real.log(a.re), None)
            if self.is_real or real.may_be_zero(a.re):
                raise Undefined()
            return Value(real.log(real.negate(a.re)), real.pi())
        size = real.log(self._size(a))
        return Value(size, self._argument(a.re, a.im))

    def _argument(self, x, y):
        real = self.real
        quarter = real.divide(real.pi(), TWO)
        if real.sign(x) == 0:
            if real.sign(y) == 0:
                raise Undefined()
            return quarter if real.sign(y) > 0 else real.negate(quarter)
        angle = real.arctan(real.divide(y, x))
        if real.sign(x) > 0:
            return angle
        if real.sign(y) < 0:
            return real.subtract(angle, real.pi())
        return real.add(angle, real.pi())

    def _real(self, a):
        if a.im:
            raise NoNumber("complex")
        return a.re

    def _integer(self, a):
        value = self._real(a)
        if not is_exact(value):
            raise Undefined()
        least = self.real.lowest(value)
        if least.d != 1:
            raise Undefined()
        return least.n

    def _call(self, name, args):
        real = self.real
        values = [self.of(arg, name in TRIGONOMETRIC) for arg in args]
        first = values[0] if values else Value(ZERO, None)
        second = values[1] if len(values) > 1 else None
        if name == "sqrt":
            return self._root(first, 2)
        if name == "root":
            k = self._integer(second) if second else 2
            if k == 0 or abs(k) > 1 << 16:
                raise Undefined()
            root = self._root(first, abs(k))
            return self.divide(Value(ONE, None), root) if k < 0 else root
        if name == "abs":
            return Value(self._size(first), None)
        if name == "exp":
            return self._exp(first)
        if name == "ln":
            return self._log(first)
        if name == "log":
            return self._logarithm(first, second) if second else self._log(first)
        if name == "floor":
            return Value(real.floor(self._real(first)), None)
        if name == "ceil":
            return Value(real.negate(real.floor(real.negate(self._real(first)))), None)
        if name == "factorial":
            return Value(self._factorial(self._integer(first), 1), None)
        if name == "double factorial":
            return Value(self._factorial(self._integer(first), 2), None)
        if name == "binom":
            return Value(self._binomial(first, second or first), None)
        if name in ("max", "min"):

            def further(a, b):
                side = real.sign(real.subtract(self._real(a), self._real(b)))
                return a if (side > 0) == (name == "max") else b

            return functools.reduce(further, values)
        if name in ("gcd", "lcm"):
            whole = [self._integer(value) for value in values]
            return Value(Exact(functools.reduce(lambda a, b: self._divisor(a, b, name), whole)), None)
        if name == "dots":
            raise NoNumber("dots")
        if first.im:
            return self._complex_function(name, first)
        return Value(self._function(name, first.re), None)

    def _logarithm(self, of, base):
        """A logarithm to a base, exact if the number is a power of the base."""
        real = self.real
        value = self.divide(self._log(of), self._log(base))
        if value.im or is_exact(value.re):
            return value
        if not of.im and not base.im and is_exact(of.re) and is_exact(base.re):
            try:
                guess = real.floor(real.add(value.re, Exact(1, 2)))
                if abs(guess.n) < 4096 and real.same(real.power(base.re, guess.n), of.re):
                    return Value(guess, None)
            except TooCostly:
                if self.work.left < 0:
                    raise
        return value

    def _divisor(self, a, b, name):
        x, y = abs(a), abs(b)
        self.work.spend(1 + x.bit_length() + y.bit_length())
        product = x * y
        x = math.gcd(x, y)
        if name == "gcd":
            return x
        return 0 if x == 0 else product // x

    def _factorial(self, n, step):
        if n < 0:
            raise Undefined()
        if n > LARGEST_FACTORIAL:
            raise TooCostly()
        self.work.spend(n + n * n / 2048)

        def product(start, to):
            if to - start < 8 * step:
                result = 1
                k = to
                while k >= start and k > 0:
                    result *= k
                    k -= step
                return result
            middle = to - (to - start) // 2 // step * step
            return product(start, middle - step) * product(middle, to)

        return Exact(product(step if n % step == 0 else 1, step - 1 if n == 0 else n))

    def _binomial(self, n, k):
        count = self._integer(k)
        if count < 0:
            return ZERO
        upper = self._real(n)
        real = self.real
        # C(n, k) = C(n, n - k): take the smaller of the two if n is whole.
        times = count
        if is_exact(upper) and upper.n % upper.d == 0:
            size = upper.n // upper.d
            if size >= 0 and count > size:
                return ZERO
            if size >= 0 and size - count < count:
                times = size - count
        if times > 1000:
            raise TooCostly()
        result = ONE
        for j in range(times):
            result = real.divide(
                real.multiply(result, real.subtract(upper, Exact(j))), Exact(j + 1)
            )
        return real.lowest(result) if is_exact(result) else result

    def _function(self, name, x):
        real = self.real
        if name == "sin":
            return real.circle(x)[0]
        if name == "cos":
            return real.circle(x)[1]
        if name == "tan":
            sin, cos = real.circle(x)
            return real.divide(sin, cos)
        if name == "cot":
            sin, cos = real.circle(x)
            return real.divide(cos, sin)
        if name == "sec":
            return real.divide(ONE, real.circle(x)[1])
        if name == "csc":
            return real.divide(ONE, real.circle(x)[0])
        if name == "arcsin":
            return real.arcsin(x)
        if name == "arccos":
            return real.subtract(real.divide(real.pi(), TWO), real.arcsin(x))
        if name == "arctan":
            return real.arctan(x)
        if name == "arccot":
            return real.subtract(real.divide(real.pi(), TWO), real.arctan(x))
        if name == "arcsec":
            return real.subtract(
                real.divide(real.pi(), TWO), real.arcsin(real.divide(ONE, x))
            )
        if name == "arccsc":
            return real.arcsin(real.divide(ONE, x))
        return self._hyperbolic(name, x)

    def _hyperbolic(self, name, x):
        real = self.real
        square = real.multiply(x, x)
        if name in ("sinh", "csch"):
            sinh = real.divide(real.subtract(real.exp(x), real.exp(real.negate(x))), TWO)
            return sinh if name == "sinh" else real.divide(ONE, sinh)
        if name in ("cosh", "sech"):
            cosh = real.divide(real.add(real.exp(x), real.exp(real.negate(x))), TWO)
            return cosh if name == "cosh" else real.divide(ONE, cosh)
        if name == "tanh":
            return real.divide(self._hyperbolic("sinh", x), self._hyperbolic("cosh", x))
        if name == "coth":
            return real.divide(self._hyperbolic("cosh", x), self._hyperbolic("sinh", x))
        if name == "arsinh":
            return real.log(real.add(x, real.root(real.add(square, ONE), 2)))
        if name == "arcosh":
            if real.sign(real.subtract(x, ONE)) < 0:
                raise Undefined()
            return real.log(
                real.add(x, real.root(real.absolute(real.subtract(square, ONE)), 2))
            )
        if name == "artanh":
            return real.divide(
                real.log(real.divide(real.add(ONE, x), real.subtract(ONE, x))), TWO
            )
        raise NoNumber(name)

    def _complex_function(self, name, z):
        i = Value(ZERO, ONE)
        forth = self._exp(self.multiply(i, z))
        back = self._exp(self._negate(self.multiply(i, z)))
        cos = self.divide(self.add(forth, back), Value(TWO, None))
        sin = self.divide(self.subtract(forth, back), Value(ZERO, TWO))
        if name == "cos":
            return cos
        if name == "sin":
            return sin
        if name == "tan":
            return self.divide(sin, cos)
        raise NoNumber(name)

    def _determinant(self, rows):
        size = len(rows)
        if any(len(row) != size for row in rows) or size > 8:
            raise NoNumber("determinant")
        m = [[self.of(entry) for entry in row] for row in rows]
        result = Value(ONE, None)
        for k in range(size):
            at = next((i for i in range(k, size) if not self.is_zero(m[i][k])), None)
            if at is None:
                return Value(ZERO, None)
            pivot_row = m[at]
            pivot = pivot_row[k]
            if at != k:
                m[at] = m[k]
                m[k] = pivot_row
                result = self._negate(result)
            result = self.multiply(result, pivot)
            for i in range(k + 1, size):
                row = m[i]
                factor = self.divide(row[k], pivot)
                m[i] = [
                    entry
                    if j < k
                    else self.subtract(entry, self.multiply(factor, pivot_row[j]))
                    for j, entry in enumerate(row)
                ]
        return result

    def _unknown(self, name, args):
        """The value of an unknown function: one that no other expression is likely to have."""
        seed = 7
        for character in name:
            seed = (seed * 31 + first_unit(character)) % 1009
        mixed = Value(ZERO, None)
        for i, arg in enumerate(args):
            mixed = self.add(mixed, self.multiply(arg, Value(Exact(i * 17 + 1), None)))
        shifted = self.add(self.multiply(mixed, mixed), Value(Exact(seed + 2), None))
        return self.add(
            self.multiply(mixed, Value(Exact(seed, 11), None)),
            self.divide(Value(Exact(seed + 5), None), shifted),
        )


# Units.


def _exact_of(text):
    over, _, under = text.partition("/")
    before, _, after = over.partition(".")
    return Exact(int(before + after), int(under or "1") * 10 ** len(after))


# The names of each kind of unit, with their size in its first unit.
UNITS = {}
for _kind, _all in (
    (
        "length",
        "mm,millimeter,millimetre=0.001 cm,centimeter,centimetre=0.01 dm,decimeter,decimetre=0.1 "
        "m,meter,metre=1 km,kilometer,kilometre=1000 in,inch,inche=0.0254 ft,foot,feet=0.3048 "
        "yd,yard=0.9144 mi,mile=1609.344",
    ),
    ("time", "ms,millisecond=0.001 s,sec,second=1 min,minute=60 h,hr,hour=3600 day=86400 week,wk=604800"),
    ("months", "month=1 year,yr=12"),
    (
        "mass",
        "mg,milligram=0.001 g,gm,gram=1 kg,kilogram=1000 tonne=1000000 oz,ounce=28.349523125 "
        "lb,pound=453.59237",
    ),
    ("volume", "ml,milliliter,millilitre=0.001 cl=0.01 dl=0.1 l,liter,litre=1"),
    ("gallons", "cup=1 pint,pt=2 quart,qt=4 gallon,gal=16"),
    ("area", "acre=1 hectare,ha=2.4710538146717"),
    ("money", "cent,¢=1/100 dollar,usd,buck=1"),
    ("euros", "euro,eur=1"),
    ("sterling", "gbp=1"),
    ("angle", "degree,deg=1"),
    ("radians", "radian,rad=1"),
    ("celsius", "degreesc,celsiu=1"),
    ("fahrenheit", "degreesf,fahrenheit=1"),
    ("units", "unit,un=1"),
):
    for _entry in _all.split(" "):
        _names, _, _size = _entry.partition("=")
        for _name in _names.split(","):
            UNITS[_name] = (_kind, _exact_of(_size))

POWERS = {"square": 2, "squared": 2, "sq": 2, "cubic": 3, "cubed": 3, "cu": 3}
ABBREVIATIONS = {
    "mph": ["mile", "/", "hour"],
    "kph": ["km", "/", "hour"],
    "kmh": ["km", "/", "hour"],
    "cc": ["cm", "^3"],
}
ARTICLES = {"a", "an", "the", "of", "and", "or"}

# Its kinds ("length^2", None where the words are no known unit), its size, its words.
Unit = namedtuple("Unit", "kinds factor words")
UNIT_SPLIT = re.compile(S + r"+|(?=[/^])|(?<=[/])")
UNIT_POWER = re.compile(r"\^\{?(-?[0-9])\}?")


def _plain_word(word):
    lower = word.lower().replace(".", "")
    if lower in UNITS or lower in ABBREVIATIONS or lower in POWERS:
        return lower
    if units_of(lower) > 2 and lower.endswith("s") and not lower.endswith("ss"):
        return lower[:-1]
    return lower


def unit_of(text):
    text = re.sub(r"\*\*|·|⋅", " ", text)
    text = re.sub(r"\bper\b", "/", text, flags=re.I | re.A)
    parts = []
    for part in UNIT_SPLIT.split(text):
        if part != "":
            parts.extend(ABBREVIATIONS.get(_plain_word(part), [part]))
    kinds = {}
    words = []
    n, d = 1, 1
    sign, power, is_known = 1, 1, True
    last = None
    for part in parts:
        times = None
        if part == "/":
            sign = -1
            words.append(part)
            continue
        exponent = UNIT_POWER.fullmatch(part)
        word = _plain_word(part)
        named = POWERS.get(word)
        if exponent or (named is not None and word.endswith("ed")):
            raised = int(exponent.group(1)) if exponent else named
            words.append("^%d" % raised)
            if last is None:
                is_known = False
                continue
            times = raised - 1
        elif named is not None:
            power = named
            words.append("^%d" % named)
            continue
        elif word in ARTICLES:
            continue
        else:
            words.append(word)
            unit = UNITS.get(word)
            if unit is None:
                is_known = False
                continue
            last = (unit[0], unit[1], sign)
            times = power
            power = 1
        kind, size, way = last
        kinds[kind] = kinds.get(kind, 0) + times * way
        up = times * way > 0
        for _ in range(abs(times)):
            n *= size.n if up else size.d
            d *= size.d if up else size.n
    signature = " ".join(sorted("%s^%d" % (kind, times) for kind, times in kinds.items() if times))
    return Unit(
        signature if is_known and words else None,
        Exact(n, d) if is_known else Exact(1),
        words,
    )


def _general(kinds):
    if kinds is None:
        return None
    kinds = re.sub(r"^area\^1\Z", "units^2", kinds)
    kinds = re.sub(r"^(?:volume|gallons)\^1\Z", "units^3", kinds)
    return re.sub("^length", "units", kinds)


def units_agree(a, b):
    if a.kinds == "" or b.kinds == "":
        return a.kinds == b.kinds
    if (a.kinds or "").startswith("units") or (b.kinds or "").startswith("units"):
        return _general(a.kinds) == _general(b.kinds)
    if a.kinds is not None or b.kinds is not None:
        return a.kinds == b.kinds
    few, many = (a.words, b.words) if len(a.words) <= len(b.words) else (b.words, a.words)
    return all(word in many for word in few)


# Tokens.


class Token:
    """One symbol of an answer: its kind, its one spelling, whether a blank precedes it."""

    __slots__ = ("kind", "text", "blank", "value", "decimal", "unit", "marked")

    def __init__(
        self, kind, text, blank=False, value=None, decimal=False, unit=None, marked=False
    ):
        self.kind = kind
        self.text = text
        self.blank = blank
        self.value = value
        self.decimal = decimal
        self.unit = unit
        self.marked = marked

    def but(self, **parts):
        values = {name: getattr(self, name) for name in self.__slots__}
        return Token(**{**values, **parts})


def _words(text):
    return text.split(" ")


LOOKS = set(
    _words(
        "left right middle big Big bigg Bigg bigl bigr Bigl Bigr biggl biggr Biggl Biggr bigm Bigm "
        "displaystyle textstyle scriptstyle scriptscriptstyle limits nolimits mathstrut "
        "strut null bf it rm sf tt em cal mathop mathrel mathbin mathord mathopen mathclose "
        "allowbreak nobreak noindent centering large Large small normalsize hfill mathbf mathit "
        "mathsf mathtt boldsymbol bm pmb mathnormal mathrm operatorname mathcal mathscr mathfrak "
        "underline underbrace overbrace therefore because relax smash mathchoice cancel"
    )
)
FRAMES = {"boxed", "fbox", "framebox", "ensuremath"}
STYLES = set(
    _words(
        "mathbf mathit mathsf mathtt boldsymbol bm pmb mathnormal mathrm operatorname mathcal "
        "mathscr mathfrak"
    )
)
ALIGNMENTS = set(
    _words(
        "aligned align gathered gather equation split displaymath math alignedat flalign multline"
    )
)
TEXTS = set(
    _words("text textbf textrm textit textsf texttt textup textsc textnormal mbox hbox emph")
)
BLANKS = set(
    _words(
        "quad qquad enspace enskip thinspace medspace thickspace space hspace vspace hskip "
        "negthinspace"
    )
)

SYMBOLS = {}
for _line in _words(
    "≤=le,leq,leqslant,leqq,lesssim ≥=ge,geq,geqslant,geqq,gtrsim ≠=ne,neq,not= <=lt "
    "≈=approx,sim,simeq,thickapprox,cong,doteq ∈=in,isin ∉=notin ∪=cup,bigcup ∩=cap,bigcap "
    "∖=setminus,smallsetminus,backslash ±=pm ∓=mp ∞=infty,infin "
    "*=cdot,times,ast,star,bullet,centerdot,cdotp /=div,slash :=colon,ratio "
    "|=vert,lvert,rvert,mid ‖=Vert,lVert,rVert,| ⟨=langle ⟩=rangle ⌊=lfloor ⌋=rfloor ⌈=lceil "
    "⌉=rceil (=lparen,lgroup )=rparen,rgroup [=lbrack ]=rbrack ⦃=lbrace,{ ⦄=rbrace,} "
    "…=ldots,cdots,dots,dotsc,dotsb,dotso,vdots,ddots '=prime °=degree,textdegree %=textpercent "
    "∅=emptyset,varnothing,O $=textdollar,$ →=to,rightarrow,longrightarrow,mapsto "
    "⇒=implies,Rightarrow,Longrightarrow ⇔=iff,Leftrightarrow,Longleftrightarrow ∨=lor,vee "
    "∧=land,wedge ⊂=subset ⊆=subseteq ≡=equiv >=gt"
):
    _sign, _, _names = _line.partition("=")
    for _name in _names.split(","):
        SYMBOLS[_name] = _sign

GREEK = set(
    _words(
        "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron rho sigma "
        "tau upsilon phi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega pi"
    )
)
GREEK_LETTERS = dict(
    zip(
        "αβγδεζηθικλμνξοπρστυφχψω",
        _words(
            "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho "
            "sigma tau upsilon phi chi psi omega"
        ),
    )
)
VARIANTS = {
    "varepsilon": "epsilon",
    "vartheta": "theta",
    "varphi": "phi",
    "varrho": "rho",
    "varsigma": "sigma",
    "varpi": "pi",
    "ϕ": "phi",
    "ϵ": "epsilon",
    "ϑ": "theta",
    "ς": "sigma",
    "Δ": "Delta",
    "Γ": "Gamma",
    "Θ": "Theta",
    "Λ": "Lambda",
    "Π": "Pi",
    "Σ": "Sigma",
    "Φ": "Phi",
    "Ψ": "Psi",
    "Ω": "Omega",
}

CALLS = {
    name: name
    for name in _words(
        "sin cos tan cot sec csc arcsin arccos arctan arccot arcsec arccsc sinh cosh tanh coth sech "
        "csch arsinh arcosh artanh ln log exp sqrt max min gcd lcm det frac binom over choose overline"
    )
}
for _line in _words(
    "binomial=binom factorial=factorial cosec=csc asin=arcsin acos=arccos atan=arctan "
    "arcsinh=arsinh arccosh=arcosh arctanh=artanh asinh=arsinh acosh=arcosh atanh=artanh tg=tan "
    "ctg=cot cotg=cot arctg=arctan lg=lg lb=lb abs=abs floor=floor ceil=ceil cbrt=cbrt"
):
    _name, _, _sign = _line.partition("=")
    CALLS[_name] = _sign
COMMAND_CALLS = {
    "dfrac": "frac",
    "tfrac": "frac",
    "cfrac": "frac",
    "sfrac": "frac",
    "nicefrac": "frac",
    "flatfrac": "frac",
    "dbinom": "binom",
    "tbinom": "binom",
    "surd": "sqrt",
    "bar": "overline",
    "brace": "choose",
}
ONLY_COMMANDS = {"frac", "over", "choose", "overline", "lb", "tg", "sec"}
MARKS = set(
    _words(
        "vec hat widehat tilde widetilde dot ddot overrightarrow overleftarrow overleftrightarrow "
        "check breve acute grave mathring"
    )
)

SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹"
SUBSCRIPTS = "₀₁₂₃₄₅₆₇₈₉"
FRACTIONS = {
    text[0]: text[1:].split("/")
    for text in _words(
        "½1/2 ⅓1/3 ⅔2/3 ¼1/4 ¾3/4 ⅕1/5 ⅖2/5 ⅗3/5 ⅘4/5 ⅙1/6 ⅚5/6 ⅐1/7 ⅛1/8 ⅜3/8 ⅝5/8 ⅞7/8 ⅑1/9 ⅒1/10"
    )
}
SIGNS = {}
for _sign, _all in (
    ("-", "−–—‐‑‒﹣－"),
    ("*", "×·⋅∙•∗✕✖"),
    ("/", "÷⁄∕"),
    ("≤", "⩽≦≲"),
    ("≥", "⩾≧≳"),
    ("≈", "∼≃≅≒"),
    ("∖", "∖⧵"),
    ("∅", "Øø∅"),
    ("'", "′’‘ʹ"),
    ("°", "˚º"),
    ("…", "⋯⋮"),
    (",", "，、"),
    (";", "；"),
    (":", "：∶"),
    ("|", "∣｜"),
    ("‖", "∥"),
    ("∨", "⋁"),
    ("∧", "⋀"),
):
    for _name in _all:
        SIGNS[_name] = _sign
OWN_SIGNS = set(".+-*/^_()[]|,;:=<>!'&°%≤≥≠≈∈∉∪∩∖±∓∞⟨⟩⌊⌋⌈⌉…∅→⇒⇔∨∧⊂⊆≡‖")
COMMAND_SIGNS = {
    "∠": "\\angle",
    "△": "\\triangle",
    "∆": "Delta",
    "ℓ": "\\ell",
    "∑": "\\sum",
    "∏": "\\prod",
    "∫": "\\int",
    "∂": "\\partial",
    "µ": "mu",
    "ℏ": "\\hbar",
}
BOARDS = {"ℝ": "R", "ℂ": "C", "ℚ": "Q", "ℤ": "Z", "ℕ": "N"}
CURRENCIES = {"€": "euros", "£": "gbp", "¥": "yen", "¢": "cents"}
CONNECTORS = {"and", "or", "&", "and/or"}
TWO_LETTER_WORDS = set(
    _words("no is of to by if in at on we an as it be do so up us my me he am pm AM PM")
)
BARE_UNITS = set(
    _words(
        "mm cm dm km kg mg lb lbs oz gm gms ft in yd mi hr hrs min mins sec secs ms ml mL cl dl mph "
        "kph kmh Hz kHz kW kWh kJ kPa kN rad sq cu pts USD cents dollars"
    )
)
UNIT_LETTERS = set(_words("m g s h l L N J W V K"))
JOINED = {
    "<=": "≤",
    "=<": "≤",
    ">=": "≥",
    "=>": "≥",
    "!=": "≠",
    "==": "=",
    "<>": "≠",
    ":=": "=",
    "->": "→",
}


def is_digit(c):
    return c != "" and "0" <= c <= "9"


def is_ascii_letter(c):
    return c != "" and ("a" <= c <= "z" or "A" <= c <= "Z")


def is_letter(c):
    """Whether a character of Unicode's first plane is a letter."""
    return c != "" and ord(c) <= 0xFFFF and unicodedata.category(c)[0] == "L"


def _plain_character(c):
    code = ord(c)
    if code < 0x80:
        return c
    if 0x1D400 <= code <= 0x1D7FF:
        return unicodedata.normalize("NFKC", c)
    if 0xFF01 <= code <= 0xFF5E:
        return chr(code - 0xFEE0)
    for zero in (0x0660, 0x06F0, 0x0966):
        if zero <= code < zero + 10:
            return str(code - zero)
    return c


NEIGHBOURS = re.compile("[a-d]+|[p-t]+|[u-z]+|[bcdfghjklmnpqrstvwxyz]+")


def _is_product(run):
    if len(run) == 2:
        return (run.lower() if re.fullmatch("[A-Z][a-z]", run) else run) not in TWO_LETTER_WORDS
    if len(run) > 4 or run != run.lower():
        return False
    return NEIGHBOURS.fullmatch(run) is not None


MOST_TOKENS = 1500
MOST_EXPONENTS = 4000

EXPONENT = re.compile(r"[eE]([-+]?)([0-9]{1,3})(?![0-9.])")
RATE = re.compile(r"/(?:s|h|hr|min|sec|L|mL|cm|m)(?![A-Za-z(])")
CLOCK = re.compile(r"\.m\.?", re.I | re.A)
CENT = re.compile(S + "+cent(?![a-z])")
UNION = re.compile(S + r"*(?:\\left" + S + r"*)?[(\[\\]")
TEN_TO = re.compile(S + "+10" + S + r"*(?:\^|\*\*|[⁻⁰¹²³⁴-⁹])")
ROW_SIZE = re.compile(S + r"*\[[0-9.]*" + S + r"*(?:pt|em|ex|mm|cm)\]")
BOARD = re.compile(r"\{?" + S + "*([A-Z])" + S + r"*\}?")
DELIMITERS = re.compile(r"\\(?:left|right)(?![A-Za-z])")
STYLED_WORD = re.compile("[A-Za-z][A-Za-z .]+")
SEPARATOR = re.compile(",|;|(?<!%s)(?:and|or)(?!%s)" % (NOT_S, NOT_S))
CHOICE = re.compile(r"\(?([A-Z])\)?[.:]?")
RAISED_CIRCLE = re.compile(S + r"*(?:\\circ(?![A-Za-z])|\{" + S + r"*\\circ" + S + r"*\})")
RAISED_PRIME = re.compile(S + r"*(?:\\prime(?![A-Za-z])|\{" + S + r"*\\prime" + S + r"*\})")
NO_BASE = re.compile(r"\}" + S + r"*[\^_]")
BRACKET = re.compile(S + r"*\(")


def tokens_of(text):
    return Lexer(text).tokens


class Lexer:
    """Splits an answer into tokens, in time linear in its length."""

    def __init__(self, text):
        self.tokens = []
        self.text = "".join(_plain_character(c) for c in text)
        self.closing = {}
        self.at = 0
        self.blank = False
        self.in_text = False
        self.exponents = 0
        self.matrices = 0
        self.aligned = 0
        opened = []
        i = 0
        while i < len(self.text):
            c = self.text[i]
            if c == "\\":
                i += 1
            elif c == "{":
                opened.append(i)
            elif c == "}" and opened:
                self.closing[opened.pop()] = i
            i += 1
        self._run(len(self.text))
        self.tokens.append(Token("end", ""))

    def _run(self, end):
        while self.at < end:
            self._step()

    def _push(self, kind, text, **more):
        if len(self.tokens) >= MOST_TOKENS:
            raise TooCostly()
        self.tokens.append(Token(kind, text, self.blank, **more))
        self.blank = False

    def _peek(self, ahead=0):
        at = self.at + ahead
        return self.text[at] if at < len(self.text) else ""

    def _match(self, pattern, length):
        """Where a pattern begins here, among so many characters."""
        return pattern.match(self.text[self.at : self.at + length])

    def _last(self):
        return self.tokens[-1] if self.tokens else None

    def _skip_blanks(self):
        while self.at < len(self.text) and self._is_blank(self._peek()):
            self.at += 1

    @staticmethod
    def _is_blank(c):
        return c == "~" or is_space(c)

    def _step(self):
        c = self._peek()
        if self._is_blank(c):
            self.at += 1
            self.blank = True
        elif is_digit(c) or (c == "." and is_digit(self._peek(1))):
            self._number()
        elif is_ascii_letter(c):
            self._letters()
        elif c == "\\":
            self._command()
        else:
            self._sign(c)

    def _digits(self):
        start = self.at
        while is_digit(self._peek()):
            self.at += 1
        return self.text[start : self.at]

    def _number(self):
        start = self.at
        before = self._digits()
        after = ""
        decimal = False
        # A point after digits belongs to the number if a digit or an overline follows.
        if self._peek() == "." and (
            is_digit(self._peek(1))
            or self.text.startswith(("\\overline", "\\bar", "\\dot{"), self.at + 1)
        ):
            self.at += 1
            after = self._digits()
            decimal = True
        exponent = 0
        power = self._match(EXPONENT, 8)
        if power:
            sign, size = power.groups()
            looks_right = (
                decimal or power.group().startswith("E") or len(size) > 1 or before == "1"
            )
            if sign == "" or looks_right:
                self.at += power.end()
                exponent = -int(size) if sign == "-" else int(size)
                self.exponents += int(size)
                if self.exponents > MOST_EXPONENTS:
                    raise TooCostly()
        by = exponent - len(after)
        n = int(before + after or "0")
        value = Exact(n * 10**by) if by >= 0 else Exact(n, 10**-by)
        self._push(
            "number",
            self.text[start : self.at],
            value=value,
            decimal=decimal and value.n % value.d != 0,
        )

    def _is_behind_value(self):
        previous = self._last()
        if not previous:
            return False
        return previous.kind in ("number", "letter") or (
            len(previous.text) == 1 and previous.text in ")}%°⦄|"
        )

    def _letters(self):
        start = self.at
        while is_ascii_letter(self._peek()):
            self.at += 1
        run = self.text[start : self.at]
        previous = self._last()
        lower = run.lower()
        behind_value = self._is_behind_value()
        behind_unit = (
            previous is not None
            and previous.kind == "word"
            and previous.text in ("sq", "cu", "square", "cubic")
        )
        is_unit = (
            (behind_value or behind_unit) and run in BARE_UNITS and not self._match(BRACKET, 8)
        )
        # `5 m/s`
        rate = (
            self._match(RATE, 5)
            if behind_value and self.blank and run in ("m", "g", "L")
            else None
        )
        clock = self._match(CLOCK, 3) if self.in_text else None
        if clock and lower in ("a", "p"):
            self.at += clock.end()
            self._push("word", lower + "m")
        elif lower in ("and", "or"):
            self._push("symbol", lower)
        elif rate:
            self.at += rate.end()
            self._push("word", run + rate.group())
        elif lower == "per" and behind_value and self._match(CENT, 12):
            while self._is_blank(self._peek()):
                self.at += 1
            self.at += len("cent")
            self._push("symbol", "%")
        elif (
            run == "U"
            and previous is not None
            and previous.text in (")", "]", "⦄")
            and self._match(UNION, 12)
        ):
            self._push("symbol", "∪")
        elif run == "in" and previous is not None and previous.kind == "letter":
            self._push("symbol", "∈")
        elif lower in ("percent", "percents", "pct") and behind_value:
            self._push("symbol", "%")
        elif lower in ("deg", "degree", "degrees") and behind_value:
            self._push("symbol", "°")
        elif lower in ("inf", "infty", "infinity", "oo"):
            self._push("symbol", "∞")
        elif (
            run == "x"
            and self.blank
            and previous is not None
            and previous.kind == "number"
            and self._match(TEN_TO, 12)
        ):
            self._push("symbol", "*")
        elif run == "log" and self.text[self.at : self.at + 3].startswith(("2(", "10(")):
            self._push("call", "log")
            self._push("symbol", "_")
        elif run == "Matrix" and self._peek() == "(":
            return
        elif len(run) == 1 or run in GREEK:
            self._push("letter", run)
        elif is_unit:
            self._push("word", run)
        elif lower in CALLS and lower not in ONLY_COMMANDS:
            self._push("call", CALLS[lower])
        elif _is_product(run) or (
            len(run) == 2 and previous is not None and previous.text in ("-", "+", "*", "/")
        ):
            for letter in run:
                self._push("letter", letter)
        else:
            # `sinx`: the name of a function and one variable.
            name = CALLS.get(lower[:-1])
            if (
                name is not None
                and name not in ONLY_COMMANDS
                and run[-1] in "xyzt"
                and len(lower) > 2
            ):
                self._push("call", name)
                self._push("letter", run[-1])
            else:
                self._push("word", run)

    def _command(self):
        following = self._peek(1)
        if not is_ascii_letter(following):
            self.at += 2
            if following == "\\":
                # `\\[2pt]` and `\\*` are row ends with a size.
                self._push(
                    "symbol", "," if self.aligned > 0 and self.matrices <= 0 else "\\\\"
                )
                size = self._match(ROW_SIZE, 16)
                if size:
                    self.at += size.end()
            elif following == "!":
                # After a comma it means that the comma groups digits.
                last = self._last()
                if last and last.text == "," and last.kind == "symbol":
                    self.tokens[-1] = last.but(marked=True)
            elif following == "" or following in " ,;:>\n\t/()[]":
                # `\(`, `\[` and blanks
                self.blank = True
            elif following == "%":
                self._push("symbol", "%")
            elif following in SYMBOLS:
                self._push("symbol", SYMBOLS[following])
            elif following in "&#_":
                self._push("symbol", following)
            else:
                raise NotRead("\\" + following)
            return
        self.at += 1
        start = self.at
        while is_ascii_letter(self._peek()):
            self.at += 1
        self._named(self.text[start : self.at])

    def _named(self, name):
        if name in BLANKS:
            self.blank = True
            if ("space" in name or "skip" in name) and self._peek() == "{":
                self._skip_argument()
        elif name == "circ":
            self._push("symbol", "°")
        elif name in (
            "phantom", "hphantom", "vphantom", "label", "tag", "color", "textcolor", "colorbox",
        ):  # fmt: skip
            self._skip_argument()
            # A phantom is invisible but takes up space.
            self.blank = self.blank or name.endswith("phantom")
        elif name in TEXTS or name in STYLES:
            self._styled(name in TEXTS)
        elif name in ("mathbb", "Bbb"):
            self._board()
        elif name in ("begin", "end"):
            self._environment(name)
        elif name in ("left", "right", "middle"):
            self._skip_blanks()
            if self._peek() == ".":
                self.at += 1
        elif name in FRAMES:
            self._framed()
        elif name in LOOKS:
            return
        elif name == "not":
            self._skip_blanks()
            start = len(self.tokens)
            if self.at >= len(self.text):
                raise NotRead("\\not")
            self._step()
            text = self.tokens[start].text if start < len(self.tokens) else ""
            negated = {"=": "≠", "∈": "∉"}.get(text)
            if negated is None:
                raise NotRead("\\not")
            del self.tokens[start:]
            self._push("symbol", negated)
        elif name in SYMBOLS:
            self._push("symbol", SYMBOLS[name])
        elif name in GREEK:
            self._push("letter", name)
        elif name in VARIANTS:
            self._push("letter", VARIANTS[name])
        elif name in COMMAND_CALLS:
            self._push("call", COMMAND_CALLS[name])
        elif name in CALLS:
            self._push("call", CALLS[name])
        elif name in MARKS:
            self._push("call", "mark " + name)
        else:
            self._push("letter", "\\" + name)

    def _framed(self):
        self._skip_blanks()
        end = self.closing.get(self.at)
        if end is None:
            return
        self.at += 1
        self._run(end)
        self.at = end + 1

    def _skip_argument(self):
        self._skip_blanks()
        end = self.closing.get(self.at)
        self.at = self.at + 1 if end is None else end + 1

    def _board(self):
        self._skip_blanks()
        found = self._match(BOARD, 8)
        if not found:
            raise NotRead("\\mathbb")
        self.at += found.end()
        self._push("letter", "\\mathbb{" + found.group(1) + "}")

    def _environment(self, name):
        self._skip_blanks()
        end = self.closing.get(self.at)
        if end is None:
            raise NotRead("\\" + name)
        environment = trim(self.text[self.at + 1 : end])
        if environment.endswith("*"):
            environment = environment[:-1]
        self.at = end + 1
        by = 1 if name == "begin" else -1
        if environment in ALIGNMENTS:
            self.aligned += by
            self.blank = True
            return
        self.matrices += by
        self._push("begin" if name == "begin" else "close", environment)
        if name == "begin" and environment == "array":
            # `{cc}`: the alignment of the columns.
            self._skip_blanks()
            if self._peek() == "{":
                self._skip_argument()

    def _styled(self, is_text):
        self._skip_blanks()
        end = self.closing.get(self.at)
        if end is None:
            if self._peek() == "{":
                raise NotRead("a brace that never closes")
            return
        content = DELIMITERS.sub("", self.text[self.at + 1 : end])
        inner = trim(content)
        starts_blank = content != "" and is_space(content[0])
        ends_blank = content != "" and is_space(content[-1])
        if not is_text:
            # `5\,\mathrm{m}`: a letter apart from the value before it is a unit.
            is_unit = self.blank and inner in UNIT_LETTERS and self._is_behind_value()
            if not is_unit and not STYLED_WORD.fullmatch(inner):
                return
            self.at = end + 1
            self._text_words(inner, starts_blank)
            return
        if inner in UNIT_LETTERS and self._is_behind_value():
            self.at = end + 1
            self._push("text", inner)
            return
        if (len(inner) == 1 and is_ascii_letter(inner)) or (
            re.search("[0-9]", inner) and not re.search(r"\\[^$%]", inner)
        ):
            self.at += 1
            self.blank = self.blank or starts_blank
            self.in_text = True
            self._run(end)
            self.in_text = False
            self.at = end + 1
            self.blank = ends_blank
            return
        self.at = end + 1
        self._text_words(inner, starts_blank)
        if ends_blank:
            self.blank = True

    def _text_words(self, content, blank):
        """Reads the words of a text. Commas, "and" and "or" separate the items of a list."""
        self.blank = self.blank or blank
        name = content.lower()
        if name in CONNECTORS:
            self._push("symbol", "or" if name == "or" else "and")
        elif self._is_behind_value() and content in BARE_UNITS:
            self._push("text", content)
        elif name in CALLS and name not in ONLY_COMMANDS:
            self._push("call", CALLS[name])
        elif name in ("percent", "percents", "per cent", "pct", "pct."):
            self._push("symbol", "%")
        elif name in ("deg", "deg.", "degree", "degrees"):
            self._push("symbol", "°")
        elif content == "":
            self.blank = True
        else:
            connectives = SEPARATOR.findall(content)
            for i, part in enumerate(SEPARATOR.split(content)):
                last = self._last()
                if i > 0 and not (last and last.text == ","):
                    by = connectives[i - 1]
                    self._push("symbol", "," if by == ";" else by)
                own = trim(part)
                choice = CHOICE.fullmatch(own)
                if choice:
                    self._push("letter", choice.group(1), marked=own.startswith("("))
                elif own != "":
                    self._push("text", own)

    def _sign(self, c):
        self.at += 1
        if c == "$":
            return
        if c == "*" and self._peek() == "*":
            self.at += 1
            self._push("symbol", "^")
            return
        if c == "{" and self.text.startswith("{,}", self.at - 1):
            self.at += 2
            self._push("symbol", ",", marked=True)
            return
        if c == "+" and self.text.startswith("/-", self.at):
            self.at += 2
            self._push("symbol", "±")
            return
        # `3!=6` means that the factorial is 6; `x!=6` means that x is not 6.
        last = self._last()
        is_factorial = c == "!" and last is not None and last.kind == "number"
        joined = None if is_factorial else JOINED.get(c + self._peek())
        if joined is not None:
            self.at += 1
            self._push("symbol", joined)
            return
        if c == "." and self.text.startswith("..", self.at):
            self.at += 2
            self._push("symbol", "…")
            return
        # A full stop after a word has no meaning.
        if c == "." and last is not None and last.kind == "word":
            return
        if c == "^":
            degree = self._match(RAISED_CIRCLE, 24)
            found = degree or self._match(RAISED_PRIME, 24)
            if found:
                self.at += found.end()
                self._push("symbol", "°" if degree else "'")
                return
        if c == "ⁿ":
            self._push("symbol", "^")
            self._push("letter", "n")
            return
        if c in SUPERSCRIPTS or c == "⁻":
            self._raised(c, "^", SUPERSCRIPTS)
            return
        if c in SUBSCRIPTS:
            self._raised(c, "_", SUBSCRIPTS)
            return
        if c in FRACTIONS:
            self._push("call", "frac")
            for part in FRACTIONS[c]:
                self._push("symbol", "{")
                self._push("number", part, value=Exact(int(part)))
                self._push("symbol", "}")
            return
        if c in BOARDS:
            self._push("letter", "\\mathbb{" + BOARDS[c] + "}")
            return
        if c in GREEK_LETTERS:
            self._push("letter", GREEK_LETTERS[c])
            return
        if c in VARIANTS:
            self._push("letter", VARIANTS[c])
            return
        if c == "√":
            self._push("call", "sqrt")
            return
        if c == "∛":
            self._push("call", "cbrt")
            return
        if c in COMMAND_SIGNS:
            self._push("letter", COMMAND_SIGNS[c])
            return
        if c == "⊤":
            self._push("letter", "\\top")
            return
        if c in '"“”„`\u200b\ufeff\u200c\u200d\u2061\u2062':
            return
        money = CURRENCIES.get(c)
        if money is not None:
            if money != "cents" and not self._is_behind_value():
                self._push("symbol", "$", unit=money)
            else:
                self._push("text", money)
            return
        # `{}^\circ`: a superscript without a base.
        if c == "{" and self._match(NO_BASE, 8):
            self.at += 1
            return
        if c in "{}":
            self._push("symbol", c)
            return
        sign = SIGNS.get(c, c)
        if sign not in OWN_SIGNS:
            if is_letter(c):
                self._foreign_word(c)
                return
            raise NotRead(c)
        if sign == "&" and self.aligned > 0 and self.matrices <= 0:
            self.blank = True
        else:
            self._push("symbol", sign)

    def _raised(self, first, operator, digits):
        text = ""
        c = first
        while c != "" and (c in digits or c == "⁻"):
            text += "-" if c == "⁻" else str(digits.index(c))
            if len(text) > 1:
                self.at += 1
            c = self._peek()
        negative = text.startswith("-")
        number = text.replace("-", "", 1)
        if not re.fullmatch("[0-9]+", number):
            raise NotRead("a raised sign")
        self._push("symbol", operator)
        self._push("symbol", "{")
        if negative:
            self._push("symbol", "-")
        self._push("number", number, value=Exact(int(number)))
        self._push("symbol", "}")

    def _foreign_word(self, first):
        text = first
        while is_letter(self._peek()):
            text += self._peek()
            self.at += 1
        self._push("word", text)


# The parser.

DEEPEST = 60
END = Token("end", "")
RELATIONS = set("=≠<≤>≥≈∈∉→≡⊂⊆⇒⇔")
CLOSERS = {"(": [")", "]"], "[": ["]", ")", "["], "]": ["[", "]"], "⟨": ["⟩"]}
FUNCTION_LETTERS = {"f", "g", "h"}
LEADS = set(
    _words(
        "is are be equals equal answer both either about approximately approx roughly exactly get "
        "gives obtain thus hence so therefore"
    )
)
BASE_NAMES = {
    name: i + 2
    for i, name in enumerate(
        _words(
            "two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
            "sixteen"
        )
    )
}
MULTIPLIERS = {
    name: Exact(100 if i == 0 else 1000**i)
    for i, name in enumerate(_words("hundred thousand million billion trillion"))
}
MULTIPLIERS["dozen"] = Exact(12)
for _i, _name in enumerate(_words("third fourth fifth sixth seventh eighth ninth tenth")):
    MULTIPLIERS[_name + "s"] = Exact(1, _i + 3)
MULTIPLIERS["hundredths"] = Exact(1, 100)
MULTIPLIERS["thousandths"] = Exact(1, 1000)
MULTIPLIERS["halves"] = Exact(1, 2)

DIGITS = re.compile("[0-9]+")
THREE_DIGITS = re.compile(r"[0-9]{3}(?:\.[0-9]+)?")
CAPITALS = re.compile("[A-Z]+")
EVENT_NAME = re.compile(r"\\(?:Pr|mathbb\{[PE]\})")


def _number(value):
    return Node("number", value=value, decimal=False)


def _whole(node):
    return node.value.n if node.kind == "number" and node.value.d == 1 else None


def _is_plain_integer(token):
    return token.kind == "number" and DIGITS.fullmatch(token.text) is not None


def _is_one_of(text, characters):
    return len(text) == 1 and text in characters


def _value_of_digits(text):
    before, _, after = text.partition(".")
    return {
        "value": Exact(int(before + after.split(".")[0]), 10 ** len(after.split(".")[0])),
        "decimal": after != "",
    }


def parse_answer(tokens, grouped=True):
    """Reads one answer. If `grouped` is false, plain commas do not group digits."""
    return Parser(_group_digits(tokens, grouped)).read()


def _token(tokens, at):
    return tokens[at] if 0 <= at < len(tokens) else END


def _group_digits(tokens, grouped):
    result = []
    plain = grouped and _plain_commas_group(tokens)
    depth = 0
    i = 0
    while i < len(tokens):
        token = tokens[i]
        if token.kind == "symbol" and token.text in "([⦃⟨":
            depth += 1
        if token.kind == "symbol" and token.text in ")]⦄⟩":
            depth -= 1
        if not _is_plain_integer(token) or _token(tokens, i - 1).text == "_":
            result.append(token)
            i += 1
            continue
        digits = token.text
        value, decimal, at = token.value, token.decimal, i
        groups = 0
        while len(digits) <= 3 or groups > 0:
            comma = _token(tokens, at + 1)
            is_comma = comma.kind == "symbol" and comma.text == ","
            following = _token(tokens, at + (2 if is_comma else 1))
            if following.kind != "number":
                break
            if (
                is_comma
                and comma.marked
                and groups == 0
                and not re.match(r"[0-9]{3}(?:\.|\Z)", following.text)
            ):
                # `0{,}25`: a decimal comma.
                if not DIGITS.fullmatch(following.text):
                    break
                digits += "." + following.text
                joined = int(token.text + following.text)
                value = Exact(joined, 10 ** len(following.text))
                decimal = joined % value.d != 0
                at += 2
                break
            groups_here = (
                comma.marked or (plain and depth == 0 and not comma.blank and not following.blank)
                if is_comma
                else following.blank
            )
            if (
                not groups_here
                or not THREE_DIGITS.fullmatch(following.text)
                or token.text.startswith("0")
            ):
                break
            digits += following.text
            before, _, after = digits.partition(".")
            n, d = int(before + after), 10 ** len(after)
            value = Exact(n, d)
            decimal = n % d != 0
            at += 2 if is_comma else 1
            if after != "":
                break
            groups += 1
        result.append(
            token if at == i else token.but(text=digits, decimal=decimal, value=value)
        )
        i = at + 1
    return result


def _plain_commas_group(tokens):
    depth = 0
    for i, token in enumerate(tokens):
        if token.kind != "symbol":
            continue
        if token.text in "([⦃⟨":
            depth += 1
        if token.text in ")]⦄⟩":
            depth -= 1
        if token.text != "," or depth != 0 or token.marked:
            continue
        before, after = _token(tokens, i - 1), _token(tokens, i + 1)
        if token.blank or after.blank or after.kind != "number" or before.kind != "number":
            continue
        earlier = _token(tokens, i - 2)
        first = earlier.text != "," or earlier.blank
        fits = "[1-9][0-9]{0,2}" if first else "[0-9]{3}"
        if not re.fullmatch(fits, before.text) or not THREE_DIGITS.fullmatch(after.text):
            return False
    return True


class Parser:
    def __init__(self, tokens):
        self.tokens = tokens
        self.at = 0
        self.depth = 0
        self.bars = 0
        self.money = ""

    def read(self):
        # Drop meaningless tokens at both ends.
        while self.next.kind == "symbol" and _is_one_of(self.next.text, "=≈:⇒→"):
            self.at += 1
        if self.next.text == "^" and len(self.tokens) > 1 and self.tokens[-2].text == "^":
            # **12**, bold in Markdown.
            self.at += 1
            del self.tokens[-2]
        while len(self.tokens) > 2:
            text = self.tokens[-2].text
            if not (_is_one_of(text, ",;!:.") or text == "\\\\"):
                break
            if text == "!" and self.tokens[-3].kind != "text":
                break
            del self.tokens[-2]
        node = self._list([])
        if self.next.kind != "end":
            raise NotRead(self.next.text)
        return node

    @property
    def next(self):
        return self.tokens[self.at] if self.at < len(self.tokens) else END

    def _ahead(self, by):
        return _token(self.tokens, self.at + by)

    def _is(self, text):
        token = self.next
        return token.kind == "symbol" and token.text == text

    def _take(self, text):
        if not self._is(text):
            return False
        self.at += 1
        return True

    def _expect(self, text):
        if not self._take(text):
            raise NotRead("wanted " + text)

    def _deeper(self, read, *args):
        self.depth += 1
        if self.depth > DEEPEST:
            raise NotRead("too deep")
        result = read(*args)
        self.depth -= 1
        return result

    def _list(self, stops):
        """Reads items separated by commas, semicolons, "and" and "or", up to one of `stops`."""
        return self._deeper(self._list_here, stops)

    def _list_here(self, stops):
        items = [self._item()]
        bracketed = ")" in stops or "]" in stops
        by = ","
        while True:
            separated = False
            while True:
                if self._take(",") or self._take(";"):
                    separated = True
                elif bracketed:
                    break
                elif (
                    self._take("and")
                    or self._take("∧")
                    or ("&" not in stops and self._take("&"))
                ):
                    separated = True
                    by = "and"
                elif self._take("or") or self._take("∨"):
                    separated = True
                    by = "or"
                else:
                    break
            if not separated:
                break
            token = self.next
            if token.kind == "end" or (
                token.kind == "symbol" and token.text != "[" and token.text in stops
            ):
                break
            items.append(self._item())
        return items[0] if len(items) == 1 else Node("list", items=items, by=by)

    def _item(self):
        choice = self._choice()
        if choice is not None and self._starts_operand():
            if self.next.marked:
                raise NotRead("two letters of choices")
            return Node("choice", letter=choice, of=self._deeper(self._item))
        if choice is not None:
            return Node("letter", name=choice, choice=True)
        sides = [self._side()]
        by = []
        while self.next.kind == "symbol" and self.next.text in RELATIONS:
            by.append(self.next.text)
            self.at += 1
            sides.append(self._side())
        return sides[0] if not by else Node("relation", sides=sides, by=by)

    def _choice(self):
        token = self.next
        if token.kind == "letter" and token.marked:
            self.at += 1
            return token.text
        if _is_one_of(token.text, "ABCDEFGH") and self._ahead(1).text == ")" and self.at == 0:
            self.at += 2
            return token.text
        letter, close, behind = self._ahead(1), self._ahead(2), self._ahead(3)
        labels = (
            token.text == "("
            and letter.kind == "letter"
            and _is_one_of(letter.text, "ABCDEFGH")
            and close.text == ")"
            and (behind.kind == "number" or behind.text in ("$", "frac"))
        )
        if not labels:
            return None
        self.at += 3
        return letter.text

    def _side(self):
        """Reads one side of a relation, with the words that introduce it."""
        if not self._is_word():
            return self._ratio()
        words = self._words()
        if self._take("_"):
            words += "_" + self._subscript()
        named = self._worded_function(words)
        if named:
            return named
        if not self._starts_operand():
            if self._is(":"):
                self.at += 1
                return Node(
                    "relation", by=["="], sides=[Node("words", text=words), self._side()]
                )
            return Node("words", text=words)
        last = re.split(S + "+", words.lower())[-1]
        bare = last[:-1] if last.endswith((":", ",")) else last
        if bare not in LEADS and not last.endswith(":"):
            raise NotRead("words before a value")
        return self._side()

    def _worded_function(self, name):
        """Reads a function named by words: `\\operatorname{Var}(X) = 3`."""
        if not self._is("("):
            return None
        text = ""
        for by in range(1, 12):
            token = self._ahead(by)
            if token.kind == "end" or token.text == "(":
                return None
            if token.text == ")":
                if self._ahead(by + 1).text != "=":
                    return None
                self.at += by + 1
                return Node("apply", name=name, args=[Node("words", text=text)])
            text += token.text
        return None

    def _is_word(self):
        return self.next.kind in ("word", "text")

    def _words(self):
        words = []
        while True:
            # "x is odd", "a pair": letters between words belong to the words.
            if self._is_word() or (
                self.next.kind == "letter"
                and words
                and self.next.blank
                and self._ahead(1).blank
                and self._ahead(1).kind in ("word", "text")
            ):
                words.append(self.next.text)
            else:
                return " ".join(words)
            self.at += 1

    def _ratio(self):
        start = self.at
        parts = [self._sets()]
        while self._is(":") and self.bars == 0:
            self.at += 1
            parts.append(self._sets())
        if len(parts) == 1:
            return parts[0]
        written = [token for token in self.tokens[start : self.at] if token.kind == "number"]
        clock = (
            len(written) == len(parts)
            and all(
                re.fullmatch("[0-9]{1,2}" if i == 0 else "[0-5][0-9]", token.text)
                for i, token in enumerate(written)
            )
            and int(written[0].text) <= 24
        )
        # The unit in `3:30 pm` applies to the whole ratio.
        last = parts[-1]
        unit = last if last.kind == "quantity" else None
        bare = [*parts[:-1], unit.of] if unit else parts
        ratio = Node("ratio", parts=bare, clock=clock)
        return unit.but(of=ratio) if unit else ratio

    def _sets(self):
        left = self._quantity()
        while True:
            token = self.next
            text = token.text
            if token.kind != "symbol" or text not in ("∪", "∩", "∖"):
                return left
            self.at += 1
            right = self._quantity()
            if left.kind == "sets" and left.operator == text and text != "∖":
                left = left.but(parts=[*left.parts, right])
            else:
                left = Node("sets", operator=text, parts=[left, right])

    def _quantity(self):
        """Reads an expression with its unit: `5 cm`, `\\$5`, `2\\text{ hr }30\\text{ min}`."""
        outer = self.money
        self.money = ""
        of = self._sum()
        unit = self._unit()
        if unit == "":
            unit = self.money
        self.money = outer
        first, _, others = unit.partition(" ")
        multiplier = MULTIPLIERS.get(first.lower())
        if multiplier:
            of = Node("product", factors=[of, _number(multiplier)])
            unit = others
        compound = False
        while unit != "" and (self.next.kind == "number" or self._continues(unit)):
            self._take("and")
            more = self._sum()
            lesser = self._unit()
            if lesser == "":
                raise NotRead("a number behind words")
            if compound and of.kind == "list":
                of = of.but(items=[*of.items, more])
            else:
                of = Node("list", items=[of, more], by=",")
            unit += "; " + lesser
            compound = True
        return of if unit == "" else Node("quantity", of=of, unit=unit, compound=compound)

    def _continues(self, unit):
        if not self._is("and") or self._ahead(1).kind != "number":
            return False
        following = self._ahead(2)
        if following.kind not in ("text", "word"):
            return False
        larger, smaller = unit_of(unit.split("; ")[-1]), unit_of(following.text)
        falls = larger.factor.n * smaller.factor.d > smaller.factor.n * larger.factor.d
        return larger.kinds is not None and larger.kinds == smaller.kinds and falls

    def _unit(self):
        unit = ""
        while True:
            kind, text = self.next.kind, self.next.text
            if kind in ("text", "word"):
                unit += " " + text
            elif kind == "call" and self._is_unit_fraction():
                unit += " " + self._ahead(2).text + "/" + self._ahead(5).text
                self.at += 6
            elif kind == "letter" and unit.endswith("/"):
                # A letter after a slash is part of the unit.
                unit += text
            elif (
                kind == "symbol"
                and text == "and"
                and unit == ""
                and self._ahead(-1).kind == "number"
                and self._ahead(1).kind == "text"
                and self._ahead(2).kind == "end"
            ):
                # "0.25 and cm": an "and" between a number and its unit joins no values.
                unit = ""
            elif (
                unit != ""
                and text == "*"
                and (
                    self._ahead(1).kind in ("text", "word")
                    or _is_one_of(self._ahead(1).text, "mgshNLK")
                )
            ):
                # `\text{ N}\cdot\text{m}`
                self.at += 1
                unit += " " + self.next.text
            elif unit != "" and text == "^" and self._ahead(1).kind == "number":
                unit += "^" + self._ahead(1).text
                self.at += 1
            elif (
                unit != ""
                and text == "^"
                and self._ahead(1).text == "{"
                and self._ahead(3).text == "}"
            ):
                unit += "^" + self._ahead(2).text
                self.at += 3
            elif unit != "" and text == "/" and self._ahead(1).kind in ("text", "word", "letter"):
                unit += "/"
            else:
                return trim(unit)
            self.at += 1

    def _starts_operand(self):
        token = self.next
        if token.kind == "symbol":
            return token.text in "([{⦃⟨⌊⌈|‖+-±∓∞∅$"
        return token.kind not in ("end", "close")

    def _starts_factor(self, previous):
        """Whether the next token continues a product without a multiplication sign."""
        token = self.next
        kind, text = token.kind, token.text
        if kind in ("letter", "begin"):
            return True
        if kind == "call":
            return text not in ("over", "choose") and not self._is_unit_fraction()
        if kind == "number":
            # Two adjacent numbers are not a product, nor is `x2`.
            last = self._ahead(-1)
            if last.kind == "number" or previous.kind == "number":
                return False
            return last.kind != "letter" or token.blank
        if kind == "symbol":
            if text == "|":
                return self.bars == 0
            return text in "({⌊⌈∞[" and (text != "[" or self._ahead(1).kind != "end")
        return False

    def _is_unit_fraction(self):
        if self.next.text != "frac":
            return False
        kinds = [self._ahead(2).kind, self._ahead(5).kind]
        return (
            "".join(self._ahead(by).text for by in (1, 3, 4, 6)) == "{}{}"
            and all(kind in ("text", "word", "letter") for kind in kinds)
            and any(kind != "letter" for kind in kinds)
        )

    def _sum(self):
        return self._deeper(self._sum_here)

    def _sum_here(self):
        terms = []
        while True:
            terms.append(self._signed())
            if self.next.kind != "symbol" or not _is_one_of(self.next.text, "-+±∓"):
                break
        total = terms[0] if len(terms) == 1 else Node("sum", terms=terms)
        if self.next.kind != "call":
            return total
        if self.next.text == "over":
            self.at += 1
            return Node("quotient", over=total, under=self._sum())
        if self.next.text == "choose":
            self.at += 1
            return Node("call", name="binom", args=[total, self._sum()])
        return total

    def _signed(self):
        signs = []
        while self.next.kind == "symbol" and _is_one_of(self.next.text, "-+±∓"):
            signs.append(self.next.text)
            self.at += 1
        minus = signs.count("-") % 2 == 1
        both = [sign for sign in signs if sign in ("±", "∓")]
        if len(both) > 1:
            raise NotRead("signs")
        product = self._product()
        signed = _negated(product) if minus else product
        if not both:
            return signed
        return Node("plusMinus", of=signed, flipped=both[0] == "∓")

    def _product(self):
        factors = []
        # `5 m`: a letter apart from the number before it may be a unit.
        is_apart = False

        def whole():
            if len(factors) == 1:
                return factors[0]
            if is_apart:
                return Node("product", factors=factors, loose=True)
            return Node("product", factors=factors)

        factors.append(self._mixed() or self._power())
        while True:
            token = self.next
            blank, kind, text = token.blank, token.kind, token.text
            if kind != "end" and is_apart and not _is_one_of(text, "-+,;=<>≤≥)]"):
                is_apart = False
            if self._take("*"):
                factors.append(self._signed_factor())
            elif self._take("/"):
                under = self._signed_factor()
                factors = [Node("quotient", over=whole(), under=under)]
            elif self.next.text == "…" and self.next.kind == "symbol":
                return whole()
            else:
                last = factors[-1]
                if not self._starts_factor(last):
                    return whole()
                if last.kind == "call" and last.name == "dots":
                    return whole()
                factors.append(self._power())
                is_apart = blank and kind == "letter" and _is_one_of(text, "mgshLNJWVK")

    def _signed_factor(self):
        if self._take("-"):
            return _negated(self._deeper(self._signed_factor))
        if self._take("+"):
            return self._deeper(self._signed_factor)
        return self._power()

    def _mixed(self):
        """Reads a mixed number: a whole number before a proper fraction of whole numbers."""
        integer, frac = self.next, self._ahead(1)
        if not _is_plain_integer(integer) or frac.kind != "call" or frac.text != "frac":
            return None
        # Each part of the fraction is a number in braces, or one digit of a number.
        parts = []
        at = 2
        rest = ""
        while len(parts) < 2:
            token = self._ahead(at)
            if rest != "":
                parts.append(rest[0])
                rest = rest[1:]
            elif token.text == "{" and self._ahead(at + 2).text == "}":
                if not _is_plain_integer(self._ahead(at + 1)):
                    return None
                parts.append(self._ahead(at + 1).text)
                at += 3
            elif _is_plain_integer(token):
                parts.append(token.text[0])
                rest = token.text[1:]
                at += 1
            else:
                return None
        over, under = int(parts[0]), int(parts[1])
        if rest != "" or over <= 0 or over >= under:
            return None
        self.at += at
        value = integer.value or ONE
        return _number(Exact(value.n * under + over, under))

    def _power(self):
        base = self._postfix(self._atom())
        while self._take("^"):
            braced = self._is("{") and self._ahead(2).text == "}"
            if base.kind == "matrix" and (
                self.next.text in ("\\top", "T", "\\intercal")
                or (braced and self._ahead(1).text in ("\\top", "T"))
            ):
                self.at += 3 if self._is("{") else 1
                base = _transposed(base)
                continue
            exponent = self._deeper(self._argument, False)
            letter = base.name if base.kind == "letter" and base.name in FUNCTION_LETTERS else ""
            if letter != "" and self._is("(") and _whole(exponent) == -1:
                base = Node("apply", name=letter + "^-1", args=self._parenthesised())
                continue
            # `45^o`
            if base.kind == "number" and exponent.kind == "letter" and exponent.name == "o":
                base = Node("degrees", of=base)
                continue
            # `2^3^2`: the upper power first.
            if self._is("^"):
                self.at += 1
                upper = self._deeper(self._tower)
                exponent = Node("power", base=exponent, exponent=upper)
            base = self._postfix(Node("power", base=base, exponent=exponent))
        return base

    def _tower(self):
        base = self._argument(False)
        if not self._take("^"):
            return base
        return Node("power", base=base, exponent=self._deeper(self._tower))

    def _postfix(self, of):
        node = of
        while True:
            if self._take("%"):
                node = Node("percent", of=node)
            elif self._is("°"):
                self.at += 1
                node = Node("degrees", of=node)
                # `25°C`: degrees on a temperature scale.
                if self.next.text in ("C", "F"):
                    unit = "degrees " + self.next.text
                    node = Node("quantity", of=of, unit=unit, compound=False)
                    self.at += 1
            elif self._is("!") and self._ahead(1).text == "!" and not self._ahead(1).blank:
                self.at += 2
                node = Node("call", name="double factorial", args=[node])
            elif self._take("!"):
                node = Node("call", name="factorial", args=[node])
            elif self._is("'") and node.kind == "letter":
                self.at += 1
                node = node.but(name=node.name + "'")
            else:
                return node

    def _argument(self, one_digit):
        """Reads the argument of `^`, `\\frac` or a root: a group, one symbol, or one digit."""
        if self._take("{"):
            inner = self._sum()
            self._expect("}")
            return inner
        token = self.next
        if one_digit and token.kind == "number" and re.match("[0-9][0-9]", token.text):
            text = token.text
            if not re.fullmatch("[0-9.]+", text):
                raise NotRead(text)
            self.tokens[self.at] = token.but(
                text=text[1:], blank=False, **_value_of_digits(text[1:])
            )
            return _number(Exact(int(text[0])))
        if not one_digit and self._take("-"):
            return _negated(self._deeper(self._argument, False))
        if not one_digit and self._take("+"):
            return self._deeper(self._argument, False)
        return self._atom()

    def _atom(self):
        return self._deeper(self._atom_here)

    def _atom_here(self):
        token = self.next
        kind = token.kind
        if kind == "number":
            return self._numeral()
        if kind == "letter":
            return self._letter()
        if kind == "call":
            self.at += 1
            return self._call(token.text)
        if kind == "begin":
            return self._environment()
        if kind == "symbol":
            return self._chosen() or self._bracketed(token)
        if kind == "text":
            # `\text{Area}` in an equation.
            return Node("words", text=self._words())
        raise NotRead(token.text)

    def _chosen(self):
        """Reads a number of choices: `_5C_2`, `{}^5C_2`."""
        if self.next.text not in ("_", "^"):
            return None
        braced = self._ahead(1).text == "{"
        of = self._ahead(2 if braced else 1)
        letter = self._ahead(4 if braced else 2)
        if of.kind not in ("number", "letter") or letter.text not in ("C", "P"):
            return None
        if braced and self._ahead(3).text != "}":
            return None
        if self._ahead(5 if braced else 3).text != "_":
            return None
        self.at += 1
        every = self._argument(False)
        self.at += 2
        chosen = self._argument(False)
        binomial = Node("call", name="binom", args=[every, chosen])
        if letter.text == "C":
            return binomial
        orders = Node("call", name="factorial", args=[chosen])
        return Node("product", factors=[binomial, orders])

    def _numeral(self):
        based = self._based()
        if based:
            return based
        token = self.next
        self.at += 1
        # 0.1\overline{6}, 0.\dot{3}
        mark = self.next
        digits = self._ahead(2)
        if (
            mark.kind == "call"
            and mark.text in ("overline", "mark dot")
            and "." in token.text
            and self._ahead(1).text == "{"
            and _is_plain_integer(digits)
            and self._ahead(3).text == "}"
        ):
            self.at += 4
            places = len(token.text) - token.text.index(".") - 1
            by, period = 10**places, 10 ** len(digits.text) - 1
            before = int(token.text.replace(".", "", 1))
            return _number(Exact(before * period + int(digits.text), by * period))
        return Node("number", value=token.value or ONE, decimal=token.decimal)

    def _based(self):
        """Reads digits with their base as a subscript: `101_2`, `152A_{11}`."""
        at = 0
        digits = ""
        numbers = 0
        while at < 64:
            token = self._ahead(at)
            is_digits = token.kind == "number" and token.value is not None
            if is_digits:
                numbers += 1
            if not (
                is_digits
                or (token.kind in ("letter", "word") and CAPITALS.fullmatch(token.text))
            ):
                break
            if at > 0 and token.blank:
                break
            digits += token.text
            at += 1
        if numbers == 0 or self._ahead(at).text != "_":
            return None
        braced = self._ahead(at + 1).text == "{"
        parenthesis = 1 if braced and self._ahead(at + 2).text == "(" else 0
        subscript = self._ahead(at + 1 + (1 if braced else 0) + parenthesis)
        if _is_plain_integer(subscript):
            base = int(subscript.text)
        else:
            base = BASE_NAMES.get(subscript.text.lower())
        if base is None or base < 2 or base > 36:
            return None
        for digit in digits.replace(".", "", 1):
            if not (is_digit(digit) or is_ascii_letter(digit)) or int(digit, 36) >= base:
                return None
        self.at += at + 2 + (2 if braced else 0) + 2 * parenthesis
        return Node("based", digits=re.sub("^0+(?=[A-Za-z0-9_])", "", digits), base=base)

    def _letter(self):
        based = self._based() if re.fullmatch("[A-Z]", self.next.text) else None
        if based:
            return based
        name = self.next.text
        self.at += 1
        if self._is("_"):
            self.at += 1
            name += "_" + self._subscript()
        while self._take("'"):
            name += "'"
        args = self._arguments(name)
        return Node("letter", name=name) if args is None else Node("apply", name=name, args=args)

    def _arguments(self, name):
        """Reads the brackets after a letter, if they hold the arguments of a function."""
        event = self._event(name)
        if event is not None:
            return [Node("words", text=event)]
        if not self._is("("):
            return None
        if name[:1] not in FUNCTION_LETTERS:
            # P(x), A(2) and u(x, t) are functions; x(x + 1) is a product.
            at = 1
            while True:
                token = self._ahead(at)
                is_argument = token.kind == "letter" or (
                    token.kind == "number" and re.match("[A-Z]", name) is not None
                )
                if not is_argument or token.text == name:
                    return None
                if self._ahead(at + 1).text != ",":
                    break
                at += 2
            if self._ahead(at + 1).text != ")" or self._ahead(at + 2).text == "∪":
                return None
        self.at += 1
        inner = self._list([")"])
        self._expect(")")
        return inner.items if inner.kind == "list" else [inner]

    def _event(self, name):
        """Reads an event or a random variable in brackets: `P(X = 2)`, `\\mathbb{E}[X]`."""
        is_certain = EVENT_NAME.fullmatch(name) is not None
        if not (is_certain or name in ("P", "E", "n")) or not (self._is("(") or self._is("[")):
            return None
        text = ""
        tells = is_certain
        at = 0
        depth = 0
        while True:
            token = self._ahead(at)
            if token.kind == "end":
                return None
            if token.kind == "symbol" and token.text in "([":
                depth += 1
            if token.kind == "symbol" and token.text in ")]":
                depth -= 1
                if depth == 0:
                    break
            if token.text in RELATIONS or token.text in ("∪", "∩", "|") or token.kind == "text":
                tells = True
            if at > 0:
                text += token.text
            at += 1
        if not tells:
            return None
        self.at += at + 1
        return text

    def _subscript(self):
        if not self._take("{"):
            token = self.next
            if token.kind == "end":
                raise NotRead("_")
            self.at += 1
            return token.text
        text = ""
        depth = 1
        while True:
            token = self.next
            if token.kind == "end":
                raise NotRead("_")
            if token.text == "{":
                depth += 1
            elif token.text == "}":
                depth -= 1
                if depth == 0:
                    break
            else:
                text += token.text
            self.at += 1
        self.at += 1
        return text

    def _bracketed(self, token):
        text = token.text
        self.at += 1
        if text == "∞":
            return Node("infinity")
        if text == "∅":
            return Node("set", items=[])
        if text == "…":
            return Node("call", name="dots", args=[])
        if text == "$":
            self.money = "dollars" if token.unit is None else token.unit
            return self._atom()
        if text == "{":
            return self._group()
        if text == "⦃":
            return self._set()
        if text == "|":
            return self._bar()
        if text == "‖":
            inner = self._sum()
            self._expect("‖")
            return Node("apply", name="norm", args=[inner])
        if text in ("⌊", "⌈"):
            inner = self._sum()
            self._expect("⌋" if text == "⌊" else "⌉")
            return Node("call", name="floor" if text == "⌊" else "ceil", args=[inner])
        closing = CLOSERS.get(text)
        if closing:
            return self._tuple(text, closing)
        raise NotRead(text)

    def _bar(self):
        self.bars += 1
        inner = self._sum()
        operator = self.next.text
        if operator in ("∪", "∩"):
            self.at += 1
            inner = Node("sets", operator=operator, parts=[inner, self._sum()])
        self.bars -= 1
        self._expect("|")
        return _determinant_of(inner) or Node("call", name="abs", args=[inner])

    def _group(self):
        """Reads braces of LaTeX. Braces around a list are meant as a set's."""
        if self._take("}"):
            return self._atom()
        bars = self.bars
        self.bars = 0
        inner = self._list(["}"])
        self._expect("}")
        self.bars = bars
        return Node("set", items=inner.items) if inner.kind == "list" else inner

    def _set(self):
        if self._take("⦄"):
            return Node("set", items=[])
        # `{x : x > 3}`, `{x | x > 3}`
        self.bars += 1
        first = self._list(["⦄"])
        self.bars -= 1
        if self._take(":") or self._take("|"):
            condition = self._list(["⦄"])
            self._expect("⦄")
            return Node("builder", of=first, condition=condition)
        self._expect("⦄")
        return Node("set", items=first.items if first.kind == "list" else [first])

    def _tuple(self, open_, closing):
        bars = self.bars
        self.bars = 0
        if (
            _is_plain_integer(self.next)
            and self._ahead(1).text == ")"
            and self._ahead(2).text == "_"
        ):
            # `(101)_2`
            del self.tokens[self.at + 1]
            return self._atom()
        inner = self._list(closing)
        self.bars = bars
        close = self.next.text
        if self.next.kind != "symbol" or close not in closing:
            raise NotRead("wanted " + " ".join(closing))
        self.at += 1
        if inner.kind != "list":
            return inner
        rows = _rows_of(inner.items) if open_ == "[" and close == "]" else None
        if rows is not None:
            return Node("matrix", rows=rows, of="matrix")
        # ]a, b[ is (a, b).
        return Node(
            "tuple",
            items=inner.items,
            open="(" if open_ in ("⟨", "]") else open_,
            close=")" if close in ("[", "⟩") else close,
        )

    def _environment(self):
        environment = self.next.text
        self.at += 1
        of = ENVIRONMENTS.get(environment)
        if of is None:
            raise NotRead(environment)
        rows = []
        row = []
        while True:
            if self.next.kind == "letter" and self.next.text == "\\hline":
                self.at += 1
                continue
            ends = self.next.kind == "close"
            if ends or self._is("\\\\"):
                self.at += 1
                if row:
                    rows.append(row)
                row = []
                if ends:
                    break
                continue
            if row:
                self._expect("&")
            row.append(self._list(["&", "\\\\"]))
            if of == "cases":
                while self._is(","):
                    self.at += 1
        # Cases in one column are a list.
        if of == "cases" and all(len(one) == 1 for one in rows):
            return Node("list", items=[entry for one in rows for entry in one], by=",")
        if not rows or any(len(one) != len(rows[0]) for one in rows):
            raise NotRead("rows of unequal length")
        return Node("matrix", rows=rows, of=of)

    def _call(self, name):
        if name == "frac":
            over = self._argument(True)
            return Node("quotient", over=over, under=self._argument(True))
        if name == "binom":
            if self._is("("):
                return Node("call", name=name, args=self._parenthesised())
            first = self._argument(True)
            return Node("call", name=name, args=[first, self._argument(True)])
        if name == "sqrt":
            index = None
            if self._take("["):
                index = self._sum()
                self._expect("]")
            of = self._argument(False)
            if index:
                return Node("call", name="root", args=[of, index])
            return Node("call", name=name, args=[of])
        if name == "cbrt":
            return Node("call", name="root", args=[self._argument(False), _number(Exact(3))])
        if name in ("max", "min"):
            # `\max f`, `\max f(x)`
            if self.next.kind == "letter":
                return Node("apply", name=name, args=[self._atom()])
            return Node("call", name=name, args=self._parenthesised())
        if name in ("gcd", "lcm", "abs", "floor", "ceil", "factorial"):
            return Node("call", name=name, args=self._parenthesised())
        if name == "det":
            of = self._atom()
            return _determinant_of(of) or Node("apply", name=name, args=[of])
        if name == "overline":
            return self._marked("overline")
        if name in ("over", "choose"):
            raise NotRead(name)
        if name.startswith("mark "):
            return self._marked(name[5:])
        return self._function(name)

    def _marked(self, mark):
        """Reads a marked name: `\\overline{AB}`, `\\vec{v}`."""
        return Node("letter", name=mark + " " + self._subscript())

    def _parenthesised(self):
        close = {"(": ")", "⦃": "⦄", "{": "}", "[": "]"}.get(self.next.text)
        if close is None or self.next.kind != "symbol":
            raise NotRead("wanted (")
        self.at += 1
        inner = self._list([close])
        self._expect(close)
        return inner.items if inner.kind == "list" else [inner]

    def _function(self, name):
        """Reads a function of one argument, with the power and the base before the argument."""
        exponent = None
        base = None
        while True:
            if exponent is None and self._take("^"):
                exponent = self._argument(False)
            elif base is None and name == "log" and self._take("_"):
                base = self._log_base()
            else:
                break
        if self._is("(") or self._is("{") or self._is("["):
            of = self._atom()
        else:
            of = self._deeper(self._function_argument)
        # `log(8, 2)`, as programs write a logarithm.
        if name == "log" and not base and of.kind == "tuple" and len(of.items) == 2:
            return Node("call", name=name, args=of.items)
        if base:
            called, args = "log", [of, base]
        elif name in ("log", "lg"):
            called, args = "log", [of, _number(Exact(10))]
        elif name == "lb":
            called, args = "log", [of, _number(TWO)]
        else:
            called, args = name, [of]
        inverse = exponent is not None and _whole(exponent) == -1
        if inverse and re.fullmatch("(?:sin|cos|tan|cot|sec|csc)h?", called):
            return Node("call", name=("ar" if called.endswith("h") else "arc") + called, args=args)
        call = Node("call", name=called, args=args)
        return Node("power", base=call, exponent=exponent) if exponent else call

    def _log_base(self):
        """Reads the base of a logarithm: 2 in `\\log_28`, 10 in `\\log_10 x`."""
        token = self.next
        if token.kind == "number" and re.fullmatch("[0-9][0-9]+", token.text):
            behind = self._ahead(1)
            goes_on = behind.kind != "end" and not _is_one_of(behind.text, "-+,;)}]=*/")
            return self._argument(not goes_on)
        return self._argument(True)

    def _function_argument(self):
        if self._take("-"):
            return _negated(self._function_argument())
        factors = [self._mixed() or self._power()]
        while True:
            if self.next.kind == "call" and self.next.text not in ("frac", "sqrt"):
                break
            if not self._starts_factor(factors[-1]) or self._is("("):
                break
            factors.append(self._power())
        return factors[0] if len(factors) == 1 else Node("product", factors=factors)


ENVIRONMENTS = {
    "pmatrix": "matrix",
    "bmatrix": "matrix",
    "Bmatrix": "matrix",
    "matrix": "matrix",
    "smallmatrix": "matrix",
    "psmallmatrix": "matrix",
    "bsmallmatrix": "matrix",
    "array": "matrix",
    "vmatrix": "det",
    "cases": "cases",
    "rcases": "cases",
    "dcases": "cases",
}


def _rows_of(items):
    """The rows of `[[1, 2], [3, 4]]`."""
    rows = []
    for item in items:
        if item.kind != "tuple" or item.open != "[" or item.close != "]":
            return None
        if rows and len(item.items) != len(rows[0]):
            return None
        rows.append(item.items)
    return rows


def _determinant_of(node):
    if node.kind != "matrix" or node.of != "matrix":
        return None
    if any(len(row) != len(node.rows) for row in node.rows):
        return None
    return node.but(of="det")


def _negated(node):
    if node.kind == "number":
        return node.but(value=Exact(-node.value.n, node.value.d))
    if node.kind == "quantity" and not node.compound:
        return node.but(of=_negated(node.of))
    return Node("negate", of=node)


def _transposed(matrix):
    return matrix.but(rows=[list(column) for column in zip(*matrix.rows)])


# Sets of numbers.

# `at` is a number, "below" for minus infinity or "above" for infinity.
Point = namedtuple("Point", "at closed")
Piece = namedtuple("Piece", "start to")
NumberSet = namedtuple("NumberSet", "pieces subject certain")

MOST_PIECES = 64
OPPOSITE = {"<": ">", "≤": "≥", ">": "<", "≥": "≤", "≠": "≠", "=": "="}
ALL_NUMBERS = {
    "allrealnumbers",
    "allreals",
    "realnumbers",
    "allrealx",
    "allrealvaluesofx",
    "r",
}
BELOW = Point("below", False)
ABOVE = Point("above", False)
EVERYTHING = Piece(BELOW, ABOVE)


class NumberSets:
    """Reads intervals, unions and inequalities in one letter as sets of numbers."""

    def __init__(self, work):
        self.work = work
        self.values = Evaluation(work)
        self.real = self.values.real

    def of(self, node):
        self.work.spend(1)
        kind = node.kind
        if kind == "tuple":
            return self._interval(node)
        if kind == "set":
            points = [self._number(item) for item in node.items]
            if len(points) > MOST_PIECES or any(point is None for point in points):
                return None
            return self._made([self._point(point) for point in points], None, False)
        if kind == "letter":
            if node.name == "\\mathbb{R}":
                return self._made([EVERYTHING], None, True)
            return None
        if kind == "words":
            if re.sub("[^a-z]", "", node.text.lower()) in ALL_NUMBERS:
                return self._made([EVERYTHING], None, True)
            return None
        if kind == "sets":
            return self._combined(node)
        if kind == "sum":
            # \mathbb{R} - \{1\}
            whole, *rest = node.terms
            left = [term.of if term.kind == "negate" else term for term in rest]
            if whole.kind != "letter" or any(term.kind != "set" for term in left):
                return None
            return self._combined(Node("sets", operator="∖", parts=[whole, *left]))
        if kind == "relation":
            return self._relation(node)
        if kind == "list":
            return self._relations(node)
        if kind == "builder":
            return self._builder(node)
        return None

    def same(self, a, b, decimals):
        if a.subject is not None and b.subject is not None and a.subject != b.subject:
            return False
        share = Exact(1, 1_000_000)

        def meet(x, y):
            if x.closed != y.closed:
                return False
            if isinstance(x.at, str) or isinstance(y.at, str):
                return x.at == y.at
            return self.real.same(x.at, y.at) or (decimals and self.real.near(x.at, y.at, share))

        return len(a.pieces) == len(b.pieces) and all(
            meet(x.start, y.start) and meet(x.to, y.to) for x, y in zip(a.pieces, b.pieces)
        )

    def _number(self, node):
        bare = node.of if node.kind == "quantity" and not node.compound else node
        try:
            value = self.values.of(bare)
        except (NoNumber, Undefined):
            return None
        return None if value.im else value.re

    def _end(self, node, closed):
        if node.kind == "infinity":
            return ABOVE
        if node.kind == "negate" and node.of.kind == "infinity":
            return BELOW
        at = self._number(node)
        return None if at is None else Point(at, closed)

    def _interval(self, node):
        if len(node.items) != 2:
            return None
        start = self._end(node.items[0], node.open == "[")
        to = self._end(node.items[1], node.close == "]")
        if not start or not to or start.at == "above" or to.at == "below":
            return None
        certain = node.open != node.close and (node.open != "(" or node.close != ")")
        unbounded = isinstance(start.at, str) or isinstance(to.at, str)
        side = self._compare(start.at, to.at)
        if side > 0 or (side == 0 and not (start.closed and to.closed)):
            return None
        return self._made([Piece(start, to)], None, certain or unbounded)

    @staticmethod
    def _point(at):
        return Piece(Point(at, True), Point(at, True))

    def _compare(self, a, b):
        if a is b or (isinstance(a, str) and a == b):
            return 0
        if a == "below" or b == "above":
            return -1
        if a == "above" or b == "below":
            return 1
        return self.real.sign(self.real.subtract(a, b))

    def _made(self, pieces, subject, certain):
        """Sorts pieces, joins pieces that touch, and drops empty pieces."""
        filled = []
        for piece in pieces:
            side = self._compare(piece.start.at, piece.to.at)
            if side < 0 or (side == 0 and piece.start.closed and piece.to.closed):
                filled.append(piece)

        def starts(one, other):
            a, b = one.start, other.start
            return self._compare(a.at, b.at) or int(b.closed) - int(a.closed)

        filled.sort(key=functools.cmp_to_key(starts))
        joined = []
        for piece in filled:
            last = joined[-1] if joined else None
            gap = self._compare(last.to.at, piece.start.at) if last else -1
            if not last or gap < 0 or (gap == 0 and not last.to.closed and not piece.start.closed):
                joined.append(piece)
            else:
                ends = self._compare(last.to.at, piece.to.at) or int(last.to.closed) - int(
                    piece.to.closed
                )
                if ends < 0:
                    joined[-1] = Piece(last.start, piece.to)
        return NumberSet(joined, subject, certain)

    def _complement(self, of):
        rest = []
        start = BELOW
        for piece in of.pieces:
            rest.append(Piece(start, Point(piece.start.at, not piece.start.closed)))
            start = Point(piece.to.at, not piece.to.closed)
        rest.append(Piece(start, ABOVE))
        return self._made(
            [
                Piece(
                    BELOW if piece.start.at == "below" else piece.start,
                    ABOVE if piece.to.at == "above" else piece.to,
                )
                for piece in rest
                if piece.start.at != "above" and piece.to.at != "below"
            ],
            of.subject,
            of.certain,
        )

    def _union(self, a, b):
        subject = b.subject if a.subject is None else a.subject
        return self._made([*a.pieces, *b.pieces], subject, True)

    def _intersection(self, a, b):
        outside = self._union(self._complement(a), self._complement(b))
        subject = b.subject if a.subject is None else a.subject
        return NumberSet(self._complement(outside).pieces, subject, True)

    def _combined(self, node):
        result = None
        if len(node.parts) > MOST_PIECES:
            return None
        for part in node.parts:
            found = self.of(part)
            if not found:
                return None
            if not result:
                result = found
            elif node.operator == "∪":
                result = self._union(result, found)
            elif node.operator == "∩":
                result = self._intersection(result, found)
            else:
                result = self._intersection(result, self._complement(found))
        return result and result._replace(certain=True)

    def _subject(self, side, other):
        if side.kind not in ("letter", "apply"):
            return None
        if some(other, lambda node: node.kind == "apply"):
            return None
        name = shown(side)
        return name if not letters_of(other) and name not in ("pi", "e", "i") else None

    def _ray(self, by, end):
        found = self._end(end, True)
        if not found:
            return None
        if not isinstance(found.at, str):
            return self._ray_to(by, found.at)
        # -\infty < x
        holds = (">", "≥") if found.at == "below" else ("<", "≤")
        return [EVERYTHING] if by in holds else None

    def _ray_to(self, by, at):
        if by in ("<", "≤"):
            return [Piece(BELOW, Point(at, by == "≤"))]
        if by in (">", "≥"):
            return [Piece(Point(at, by == "≥"), ABOVE)]
        if by == "≠":
            return [Piece(BELOW, Point(at, False)), Piece(Point(at, False), ABOVE)]
        return [self._point(at)] if by == "=" else None

    def _relation(self, node):
        left, middle = node.sides[0], node.sides[1]
        by = node.by[0]
        if len(node.sides) == 2:
            if by in ("∈", "∉"):
                found = self.of(middle) if left.kind == "letter" else None
                if not found:
                    return None
                own = found if by == "∈" else self._complement(found)
                return own._replace(subject=shown(left), certain=True)
            subject = self._subject(left, middle)
            if subject is not None:
                ray = self._ray(by, middle)
                return ray and self._made(ray, subject, by != "=")
            flipped = self._subject(middle, left)
            if flipped is not None:
                ray = self._ray(OPPOSITE.get(by, ""), left)
                return ray and self._made(ray, flipped, by != "=")
            return self._distance(left, middle, by) or self._linear(left, middle, by)
        following = node.by[1] if len(node.by) > 1 else ""
        if len(node.sides) != 3 or by == "=" or following == "=":
            return None
        first = self._relation(Node("relation", sides=[left, middle], by=[by]))
        second = self._relation(Node("relation", sides=[middle, node.sides[2]], by=[following]))
        if not first or not second or first.subject != second.subject:
            return None
        return self._intersection(first, second)

    def _distance(self, left, right, by):
        """`|x - 1| < 3` means -3 < x - 1 < 3."""

        def is_absolute(node):
            return node.kind == "call" and node.name == "abs"

        if is_absolute(right) and not is_absolute(left):
            return self._distance(right, left, OPPOSITE.get(by, ""))
        of = left.args[0] if is_absolute(left) and left.args else None
        bound = self._number(right) if not letters_of(right) else None
        if not of or bound is None or self.real.sign(bound) <= 0 or not _is_one_of(by, "<≤>≥"):
            return None
        upper = self._relation(Node("relation", sides=[of, right], by=[by]))
        lower = self._relation(
            Node("relation", sides=[of, Node("negate", of=right)], by=[OPPOSITE.get(by, "")])
        )
        if not upper or not lower:
            return None
        return (
            self._intersection(upper, lower) if by in ("<", "≤") else self._union(upper, lower)
        )

    def _linear(self, left, right, by):
        """Solves a linear inequality in one letter: `2x + 1 > 5`."""
        if by not in OPPOSITE or by == "=":
            return None
        letters = letters_of(left, letters_of(right))
        for name in ("pi", "e", "i"):
            letters.pop(name, None)
        if len(letters) != 1:
            return None
        letter = next(iter(letters))
        real = self.real

        def at(x):
            values = Evaluation(self.work, lambda _: Exact(x))
            try:
                over = values.of(left)
                value = values.subtract(over, values.of(right))
            except (NoNumber, Undefined):
                return None
            return None if value.im else value.re

        origin = at(0)
        at_one = at(1)
        if origin is None or at_one is None:
            return None
        slope = real.subtract(at_one, origin)
        if real.sign(slope) == 0:
            return None
        for x in (-2, 5, 11, -17):
            value = at(x)
            if value is None or not real.same(
                value, real.add(origin, real.multiply(slope, Exact(x)))
            ):
                return None
        root = real.negate(real.divide(origin, slope))
        ray = self._ray_to(by if real.sign(slope) > 0 else OPPOSITE.get(by, ""), root)
        return ray and self._made(ray, letter, True)

    def _relations(self, node):
        """Combines relations: "x < 2 or x > 3", "x > 1 and x < 3"."""
        if len(node.items) > MOST_PIECES:
            return None
        sets = []
        for item in node.items:
            found = self.of(item) if item.kind == "relation" else None
            if not found or found.subject != (sets[0] if sets else found).subject:
                return None
            sets.append(found)
        # x = 1 or x = 2 is a list of values.
        if all(all(by == "=" for by in item.by) for item in node.items):
            return None
        either = functools.reduce(self._union, sets)
        if node.by == "or":
            return either
        both = functools.reduce(self._intersection, sets)
        among = any(_is_one_of(item.by[0], "∈≠") for item in node.items)
        if node.by == "and" or among:
            return both
        if not both.pieces:
            return either
        piece = both.pieces[0]
        bounded = piece.start.at != "below" and piece.to.at != "above"
        return both if len(sets) == 2 and len(both.pieces) == 1 and bounded else None

    def _builder(self, node):
        found = self.of(node.condition)
        if not found:
            return None
        of = node.of
        if of.kind == "letter":
            if found.subject == of.name:
                return found._replace(subject=None, certain=True)
            return None
        outer = self._relation(of) if of.kind == "relation" and of.by[0] == "∈" else None
        if not outer or outer.subject != found.subject:
            return None
        return self._intersection(outer, found)._replace(subject=None)


# Comparison.

LONGEST_ANSWER = 4096
MOST_OPERATIONS = 15_000
TOLERANCE = Exact(1, 1_000_000)
MOST_SIGNS = 4
MOST_ITEMS = 200
CONSTANTS = ("pi", "e", "i")
ENOUGH_PROBES = 3
USUAL_SPAN = 160
LARGEST_SPAN = 4096
PLENTY_OF_PROBES = 7
LAST_PROBE = 14
SET_KINDS = {"tuple", "sets", "relation", "list", "builder", "set", "letter", "words", "sum"}

# Whether two answers are the same, and the rule that decided.
Finding = namedtuple("Finding", "same rule")
Named = namedtuple("Named", "name value")


def _yes(rule):
    return Finding(True, rule)


def _no(rule):
    return Finding(False, rule)


def _difference(left, right):
    return Node("sum", terms=[left, Node("negate", of=right)])


def _unknowns_of(*nodes):
    letters = {}
    for node in nodes:
        letters_of(node, letters)
    for name in CONSTANTS:
        letters.pop(name, None)
    return letters


def _has_decimal(node):
    return some(node, lambda part: part.kind == "number" and part.decimal)


def _probes(letters, at):
    """Values for all letters at a probe: whole and fractional, near 0 and far, of both signs."""
    names = sorted(letters, key=lambda name: name.encode("utf-16-be", "surrogatepass"))
    ranks = {name: rank for rank, name in enumerate(names)}

    def value(name):
        rank = ranks.get(name, 0)
        mixed = 11 + at * 101
        for character in name:
            mixed = (mixed * 37 + first_unit(character)) % 8191
        mixed = (mixed * mixed + 31 * at) % 8191

        def part(start, count, of, negative):
            n = start * of + 1 + mixed % count
            return Exact(-n if negative else n, of)

        if at == 0:
            return Exact(2 + mixed % 11)
        if at == 1:
            return part(0, 60, 7, rank % 2 == 0)
        if at == 2:
            return part(0, 90, 97, (rank >> 1) % 2 == 1)
        if at == 3:
            return part(1, 60, 11, True)
        if at == 4:
            return Exact(14 + mixed % 43)
        if at == 5:
            return part(0, 69, 71, True)
        if at == 6:
            return part(1, 50, 13, (rank >> 2) % 2 == 1)
        if at == 7:
            return part(40, 700, 3, False)
        if at == 8:
            return part(30, 500, 3, True)
        return Exact(at - 8 + mixed % (3 + 4 * at))

    return value


class Comparer:
    """Compares two parsed answers."""

    def __init__(self, work):
        self.work = work
        self.values = Evaluation(work)
        self.sets = NumberSets(work)
        self.printed = {}
        self.known = {}

    def compare(self, a, b):
        self.work.spend(2)
        if self._print(a) == self._print(b):
            return _yes("the same expression")
        if a.kind == "choice" or b.kind == "choice":
            return self._choices(a, b)
        x, y = _both_signs(a), _both_signs(b)
        if x is not a or y is not b:
            found = self.compare(x, y)
            return _yes("plus and minus as two values") if found.same else found
        if a.kind == "quantity" or b.kind == "quantity":
            return self._quantities(a, b)
        return (
            self._number_sets(a, b)
            or self._lists(a, b)
            or self._relations(a, b)
            or self._words(a, b)
            or self._structures(a, b)
            or self._numbers(a, b)
        )

    def _print(self, node):
        text = self.printed.get(node)
        if text is None:
            text = shown(node)
            self.work.spend(units_of(text) / 64)
            self.printed[node] = text
        return text

    def _all(self, a, b, rule):
        if len(a) != len(b):
            return _no(rule + ": another number of entries")
        for i, part in enumerate(a):
            if not self.compare(part, b[i]).same:
                return _no("%s: entry %d differs" % (rule, i + 1))
        return _yes(rule)

    def _choices(self, a, b):
        """`(C) 12` equals C, and equals 12."""
        rule = "the letter of a choice"
        if a.kind == "choice" and b.kind == "choice":
            return self.compare(a.of, b.of) if a.letter == b.letter else _no(rule)
        choice, other = (a, b) if a.kind == "choice" else (b, a)
        if other.kind == "letter" and other.name == choice.letter:
            return _yes(rule)
        return self.compare(choice.of, other)

    def _quantities(self, a, b):
        if a.kind == "quantity" and b.kind == "quantity":
            x, y = _measured(a), _measured(b)
            if not x or not y:
                return _no("units that are not of one kind")
            (of_x, unit_x), (of_y, unit_y) = x, y
            if not units_agree(unit_x, unit_y):
                return _no('units: "%s" is not "%s"' % (a.unit, b.unit))
            known = unit_x.kinds is not None and unit_x.kinds != "" and unit_x.kinds == unit_y.kinds
            scaled = known and not _same_fraction(unit_x.factor, unit_y.factor)
            if not scaled:
                return self.compare(of_x, of_y)
            found = self.compare(_times(unit_x.factor, of_x), _times(unit_y.factor, of_y))
            return Finding(found.same, found.rule + ", in one unit")
        quantity, bare = (a, b) if a.kind == "quantity" else (b, a)
        if _is_percent(bare) and not _is_percent(quantity.of):
            return _no("a percentage has no unit")
        if _in_degrees(bare):
            return self._quantities(
                quantity, Node("quantity", of=bare, unit="degrees", compound=False)
            )
        apart = _without_loose(bare)
        if apart:
            unit = shown(bare.factors[-1])
            return self._quantities(
                quantity, Node("quantity", of=apart, unit=unit, compound=False)
            )
        if quantity.compound:
            return _no("units: several on one side, none on the other")
        if bare.kind in ("relation", "list"):
            found = self._relations(quantity, bare) or self._lists(quantity, bare)
            if found:
                return found
        found = self.compare(quantity.of, bare)
        return _yes(found.rule + ", the unit on one side dropped") if found.same else found

    def _number_sets(self, a, b):
        if a.kind not in SET_KINDS or b.kind not in SET_KINDS:
            return None
        x = self._set_of(a)
        y = x and self._set_of(b)
        if not x or not y or not (x.certain or y.certain):
            return None
        rule = "sets of numbers"
        same = self.sets.same(x, y, _has_decimal(a) or _has_decimal(b))
        return Finding(same, rule)

    def _set_of(self, node):
        try:
            return self.sets.of(node)
        except TooCostly:
            if self.work.left >= 0:
                return None
            raise

    def _lists(self, a, b):
        left = a.items if a.kind in ("list", "set") else None
        right = b.items if b.kind in ("list", "set") else None
        if left is None and right is None:
            return None
        if left is None or right is None:
            one, other = (a, b) if left is not None else (b, a)
            pair = self._coordinates(one, other) or self._membership(one, other)
            if pair:
                return pair
            if other.kind in ("tuple", "matrix"):
                return _no("a list is no tuple")
        x = [a] if left is None else left
        y = [b] if right is None else right
        if len(x) > MOST_ITEMS or len(y) > MOST_ITEMS:
            return _no("too many entries")
        is_set = a.kind == "set" or b.kind == "set"
        rule = "a set" if is_set else "a list in any order"
        if some(a, _is_dots) or some(b, _is_dots):
            return self._all(x, y, "a list with dots, in order")
        if not is_set and len(x) != len(y):
            return _no("%s: %d entries against %d" % (rule, len(x), len(y)))
        if is_set:
            found = self._covers(x, y) and self._covers(y, x)
        else:
            found = self._matches(x, y)
        return Finding(found, rule)

    def _matches(self, x, y):
        left = list(y)
        for part in x:
            text = self._print(part)
            at = next((i for i, other in enumerate(left) if self._print(other) == text), None)
            if at is None:
                at = next(
                    (i for i, other in enumerate(left) if self.compare(part, other).same), None
                )
            if at is None:
                return False
            del left[at]
        return True

    def _covers(self, x, y):
        return all(any(self.compare(part, other).same for other in y) for part in x)

    def _coordinates(self, many, point):
        """`x = 1, y = 2` equals (1, 2)."""
        if point.kind != "tuple" or many.kind != "list":
            return None
        names = set()
        values = []
        for item in many.items:
            named = _name_and_value(item) if item.kind == "relation" else None
            if not named:
                return None
            names.add(self._print(named.name))
            values.append(named.value)
        if len(names) != len(values):
            return None
        return self._all(values, point.items, "coordinates by name")

    def _membership(self, many, relation):
        """`x \\in \\{1, 2\\}` equals 1, 2."""
        if relation.kind != "relation":
            return None
        sides, by = relation.sides, relation.by
        if by == ["∈"]:
            return self.compare(many, sides[1])
        names, values = sides[0], sides[1]
        is_named = many.kind == "list" and all(item.kind == "relation" for item in many.items)
        if by == ["="] and is_named and names.kind == "tuple" and values.kind == "tuple":
            # (x, y) = (1, 2) equals x = 1, y = 2.
            if len(names.items) != len(values.items):
                return None
            items = [
                Node("relation", sides=[name, values.items[i]], by=["="])
                for i, name in enumerate(names.items)
            ]
            return self.compare(many, Node("list", items=items, by=","))
        named = _name_and_value(relation)
        if named and named.value.kind in ("list", "set"):
            return self.compare(many, named.value)
        return None

    def _relations(self, a, b):
        if a.kind != "relation" and b.kind != "relation":
            return None
        if a.kind == "relation" and b.kind == "relation":
            return self._two_relations(a, b)
        relation, other = (a, b) if a.kind == "relation" else (b, a)
        if relation.by == ["∈"] and relation.sides[0].kind == "letter":
            found = self.compare(relation.sides[1], other)
            return _yes(found.rule + ", x in it") if found.same else found
        value = self._value_of(relation)
        if not value:
            return _no("a relation is no value")
        found = self.compare(value, other)
        return _yes(found.rule + ", the name on one side dropped") if found.same else found

    def _value_of(self, relation):
        """The last side of a chain of equal signs, if the chain gives something a value."""
        sides, by = relation.sides, relation.by
        if any(one not in ("=", "≈", "≡") for one in by):
            return None
        # An exact value makes the approximate value behind it a remark.
        about = by.index("≈") if "≈" in by else -1
        exact = about > 0 or (about == 0 and not _is_name(sides[0], sides[1]))
        rest = sides[: about + 1] if about >= 0 and exact else sides
        first = rest[0]
        last = rest[-1]
        if len(rest) == 1:
            return first
        if _is_name(first, rest[1]):
            rest = rest[1:]
        elif len(rest) == 2 and _is_name(last, first):
            rest = rest[:-1]
        elif _unknowns_of(*rest):
            return None
        elif all(self._print(side) == self._print(first) for side in rest):
            # 5 = 5 gives no value to anything.
            return None
        for i in range(len(rest) - 1):
            if not self.compare(rest[i], rest[i + 1]).same:
                return None
        return rest[-1]

    def _two_relations(self, a, b):
        x, y = _name_and_value(a), _name_and_value(b)
        if x and y:
            found = self._named(x, y)
            if found:
                return found
        left, right = _upward(a), _upward(b)
        same_signs = left.by == right.by
        if same_signs and len(left.by) == 1:
            return self._scaled(left, right)
        if same_signs and self._all(left.sides, right.sides, "").same:
            return _yes("relations in one order")
        backward = all(by == "=" for by in left.by) and same_signs
        if backward and self._all(left.sides, right.sides[::-1], "").same:
            return _yes("equations with sides exchanged")
        # `x = 31 + 1 = 32` equals `x = 32`.
        long, short = (a, b) if len(left.by) > len(right.by) else (b, a)
        named = _name_and_value(short)
        if (
            len(long.by) > 1
            and named
            and self._print(long.sides[0]) == self._print(named.name)
        ):
            value = self._value_of(long)
            if value:
                return self.compare(value, named.value)
        return _no("relations that differ")

    def _named(self, x, y):
        """Compares two named values; None if they must be compared as equations."""
        name_x, name_y = self._print(x.name), self._print(y.name)
        if name_x == name_y:
            found = self.compare(x.value, y.value)
            return _yes(found.rule + ", under one name") if found.same else None
        if x.name.kind == "apply" and y.name.kind == "apply":
            renamed = (
                x.name.name == y.name.name and len(x.name.args) == 1 and len(y.name.args) == 1
            )
            if not renamed:
                return None
            start, to = y.name.args[0], x.name.args[0]
            if start.kind != "letter" or to.kind != "letter":
                return None
            if to.name in _unknowns_of(y.value):
                return None
            found = self.compare(x.value, _rename_letter(y.value, start.name, to.name))
            return _yes(found.rule + ", of a function under another letter") if found.same else None
        # `y` and `f(x)` name the same thing, and words and a symbol may do so too.
        kinds = [x.name.kind, y.name.kind]
        is_function = "apply" in kinds and "y" in (name_x, name_y)
        is_worded = "words" in kinds and any(kind != "words" for kind in kinds)
        if not is_function and not is_worded:
            return None
        found = self.compare(x.value, y.value)
        return _yes(found.rule + ", named in two ways") if found.same else None

    def _scaled(self, a, b):
        """Equations and inequalities: left side minus right side must agree up to a factor."""
        by = a.by[0]
        is_equation = by in ("=", "≡", "≈")
        a0, a1 = a.sides
        b0, b1 = b.sides
        if is_equation:
            rule = "equations up to a factor"
        elif by in ("≠", "<", "≤"):
            rule = "inequalities up to a factor"
        else:
            return self._all(a.sides, b.sides, "relations side by side")
        if self._all(a.sides, b.sides, "").same:
            return _yes(rule)
        unknowns = _unknowns_of(a0, a1, b0, b1)
        if not unknowns:
            return _no(rule + ": no unknown")
        decimals = any(_has_decimal(side) for side in (a0, a1, b0, b1))
        ratio = None
        usable = 0
        for at in range(LAST_PROBE):
            if usable >= PLENTY_OF_PROBES:
                break
            values = Evaluation(self.work, _probes(unknowns, at))
            x = self._value_at(values, _difference(a0, a1))
            y = self._value_at(values, _difference(b0, b1))
            if x == "none" or y == "none":
                return _no(rule)
            if x == "skip" or y == "skip":
                continue
            if x is None or y is None:
                if x is y:
                    continue
                return _no(rule + ": only one has a value there")
            empty_x, empty_y = values.is_zero(x), values.is_zero(y)
            if empty_x != empty_y:
                return _no(rule)
            if empty_x:
                continue
            found = values.divide(x, y)
            if not is_equation and by != "≠":
                if found.im is not None or values.real.sign(found.re) <= 0:
                    return _no(rule)
            if (
                ratio is not None
                and not values.same(ratio, found)
                and not (decimals and values.near(ratio, found, TOLERANCE))
            ):
                return _no(rule)
            if ratio is None:
                ratio = found
            usable += 1
        return _yes(rule) if usable >= ENOUGH_PROBES else _no(rule + ": not known")

    def _value_at(self, values, node):
        """A value; None if there is none, "skip" if it is too large, "none" if it is no number."""
        try:
            return values.of(node)
        except Undefined:
            return None
        except NoNumber:
            return "none"
        except TooCostly:
            if self.work.left >= 0:
                return "skip"
            raise

    def _words(self, a, b):
        if a.kind != "words" and b.kind != "words":
            return None
        x, y = _spelled(a), _spelled(b)
        if x is None or y is None:
            return _no("words are no value")
        return _yes("the same words") if x == y else _no("words that differ")

    def _structures(self, a, b):
        """Compares tuples, matrices, ratios, numbers in a base and unions."""
        if a.kind == "based" or b.kind == "based":
            x, y = _decimal_base(a), _decimal_base(b)
            if x is not a or y is not b:
                return self.compare(x, y)
            rule = "numbers in a base: digits and base"
            if a.kind != "based" or b.kind != "based":
                return _no(rule)
            same = a.base == b.base and _without_zeros(a.digits) == _without_zeros(b.digits)
            return Finding(same, rule)
        if a.kind == "ratio" or b.kind == "ratio":
            return self._ratios(a, b)
        m, n = _matrix_of(a), _matrix_of(b)
        if m or n:
            if not m or not n:
                return _no("a matrix is no number or tuple")
            if m.of != n.of:
                return _no("a matrix of another kind")
            if len(m.rows) != len(n.rows) or len(m.rows[0]) != len(n.rows[0]):
                return _no("a matrix of another shape")
            return self._all(children_of(m), children_of(n), "matrix")
        if a.kind == "tuple" or b.kind == "tuple":
            rule = "a tuple or interval"
            if a.kind != "tuple" or b.kind != "tuple":
                return _no(rule + " is no number")
            if a.open != b.open or a.close != b.close:
                return _no(rule + ": other brackets")
            return self._all(a.items, b.items, rule)
        if a.kind == "sets" or b.kind == "sets":
            rule = "sets"
            if a.kind != "sets" or b.kind != "sets" or a.operator != b.operator:
                return _no(rule)
            if a.operator == "∖":
                return self._all(a.parts, b.parts, rule)
            fits = len(a.parts) == len(b.parts) and len(a.parts) <= MOST_ITEMS
            return Finding(fits and self._matches(a.parts, b.parts), rule)
        if a.kind == "builder" or b.kind == "builder":
            if a.kind != "builder" or b.kind != "builder":
                return _no("a set is no number")
            return self._all(
                [a.of, a.condition], [b.of, b.condition], "a set by its condition"
            )
        x, y = _infinity_of(a), _infinity_of(b)
        if x is not None or y is not None:
            return _yes("infinity") if x == y else _no("infinity is no number")
        return None

    def _ratios(self, a, b):
        rule = "ratio"
        if a.kind == "ratio" and b.kind == "ratio":
            if self._all(a.parts, b.parts, rule).same:
                return _yes(rule)
            if (a.clock and b.clock) or len(a.parts) != len(b.parts):
                return _no(rule)
            first_a, first_b = a.parts[0], b.parts[0]
            proportional = all(
                self.compare(
                    Node("product", factors=[part, first_b]),
                    Node("product", factors=[b.parts[i], first_a]),
                ).same
                for i, part in enumerate(a.parts)
            )
            empty = self.compare(first_a, Node("number", value=ZERO, decimal=False)).same
            return _yes("ratios in proportion") if proportional and not empty else _no(rule)
        ratio, other = (a, b) if a.kind == "ratio" else (b, a)
        if ratio.clock or len(ratio.parts) != 2:
            return _no("a ratio is no number")
        if other.kind in ("tuple", "set", "list", "words", "matrix"):
            return _no("a ratio is no number")
        return self._numbers(ratio, other)

    def _numbers(self, a, b):
        unknowns = _unknowns_of(a, b)
        if not unknowns and not _is_opaque(a) and not _is_opaque(b):
            found = self._constants(a, b)
        else:
            found = self._expressions(a, b, unknowns)
        if found.same:
            return found
        # `5 m` against 5: a single letter after a number, apart from it, is a unit.
        x, y = _without_loose(a), _without_loose(b)
        loose, bare = (x, b) if x else (y, a)
        if loose and not (x and y) and not _unknowns_of(loose, bare):
            value = self._constants(loose, bare)
            if value.same:
                return _yes(value.rule + ", the unit on one side dropped")
        return found

    def _constant(self, node):
        value = self.known.get(node)
        if not value:
            value = self.values.of(node)
            self.known[node] = value
        return value

    def _constants(self, a, b):
        try:
            x = self._constant(a)
            y = self._constant(b)
            values = self.values
            if values.same(x, y):
                exact = (
                    is_exact(x.re)
                    and is_exact(y.re)
                    and (not x.im or is_exact(x.im))
                    and (not y.im or is_exact(y.im))
                )
                if exact:
                    return _yes("exact number")
                if self._still_same(a, b, values.real.span):
                    return _yes("value to 150 digits")
            decimals = _has_decimal(a) or _has_decimal(b)
            if decimals and values.near(x, y, TOLERANCE):
                return _yes("decimal within 1e-6")
            if self._is_angle(a, b):
                return _yes("an angle in degrees and in radians")
            return _no(
                "decimals further apart than 1e-6" if decimals else "numbers that differ"
            )
        except Undefined:
            return _no("no value")
        except NoNumber as error:
            return _no("of another kind: %s" % error)
        except TooCostly:
            if self.work.left >= 0:
                return _no("too large to compute: not known to be equal")
            raise

    def _still_same(self, a, b, span, letters=None):
        """Whether two values that agree still agree with more digits."""
        if span <= USUAL_SPAN:
            return True
        if span > LARGEST_SPAN:
            raise TooCostly()
        values = Evaluation(self.work, letters, 512 + 2 * span)
        return values.same(values.of(a), values.of(b))

    def _is_angle(self, a, b):
        """90° equals π/2, if one side is in degrees and the other has π or an inverse function."""
        angle, other = (a, b) if _in_degrees(a) else (b, a)
        if not _in_degrees(angle) or _in_degrees(other) or _holds_pi(angle):
            return False
        inverse = some(other, lambda part: part.kind == "call" and part.name.startswith("arc"))
        if not _holds_pi(other) and not inverse:
            return False
        return self.values.same(self.values.of(angle, True), self.values.of(other))

    def _expressions(self, a, b, unknowns):
        rule = "equal wherever its letters were tried"
        decimals = _has_decimal(a) or _has_decimal(b)
        usable = 0
        for at in range(LAST_PROBE):
            if usable >= PLENTY_OF_PROBES:
                break
            values = Evaluation(self.work, _probes(unknowns, at))
            x = self._value_at(values, a)
            y = self._value_at(values, b)
            if x == "none" or y == "none":
                return _no("of another kind")
            if x == "skip" or y == "skip":
                continue
            if x is None or y is None:
                if x is y:
                    continue
                return _no("letters: only one side has a value there")
            if not (values.same(x, y) or (decimals and values.near(x, y, TOLERANCE))):
                return _no("letters: the values differ")
            doubtful = usable == 0 and not decimals and not (is_exact(x.re) and is_exact(y.re))
            if doubtful and not self._still_same(a, b, values.real.span, _probes(unknowns, at)):
                return _no("letters: the values differ")
            usable += 1
        return _yes(rule) if usable >= ENOUGH_PROBES else _no("letters: too few values to know")


def _is_opaque(node):
    return some(node, lambda part: part.kind == "apply")


def _holds_pi(node):
    return some(node, lambda part: part.kind == "letter" and part.name == "pi")


def _in_degrees(node):
    return node.kind == "degrees" or (
        node.kind in ("sum", "negate", "product", "quotient")
        and any(_in_degrees(child) for child in children_of(node))
    )


def _is_percent(node):
    return node.kind == "percent" or (node.kind == "negate" and _is_percent(node.of))


def _is_dots(node):
    return node.kind == "call" and node.name == "dots"


def _is_plain(part):
    return (part.kind == "letter" and part.name not in CONSTANTS) or part.kind == "words"


def _is_name(node, value):
    """Whether a side of an equation names the other side: `x_1`, `\\theta`, `f(x)`, `AB`."""
    kind = node.kind
    named = (
        _is_plain(node)
        or kind == "apply"
        or (kind == "quantity" and (_is_plain(node.of) or _is_points(node.of)))
        or (kind == "tuple" and all(_is_plain(item) for item in node.items))
        or (
            kind == "call"
            and len(node.args) == 1
            and all(
                _is_plain(arg)
                or _is_points(arg)
                or (arg.kind == "sets" and all(_is_plain(part) for part in arg.parts))
                for arg in node.args
            )
        )
        or (
            kind == "quotient"
            and all(_is_points(part) or _is_differential(part) for part in (node.over, node.under))
        )
        or (kind == "sets" and all(_is_plain(part) for part in node.parts))
        or _is_measure(node)
        or _is_points(node)
    )
    if not named or value is None:
        return named
    # In `x = x^2 + 1`, x is not a name.
    letters = letters_of(node) if kind in ("letter", "call") else {}
    return not some(value, lambda part: part.kind == "letter" and part.name in letters)


MEASURES = {"\\deg", "\\dim", "\\arg", "\\angle", "\\measuredangle", "\\ker"}


def _is_measure(node):
    """Whether a node is a known measure of a named object: `\\deg P`, `\\angle{ABC}`."""
    if node.kind != "product" or len(node.factors) != 2:
        return False
    measure, of = node.factors
    return measure.kind == "letter" and measure.name in MEASURES and _is_plain(of)


def _is_differential(node):
    return (
        node.kind == "product"
        and len(node.factors) == 2
        and all(part.kind == "letter" for part in node.factors)
        and node.factors[0].name in ("d", "\\partial")
    )


def _is_points(node):
    """Whether a node consists of points: `AB`, `\\angle A`."""
    if node.kind == "letter":
        return re.fullmatch("[A-Z]", node.name) is not None or node.name.startswith("overline")
    return node.kind == "product" and all(
        part.kind == "letter"
        and re.fullmatch(r"m|[A-Z]|\\angle|\\triangle|overline .*", part.name)
        for part in node.factors
    )


def _name_and_value(relation):
    sides, by = relation.sides, relation.by
    if len(sides) != 2 or by[0] not in ("=", "≈", "≡"):
        return None
    left, right = sides
    if _is_name(left, right):
        return Named(left, right)
    return Named(right, left) if _is_name(right, left) else None


FLIPPED = {">": "<", "≥": "≤", "<": ">", "≤": "≥"}


def _upward(relation):
    """Rewrites a relation with `<` and `≤` only, smaller side first."""
    if not any(one in (">", "≥") for one in relation.by):
        return relation
    by = [FLIPPED.get(one, one) for one in relation.by]
    return Node("relation", sides=relation.sides[::-1], by=by[::-1])


def _rename_letter(node, start, to):
    if node.kind == "letter":
        return node.but(name=to) if node.name == start else node
    children = children_of(node)
    if not children:
        return node
    return with_children(node, [_rename_letter(child, start, to) for child in children])


def _both_signs(node):
    """Replaces `a ± b` by its two values. Several signs are independent, unless one is `∓`."""
    if node.kind == "list":
        items = [_both_signs(item) for item in node.items]
        if all(item is own for item, own in zip(items, node.items)):
            return node
        return node.but(items=[entry for item in items for entry in _as_items(item)])
    signs = _signs_of(node)
    if not signs:
        return node
    if len(signs) > MOST_SIGNS:
        raise NotRead("too many signs")
    if node.kind == "set":
        return node.but(items=[entry for item in node.items for entry in _as_items(_both_signs(item))])
    flipped = "∓" in signs
    ways = 2 if flipped else 2 ** len(signs)

    def chosen(way):
        at = 0

        def choose(part):
            nonlocal at
            if part.kind == "plusMinus":
                if flipped:
                    minus = (way == 1) != part.flipped
                else:
                    minus = (way >> at) & 1 == 1
                    at += 1
                of = choose(part.of)
                return Node("negate", of=of) if minus else of
            children = children_of(part)
            if not children:
                return part
            return with_children(part, [choose(child) for child in children])

        return choose(node)

    return Node("list", items=[chosen(way) for way in range(ways)], by=",")


def _signs_of(node):
    own = [("∓" if node.flipped else "±")] if node.kind == "plusMinus" else []
    for child in children_of(node):
        own.extend(_signs_of(child))
    return own


def _as_items(node):
    return node.items if node.kind == "list" else [node]


def _same_fraction(a, b):
    return a.n * b.d == b.n * a.d


def _times(factor, of):
    return Node("product", factors=[Node("number", value=factor, decimal=False), of])


def _measured(node):
    """Converts a quantity to one unit: `2 hr 30 min` to hours."""
    if not node.compound:
        return node.of, unit_of(node.unit)
    units = [unit_of(unit) for unit in node.unit.split("; ")]
    first = units[0]
    if node.of.kind != "list" or not first.kinds:
        return None
    terms = []
    for i, item in enumerate(node.of.items):
        unit = units[i] if i < len(units) else None
        if unit is None or unit.kinds != first.kinds:
            return None
        factor = Exact(unit.factor.n * first.factor.d, unit.factor.d * first.factor.n)
        terms.append(_times(factor, item))
    return Node("sum", terms=terms), first


def _spelled(node):
    """The text by which words are compared: letters and digits in lower case."""
    if node.kind == "words":
        return "".join(c for c in node.text.lower() if unicodedata.category(c)[0] in "LN")
    if node.kind == "letter":
        return node.name.lower()
    if node.kind == "product" and all(
        part.kind == "letter" and units_of(part.name) == 1 for part in node.factors
    ):
        return "".join(part.name.lower() for part in node.factors)
    return None


def _without_zeros(digits):
    return re.sub(r"\.?0+\Z", "", digits) if "." in digits else digits


def _decimal_base(node):
    """Turns a number in base 10 into a plain number: `24_{10}` is 24."""
    if node.kind != "based" or node.base != 10:
        return node
    before, _, after = node.digits.partition(".")
    return Node("number", value=Exact(int(before + after), 10 ** len(after)), decimal=False)


def _infinity_of(node):
    if node.kind == "infinity":
        return 1
    return -1 if node.kind == "negate" and node.of.kind == "infinity" else None


def _matrix_of(node):
    """Moves the factors and the divisor of a matrix into its entries."""
    if node.kind == "matrix":
        return None if node.of == "det" else node

    def entries(of, change):
        matrix = _matrix_of(of)
        return matrix and matrix.but(rows=[[change(entry) for entry in row] for row in matrix.rows])

    if node.kind == "negate":
        return entries(node.of, lambda of: Node("negate", of=of))
    if node.kind == "quotient":
        return entries(node.over, lambda over: Node("quotient", over=over, under=node.under))
    if node.kind == "product":
        matrices = [factor for factor in node.factors if _matrix_of(factor)]
        if len(matrices) != 1:
            return None
        rest = [factor for factor in node.factors if factor is not matrices[0]]
        return entries(matrices[0], lambda entry: Node("product", factors=[*rest, entry]))
    return None


def _without_loose(node):
    if node.kind != "product" or not getattr(node, "loose", False):
        return None
    factors = node.factors[:-1]
    return factors[0] if len(factors) == 1 else Node("product", factors=factors)


def compare_answers(gold, answer):
    """Whether two answers to a problem are the same, in any notation, and the rule that decided."""
    # Deep answers need deep calls. Python's limit is one for all threads, and is only raised.
    if sys.getrecursionlimit() < 12_000:
        sys.setrecursionlimit(12_000)
    if max(units_of(gold), units_of(answer)) > LONGEST_ANSWER:
        return _as_text(trim(gold), trim(answer), "too long")
    key_tokens, own_tokens = _lex(gold), _lex(answer)
    if key_tokens == "too many" or own_tokens == "too many":
        return _as_text(trim(gold), trim(answer), "too many signs")

    def texts(why):
        return _as_text(_plain_text(gold, key_tokens), _plain_text(answer, own_tokens), why)

    key, own = _read(key_tokens), _read(own_tokens)
    if not key or not own:
        return texts("not read as mathematics")
    work = Work(MOST_OPERATIONS)
    try:
        found = Comparer(work).compare(key, own)
        if found.same:
            return found
        return _listed(key_tokens, own_tokens, key, own, work) or found
    except NotRead:
        return texts("not read as mathematics")
    except (TooCostly, RecursionError):
        return texts("too costly to compute")


def _lex(text):
    try:
        return tokens_of(text)
    except NotRead:
        return None
    except TooCostly:
        return "too many"


def _read(tokens, grouped=True):
    if not tokens:
        return None
    try:
        return parse_answer(tokens, grouped)
    except NotRead:
        return None


def _listed(key_tokens, own_tokens, key, own, work):
    """Reads the commas of one side as a list's where only the other side is a list."""
    key_is_list = key.kind == "list"
    if key_is_list == (own.kind == "list"):
        return None
    other = _read(own_tokens if key_is_list else key_tokens, False)
    if not other or other.kind != "list":
        return None
    found = Comparer(work).compare(key if key_is_list else other, other if key_is_list else own)
    return _yes(found.rule + ", its commas between entries") if found.same else None


def _as_text(key, answer, why):
    return Finding(key != "" and key == answer, why + ": compared as text")


def _plain_text(text, tokens):
    """An answer as text: its tokens without LaTeX's spellings, words in quotation marks."""
    if not tokens:
        return re.sub(S + "+", " ", trim(text))
    parts = []
    for i, token in enumerate(tokens):
        if token.kind in ("text", "word"):
            parts.append('"' + token.text + '"')
        elif (
            token.blank
            and token.kind == "number"
            and i > 0
            and tokens[i - 1].kind == "number"
        ):
            parts.append(" " + token.text)
        else:
            parts.append(token.text)
    return "".join(parts)


def _compare_by_math_verify(gold, answer):
    try:
        from math_verify import parse, verify
    except ImportError as error:
        raise RuntimeError(
            "LIMR_MATH_VERIFY is set, but the package math_verify is not installed: "
            "pip install math-verify, or unset the variable"
        ) from error
    # Its time limits are signals, which only the main thread may set.
    main = threading.current_thread() is threading.main_thread()
    limits = {} if main else {"parsing_timeout": None}
    key = parse("\\boxed{" + gold + "}", **limits)
    own = parse("\\boxed{" + answer + "}", **limits)
    same = verify(key, own, **({} if main else {"timeout_seconds": None}))
    return Finding(bool(same), "math_verify")


# Verdicts.

# A reward, whether the answer is right, whether the form is, the answer that was read, the reason.
Verdict = namedtuple("Verdict", "reward correct formatted extracted rule")


def _by_math(gold, response, finished):
    broken, extracted = math_format(response, finished)
    if broken is not None:
        return Verdict(-1.0, False, False, extracted, broken)
    if os.environ.get("LIMR_MATH_VERIFY", "") not in ("", "0"):
        found = _compare_by_math_verify(gold, extracted)
    else:
        found = compare_answers(gold, extracted)
    return Verdict(1.0 if found.same else -0.5, found.same, True, extracted, found.rule)


def _by_text(gold, response, finished):
    text, ended = end_of(response, finished)
    extracted = trim(text)
    if not ended:
        return Verdict(-1.0, False, False, extracted, "unfinished")
    same = trim(gold) == extracted
    return Verdict(1.0 if same else -0.5, same, True, extracted, "same text")


VERIFIERS = {"math": _by_math, "exact": _by_text}


def judge(answer, response, finished=True, verifier=None):
    """The verdict on one response. `finished` None: an end token in the text decides."""
    name = verifier or SETTINGS.get("verifier", "math")
    return VERIFIERS[name](_text_of(answer), response, finished)


def _text_of(answer):
    if isinstance(answer, str):
        return answer
    if isinstance(answer, bool) or not isinstance(answer, (int, float)):
        raise TypeError("an answer must be a text or a number, is %s" % type(answer).__name__)
    if isinstance(answer, float) and answer.is_integer() and abs(answer) < 1e21:
        return str(int(answer))
    return str(answer)


def _judged(answer, response, finished):
    """As `judge`; a response that cannot be judged gets -1, and the reason is printed."""
    try:
        return judge(answer, response, finished)
    except RuntimeError:
        raise
    except Exception as error:
        print(
            "limr_reward: a response could not be judged and gets -1: %s: %s"
            % (type(error).__name__, error),
            file=sys.stderr,
        )
        return Verdict(-1.0, False, False, None, "could not be judged")


# The log of rollouts.

HERE = os.path.dirname(os.path.abspath(__file__))


class _Log:
    """Appends a line for each response to a file of this process."""

    def __init__(self):
        self.lock = threading.Lock()
        self.file = None
        self.owner = None
        self.failed = False

    def append(self, rows):
        text = "".join(json.dumps(row) + "\n" for row in rows).encode("ascii")
        with self.lock:
            if self.failed and self.owner == os.getpid():
                return
            try:
                self._open()
                left = memoryview(text)
                while left:
                    left = left[os.write(self.file, left) :]
            except OSError as error:
                self.failed = True
                self.owner = os.getpid()
                print(
                    "limr_reward: no rollouts are kept from here on: %s" % error,
                    file=sys.stderr,
                )

    def _open(self):
        # A forked process gets a file of its own.
        if self.file is not None and self.owner == os.getpid():
            return
        self.failed = False
        folder = os.environ.get("LIMR_ROLLOUTS") or os.path.join(HERE, "rollouts")
        os.makedirs(folder, exist_ok=True)
        host = int.from_bytes(os.uname().nodename.encode()[-6:], "big") if hasattr(os, "uname") else 0
        name = "rollouts_%d_%d_%d.jsonl" % (host, os.getpid(), time.time_ns())
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        self.file = os.open(os.path.join(folder, name), flags, 0o644)
        self.owner = os.getpid()


_LOG = _Log()


def _samples():
    try:
        return max(1, int(os.environ.get("LIMR_SAMPLES", "")))
    except ValueError:
        return SETTINGS.get("samples", 8)


def _keep(prompt, answer, response, finished, verdict, limr_id=None, step=None):
    row = {} if limr_id is None else {"id": str(limr_id)}
    row.update(
        prompt=prompt,
        answer=answer,
        response=response,
        reward=verdict.reward,
        correct=verdict.correct,
        formatted=verdict.formatted,
        extracted=verdict.extracted,
        finished=finished,
        samples=_samples(),
        time=round(time.time(), 6),
    )
    if step is not None:
        row["step"] = step
    return row


# The prompts of this kit.

Known = namedtuple("Known", "limr_id prompt answer text")


@functools.lru_cache(maxsize=1)
def _pool():
    """The rows of the kit's data file, in order; empty where the file is not beside this one."""
    rows = []
    for name in ("train.jsonl", "train.json"):
        path = os.path.join(HERE, name)
        if not os.path.exists(path):
            continue
        with open(path, encoding="utf-8") as file:
            text = file.read()
        # Split by newlines alone: a text may hold other ends of lines.
        for line in text.split("\n") if name.endswith("l") else [text]:
            if line.strip() == "":
                continue
            found = json.loads(line)
            rows.extend(found if isinstance(found, list) else [found])
        break
    known = []
    for row in rows:
        info = row.get("extra_info") or {}
        prompt = row["prompt"] if "prompt" in row else row.get("input")
        answer = (row.get("reward_model") or {}).get("ground_truth")
        if answer is None:
            answer = row.get("answer", row.get("label"))
        limr_id = info.get("limr_id", row.get("limr_id", row.get("id")))
        text = prompt if isinstance(prompt, str) else _last_user_text(prompt)
        known.append(Known(limr_id, prompt, answer, text))
    return known


def _last_user_text(messages):
    for message in reversed(messages or []):
        if message.get("role") == "user":
            return _content_text(message.get("content"))
    return ""


def _content_text(content):
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return "".join(part if isinstance(part, str) else part.get("text", "") for part in parts)


@functools.lru_cache(maxsize=1)
def _places_by_answer():
    places = {}
    for at, row in enumerate(_pool()):
        places.setdefault(_text_of(row.answer), []).append(at)
    return places


@functools.lru_cache(maxsize=65536)
def _find_inside(prompt, answer):
    """The row of the data file whose text a templated prompt contains; the longest, if several."""
    found = None
    for at in _places_by_answer().get(answer, []):
        row = _pool()[at]
        text = row.text.strip()
        if text != "" and text in prompt and (found is None or len(text) > len(found.text.strip())):
            found = row
    return found


# Where a response ended.


@functools.lru_cache(maxsize=1)
def _stop_ids():
    """The ids that end a response: the kit's, else those of the model in the local cache."""
    known = SETTINGS.get("stop_ids")
    if known:
        return frozenset(known)
    model = SETTINGS.get("model")
    if model and "transformers" in sys.modules:
        try:
            from transformers import GenerationConfig

            ids = GenerationConfig.from_pretrained(model, local_files_only=True).eos_token_id
            if ids is not None:
                return frozenset(ids if isinstance(ids, (list, tuple)) else [ids])
        except (OSError, ValueError) as error:
            print("limr_reward: no stop ids of %s: %s" % (model, error), file=sys.stderr)
    print(
        "limr_reward: the ids that end a response are not known: every response counts as finished",
        file=sys.stderr,
    )
    return None


def _finished(ids):
    """Whether the engine finished a response: its last id is a stop id, where it gives ids."""
    if ids is None or len(ids) == 0:
        return True
    stops = _stop_ids()
    return True if stops is None else int(ids[-1]) in stops


# Verl.


def compute_score(data_source, solution_str, ground_truth, extra_info=None, **_):
    """verl's reward function. The dict's other entries are dumped beside the score."""
    verdict = _judged(ground_truth, solution_str, True)
    info = extra_info or {}
    limr_id = info.get("limr_id")
    if data_source == "limr" and info.get("split", "train") == "train":
        index = info.get("index")
        pool = _pool()
        known = pool[index] if isinstance(index, int) and 0 <= index < len(pool) else None
        same = known is not None and known.limr_id == limr_id and known.answer == ground_truth
        prompt = known.prompt if same else info.get("prompt")
        if prompt is None and limr_id is not None:
            prompt = "prompt %s" % limr_id
        if prompt is not None:
            _LOG.append([_keep(prompt, ground_truth, solution_str, True, verdict, limr_id)])
    score = {
        "score": verdict.reward,
        "acc": float(verdict.correct),
        "formatted": float(verdict.formatted),
    }
    if limr_id is not None:
        score["limr_id"] = str(limr_id)
    return score


# TRL.

_calls = 0


def reward(completions, **columns):
    """TRL's reward function: a list of floats, one for each completion."""
    global _calls
    prompts = columns.get("prompts", columns.get("prompt"))
    answers = columns.get("answer", columns.get("solution"))
    if answers is None:
        raise KeyError("limr_reward.reward: the data set has no column answer or solution")
    ids = columns.get("limr_id")
    token_ids = columns.get("completion_ids")
    state = columns.get("trainer_state")
    step = getattr(state, "global_step", None)
    if step is None:
        step = _calls
    _calls += 1
    rewards = []
    rows = []
    for i, completion in enumerate(completions):
        response = completion
        if not isinstance(completion, str):
            response = _content_text(completion[-1].get("content")) if completion else ""
        finished = _finished(token_ids[i]) if token_ids is not None else True
        verdict = _judged(answers[i], response, finished)
        rewards.append(verdict.reward)
        if prompts is not None:
            limr_id = ids[i] if ids is not None else None
            rows.append(
                _keep(prompts[i], answers[i], response, finished, verdict, limr_id, int(step))
            )
    _LOG.append(rows)
    log_extra = columns.get("log_extra")
    if log_extra is not None and ids is not None:
        log_extra("limr_id", [str(one) for one in ids])
    return rewards


# OpenRLHF.


def reward_func(queries, prompts, labels, **_):
    """OpenRLHF's reward function. A query is a prompt and its response in one text."""
    rewards = []
    verdicts = []
    rows = []
    for query, prompt, label in zip(queries, prompts, labels):
        at = query.find(prompt)
        response = query[at + len(prompt) :] if at >= 0 else query
        verdict = _judged(label, response, True)
        rewards.append(verdict.reward)
        verdicts.append(verdict)
        known = _find_inside(prompt, _text_of(label))
        row = _keep(
            prompt if known is None else known.prompt,
            label,
            end_of(response)[0],
            True,
            verdict,
            None if known is None else known.limr_id,
        )
        rows.append(row)
    _LOG.append(rows)
    count = max(1, len(verdicts))
    extra = {
        "correct": sum(verdict.correct for verdict in verdicts) / count,
        "formatted": sum(verdict.formatted for verdict in verdicts) / count,
    }
    torch = sys.modules.get("torch")
    if torch is not None:
        rewards = torch.tensor(rewards, dtype=torch.float32)
    return {"rewards": rewards, "scores": rewards, "extra_logs": extra}


def main():
    """Judges lines of {"answer", "response", "finished"} from standard input."""
    for line in sys.stdin:
        row = json.loads(line)
        verdict = judge(
            row["answer"], row["response"], row.get("finished"), row.get("verifier")
        )
        print(json.dumps(verdict._asdict()))


if __name__ == "__main__":
    main()
