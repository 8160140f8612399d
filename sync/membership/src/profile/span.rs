//! Sets of integers that an expression may give: never too small, so that what they exclude is impossible.

use super::eval::EvalError;
use super::typed::IntOperator;

/// So many pairs of values are computed one by one, which is exact.
const PAIRS_MAX: i128 = 256;

/// The integers `low`, `low + step`, .. `high`, each within 64 bits; `step` is 0 for one integer alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    low: i128,
    high: i128,
    step: i128,
}

impl Span {
    pub(super) fn one(value: i64) -> Self {
        let value = i128::from(value);
        Self {
            low: value,
            high: value,
            step: 0,
        }
    }

    pub(super) fn between(least: i64, most: i64) -> Self {
        Self {
            low: i128::from(least),
            high: i128::from(most),
            step: i128::from(least != most),
        }
    }

    pub(super) const fn low(self) -> i128 {
        self.low
    }

    pub(super) const fn high(self) -> i128 {
        self.high
    }

    /// The members from `least` to `most`; `None` when there is none.
    pub(super) fn within(self, least: i128, most: i128) -> Option<Self> {
        let lift = |from: i128| self.low + steps_up(from - self.low, self.step);
        let low = if least <= self.low {
            self.low
        } else if self.step == 0 {
            return None;
        } else {
            lift(least)
        };
        let high = if most >= self.high {
            self.high
        } else if self.step == 0 {
            return None;
        } else {
            self.low + (most - self.low).div_euclid(self.step) * self.step
        };
        (low <= high).then_some(Self {
            low,
            high,
            step: if low == high { 0 } else { self.step },
        })
    }

    /// The members that are not one value, as far as that is one of the ends.
    pub(super) fn without(self, value: i128) -> Option<Self> {
        if self.low == self.high && self.low == value {
            None
        } else if self.low == value {
            self.within(value + 1, self.high)
        } else if self.high == value {
            self.within(self.low, value - 1)
        } else {
            Some(self)
        }
    }

    /// A set that contains both.
    pub(super) fn or(self, other: Self) -> Self {
        let low = self.low.min(other.low);
        let high = self.high.max(other.high);
        let apart = (self.low - other.low).abs();
        let step = gcd(gcd(self.step, other.step), apart);
        Self { low, high, step }
    }

    /// The members of both, as far as their ends tell.
    pub(super) fn and(self, other: Self) -> Option<Self> {
        if !self.meets(other) {
            return None;
        }
        self.within(other.low, other.high)
    }

    /// Returns whether the two may have a common member.
    pub(super) fn meets(self, other: Self) -> bool {
        let overlap = self.low <= other.high && other.low <= self.high;
        let step = gcd(self.step, other.step);
        let apart = self.low - other.low;
        overlap
            && if step == 0 {
                apart == 0
            } else {
                apart % step == 0
            }
    }

    pub(super) const fn is_one(self) -> bool {
        self.low == self.high
    }

    fn count(self) -> i128 {
        if self.step == 0 {
            1
        } else {
            (self.high - self.low) / self.step + 1
        }
    }

    fn members(self) -> impl Iterator<Item = i64> {
        // Only small sets are listed, and each member is within 64 bits.
        (0..self.count()).filter_map(move |place| i64::try_from(self.low + place * self.step).ok())
    }

    /// Results of an operator over each pair; `None` when none has a value. With it the failure that is possible.
    pub(super) fn apply(
        self,
        operator: IntOperator,
        right: Self,
    ) -> (Option<Self>, Option<EvalError>) {
        if self.count().saturating_mul(right.count()) <= PAIRS_MAX {
            return self.pair_by_pair(operator, right);
        }
        match operator {
            IntOperator::Add => clipped(
                self.low + right.low,
                self.high + right.high,
                gcd(self.step, right.step),
                self.low + right.low,
            ),
            IntOperator::Subtract => clipped(
                self.low - right.high,
                self.high - right.low,
                gcd(self.step, right.step),
                self.low - right.low,
            ),
            IntOperator::Multiply => self.multiplied(right),
            IntOperator::Divide => self.divided(right),
            IntOperator::Remainder => self.remainder(right),
        }
    }

    fn pair_by_pair(self, operator: IntOperator, right: Self) -> (Option<Self>, Option<EvalError>) {
        let (mut all, mut failure): (Option<Self>, _) = (None, None);
        for left in self.members() {
            for right in right.members() {
                match operator.apply(left, right) {
                    Ok(value) => {
                        let one = Self::one(value);
                        all = Some(all.map_or(one, |all| all.or(one)));
                    }
                    Err(error) => failure = Some(error),
                }
            }
        }
        (all, failure)
    }

    fn multiplied(self, right: Self) -> (Option<Self>, Option<EvalError>) {
        let corners = [
            self.low * right.low,
            self.low * right.high,
            self.high * right.low,
            self.high * right.high,
        ];
        let (low, high) = ends(corners);
        let step = match (
            self.low.checked_mul(right.step),
            right.low.checked_mul(self.step),
            self.step.checked_mul(right.step),
        ) {
            (Some(one), Some(two), Some(three)) => gcd(gcd(one, two), three),
            _ => 1,
        };
        clipped(low, high, step, self.low * right.low)
    }

    fn divided(self, right: Self) -> (Option<Self>, Option<EvalError>) {
        let by_zero = right.may_be_zero();
        let divisors = [right.low, right.high, -1, 1];
        let usable = divisors
            .into_iter()
            .filter(|divisor| *divisor != 0 && (right.low..=right.high).contains(divisor));
        let quotients: Vec<i128> = usable
            .flat_map(|divisor| [self.low / divisor, self.high / divisor])
            .collect();
        let Some((low, high)) = some_ends(&quotients) else {
            return (None, by_zero);
        };
        let divides = right.is_one() && self.low % right.low == 0 && self.step % right.low == 0;
        let step = if divides {
            (self.step / right.low).abs()
        } else {
            i128::from(low != high)
        };
        let done = clipped(low, high, step, low);
        (done.0, by_zero.or(done.1))
    }

    fn remainder(self, right: Self) -> (Option<Self>, Option<EvalError>) {
        let by_zero = right.may_be_zero();
        let greatest = right.low.abs().max(right.high.abs());
        if greatest == 0 {
            return (None, by_zero);
        }
        let low = if self.low < 0 {
            (1 - greatest).max(self.low)
        } else {
            0
        };
        let high = if self.high > 0 {
            (greatest - 1).min(self.high)
        } else {
            0
        };
        let step = if right.is_one() {
            gcd(self.step, right.low)
        } else {
            1
        };
        // The one quotient of 64 bits that does not fit has a remainder that is refused with it.
        let overflow =
            (right.low <= -1 && self.low == i128::from(i64::MIN)).then_some(EvalError::Overflow);
        let done = clipped(low, high, step, self.low);
        (done.0, by_zero.or(overflow).or(done.1))
    }

    fn may_be_zero(self) -> Option<EvalError> {
        self.within(0, 0).map(|_| EvalError::DivisionByZero)
    }
}

/// The members of `anchor + k * step` from `low` to `high` that fit 64 bits.
fn clipped(low: i128, high: i128, step: i128, anchor: i128) -> (Option<Span>, Option<EvalError>) {
    let (least, most) = (i128::from(i64::MIN), i128::from(i64::MAX));
    let overflow = (low < least || high > most).then_some(EvalError::Overflow);
    let (low, high) = (low.max(least), high.min(most));
    if low > high {
        return (None, overflow);
    }
    if step == 0 {
        let one = (low..=high).contains(&anchor);
        let span = Span {
            low: anchor,
            high: anchor,
            step: 0,
        };
        return (one.then_some(span), overflow);
    }
    let first = low + (anchor - low).rem_euclid(step);
    let last = high - (high - anchor).rem_euclid(step);
    let span = Span {
        low: first,
        high: last,
        step: if first == last { 0 } else { step },
    };
    ((first <= last).then_some(span), overflow)
}

/// The least multiple of a step that is no less than a distance.
const fn steps_up(distance: i128, step: i128) -> i128 {
    -((-distance).div_euclid(step) * step)
}

fn ends(values: [i128; 4]) -> (i128, i128) {
    some_ends(&values).unwrap_or((0, 0))
}

fn some_ends(values: &[i128]) -> Option<(i128, i128)> {
    Some((*values.iter().min()?, *values.iter().max()?))
}

const fn gcd(one: i128, other: i128) -> i128 {
    let (mut one, mut other) = (one.abs(), other.abs());
    while other != 0 {
        (one, other) = (other, one % other);
    }
    one
}
