//! Moves points: into lots, out of them by earliest expiry, back into them.

use std::collections::BTreeMap;

use super::{Account, AccountError, Allocation, Cause, Lot, LotId, Settlement};
use crate::ids::{BenefitId, EntryRef};
use crate::points::{Growth, Points};
use crate::time::ServerTime;
use crate::verdict::Paid;

/// Lots of one account. Points of one expiry day are one lot, or a few where some were taken, so a policy whose points live for ten years stays below it;
/// and the statement that lists them stays within its bytes.
pub const LOTS_MAX: usize = 4_096;

impl Account {
    /// Returns the spendable points: the sum of what is left in the lots.
    #[must_use]
    pub fn balance(&self) -> Points {
        self.lots.iter().map(|lot| lot.remaining).sum()
    }

    /// Returns the points that expire, by time, soonest first.
    #[must_use]
    pub fn expiring(&self) -> BTreeMap<ServerTime, Points> {
        let mut expiring = BTreeMap::new();
        for lot in &self.lots {
            let sum = expiring.entry(lot.expires).or_insert(Points::ZERO);
            *sum = sum.plus(lot.remaining);
        }
        expiring
    }

    /// Spends points on a benefit, from the lots that expire first.
    ///
    /// # Errors
    /// [`AccountError::NotPositive`], [`AccountError::NotEnough`]; the account is as it was.
    pub fn spend(
        &mut self,
        points: Points,
        benefit: BenefitId,
        now: ServerTime,
    ) -> Result<Settlement, AccountError> {
        require_positive(points)?;
        let alive = |lot: &Lot| lot.expires > now;
        let spendable = self.lots.iter().filter(|lot| alive(lot));
        let spendable = spendable.map(|lot| lot.remaining).sum();
        if points > spendable {
            return Err(AccountError::NotEnough {
                asked: points,
                spendable,
            });
        }
        let allocations = self.take(points, alive);
        let mut row = self.row(now, Cause::Spent { benefit });
        row.points = Points::ZERO.minus(points);
        row.allocations = allocations;
        Ok(row)
    }

    /// Takes a spending back, lot by lot: each lot is as if nothing had been taken from it.
    ///
    /// Points of a lot that expired in between come back too, and leave again by the next [`Account::expire`], so
    /// that the member sees both. Arrears that arose in between are offset first, from what expires first.
    ///
    /// # Errors
    /// [`AccountError::NotASpending`], [`AccountError::GivenBackAlready`]; the account is as it was.
    pub fn reverse(
        &mut self,
        spending: &Settlement,
        now: ServerTime,
    ) -> Result<Settlement, AccountError> {
        if !matches!(spending.cause, Cause::Spent { .. }) {
            return Err(AccountError::NotASpending);
        }
        for taken in &spending.allocations {
            let lot = self.lots.iter().find(|lot| lot.id == taken.lot);
            let left = lot.map_or(Points::ZERO, |lot| lot.remaining);
            // A lot grows only while nothing is taken from it, so this is what it ever had.
            let most = lot.map_or(taken.size, |lot| lot.points.max(taken.size));
            if left.plus(taken.points) > most {
                return Err(AccountError::GivenBackAlready(taken.lot));
            }
        }
        let cause = Cause::Reversed {
            of: spending.version,
        };
        let mut row = self.row(now, cause);
        for taken in &spending.allocations {
            let offset = self.offset_arrears(taken.points);
            row.arrears = row.arrears.minus(offset);
            let back = taken.points.minus(offset);
            if back > Points::ZERO {
                self.give_back(taken, back);
                row.points = row.points.plus(back);
                row.allocations.push(Allocation {
                    points: back,
                    ..*taken
                });
            }
        }
        Ok(row)
    }

    /// Lets each lot go whose time has come: one row of the ledger for each, soonest first.
    #[must_use = "each row belongs in the ledger"]
    pub fn expire(&mut self, now: ServerTime) -> Vec<Settlement> {
        let mut due: Vec<Lot> = self
            .lots
            .iter()
            .copied()
            .filter(|lot| lot.expires <= now)
            .collect();
        due.sort_by_key(Lot::order_of_use);
        due.into_iter()
            .map(|lot| {
                let allocations = self.take(lot.remaining, |other| other.id == lot.id);
                let mut row = self.row(now, Cause::Expired { lot: lot.id });
                row.points = Points::ZERO.minus(lot.remaining);
                row.allocations = allocations;
                row
            })
            .collect()
    }

    /// Takes an award back: what is left of it in its lot, then other points by earliest expiry, and what is missing
    /// becomes arrears that later awards pay first.
    ///
    /// The growth value falls, at most to 0, and that of the present period with it when the award is `of_this_period`; the tier
    /// stays until its review. The caller leaves out of `paid` what is gone by itself: points that expired with the lot, and growth
    /// value that a review dropped.
    #[must_use = "the row belongs in the ledger"]
    pub fn claw_back(
        &mut self,
        entry: EntryRef,
        paid: Paid,
        lot: LotId,
        of_this_period: bool,
        now: ServerTime,
    ) -> Settlement {
        let mut row = self.row(now, Cause::ClawedBack { entry });
        self.take_back(&mut row, paid, lot, of_this_period);
        row
    }

    /// Takes amounts back, of `lot` first.
    pub(crate) fn take_back(
        &mut self,
        row: &mut Settlement,
        paid: Paid,
        lot: LotId,
        of_this_period: bool,
    ) {
        let asked = paid.points.max(Points::ZERO);
        let mut allocations = self.take(asked, |other| other.id == lot);
        let from_lot = taken(&allocations);
        allocations.extend(self.take(asked.minus(from_lot), |_| true));
        let all = taken(&allocations);
        let missing = asked.minus(all);
        self.arrears = self.arrears.plus(missing);
        let growth = paid.growth.clamp(Growth::ZERO, self.growth);
        self.growth = self.growth.minus(growth);
        if of_this_period {
            self.growth_in_period = self.growth_in_period.minus(growth).max(Growth::ZERO);
        }
        self.growth_in_period = self.growth_in_period.min(self.growth);
        row.points = row.points.minus(all);
        row.growth = row.growth.minus(growth);
        row.arrears = row.arrears.plus(missing);
        row.allocations.extend(allocations);
    }

    /// Begins the next row of the ledger: raises the version, changes nothing else.
    pub(crate) fn row(&mut self, at: ServerTime, cause: Cause) -> Settlement {
        self.version = self.version.next();
        Settlement {
            version: self.version,
            at,
            cause,
            points: Points::ZERO,
            growth: Growth::ZERO,
            arrears: Points::ZERO,
            allocations: Vec::new(),
            promoted: None,
        }
    }

    /// Pays points in: arrears first, the rest into the lot that expires at the same time and is whole, or as a lot named
    /// after the row when there is none. A lot that something was taken from stays as it is, for its reversal.
    pub(crate) fn pay_in(&mut self, row: &mut Settlement, points: Points, expires: ServerTime) {
        let offset = self.offset_arrears(points);
        row.arrears = row.arrears.minus(offset);
        let rest = points.minus(offset);
        if rest <= Points::ZERO {
            return;
        }
        row.points = row.points.plus(rest);
        let mut lots = self.lots.iter_mut();
        if let Some(lot) = lots.find(|lot| lot.expires == expires && lot.is_whole()) {
            lot.points = lot.points.plus(rest);
            lot.remaining = lot.remaining.plus(rest);
            row.allocations.push(Allocation {
                lot: lot.id,
                points: rest,
                size: lot.points,
                expires,
            });
        } else {
            self.lots.push(Lot {
                id: row.version,
                points: rest,
                remaining: rest,
                expires,
            });
            self.bound_lots();
        }
    }

    /// Makes one lot of the whole ones that expire together: an account of before that was the rule has one for each award.
    ///
    /// Balance and expiry stay as they are, to the point. The lot keeps the name of the first of them.
    pub fn merge_lots(&mut self) {
        self.merge_those(Lot::is_whole);
        self.bound_lots();
    }

    /// The account as a statement shows it: one lot for each expiry, whether something was taken from it or not.
    #[must_use]
    pub fn by_expiry(mut self) -> Self {
        self.merge_those(|_| true);
        self
    }

    fn merge_those(&mut self, is_one: impl Fn(&Lot) -> bool) {
        let mut merged: BTreeMap<ServerTime, Lot> = BTreeMap::new();
        let mut lots = Vec::new();
        for lot in self.lots.drain(..) {
            if is_one(&lot) {
                merged
                    .entry(lot.expires)
                    .and_modify(|first| first.absorb(&lot))
                    .or_insert(lot);
            } else {
                lots.push(lot);
            }
        }
        lots.extend(merged.into_values());
        lots.sort_by_key(|lot| lot.id);
        self.lots = lots;
    }

    /// Keeps the number of lots within [`LOTS_MAX`]: of too many, the two that expire last become one that expires with the
    /// later of them, so that no point is lost and none expires earlier than it was promised.
    fn bound_lots(&mut self) {
        while self.lots.len() > LOTS_MAX {
            let last = |lots: &[Lot]| {
                let places = 0..lots.len();
                places.max_by_key(|place| lots[*place].order_of_use())
            };
            let Some(later) = last(&self.lots).map(|place| self.lots.remove(place)) else {
                return;
            };
            let Some(place) = last(&self.lots) else {
                return;
            };
            let earlier = self.lots.remove(place);
            let (mut first, second) = if earlier.id < later.id {
                (earlier, later)
            } else {
                (later, earlier)
            };
            first.absorb(&second);
            let place = self.lots.partition_point(|lot| lot.id < first.id);
            self.lots.insert(place, first);
        }
    }

    fn offset_arrears(&mut self, points: Points) -> Points {
        let offset = points.min(self.arrears).max(Points::ZERO);
        self.arrears = self.arrears.minus(offset);
        offset
    }

    /// Takes up to that many points from the lots that may be used, and drops the ones with nothing left.
    fn take(&mut self, points: Points, usable: impl Fn(&Lot) -> bool) -> Vec<Allocation> {
        let mut order: Vec<usize> = (0..self.lots.len())
            .filter(|place| usable(&self.lots[*place]))
            .collect();
        order.sort_by_key(|place| self.lots[*place].order_of_use());
        let mut missing = points;
        let mut allocations = Vec::new();
        for place in order {
            if missing <= Points::ZERO {
                break;
            }
            let lot = &mut self.lots[place];
            let part = missing.min(lot.remaining);
            lot.remaining = lot.remaining.minus(part);
            missing = missing.minus(part);
            allocations.push(Allocation {
                lot: lot.id,
                points: part,
                size: lot.points,
                expires: lot.expires,
            });
        }
        self.lots.retain(|lot| lot.remaining > Points::ZERO);
        allocations
    }

    fn give_back(&mut self, taken: &Allocation, points: Points) {
        match self.lots.binary_search_by_key(&taken.lot, |lot| lot.id) {
            Ok(place) => self.lots[place].remaining = self.lots[place].remaining.plus(points),
            Err(place) => {
                self.lots.insert(
                    place,
                    Lot {
                        id: taken.lot,
                        points: taken.size,
                        remaining: points,
                        expires: taken.expires,
                    },
                );
                self.bound_lots();
            }
        }
    }
}

impl Settlement {
    /// The lot that the points of an award went into: what a clawback of it takes first.
    #[must_use]
    pub fn lot(&self) -> LotId {
        let into = self.allocations.first().map(|into| into.lot);
        into.unwrap_or(self.version)
    }
}

impl Lot {
    /// Tells whether nothing is taken from it.
    fn is_whole(&self) -> bool {
        self.remaining == self.points
    }

    /// Takes another lot in; it expires with the later of both.
    fn absorb(&mut self, other: &Self) {
        self.points = self.points.plus(other.points);
        self.remaining = self.remaining.plus(other.remaining);
        self.expires = self.expires.max(other.expires);
    }

    /// Earliest expiry first; of two that expire together, the one earned first.
    fn order_of_use(&self) -> (ServerTime, LotId) {
        (self.expires, self.id)
    }
}

fn taken(allocations: &[Allocation]) -> Points {
    allocations.iter().map(|part| part.points).sum()
}

pub(super) fn require_positive(points: Points) -> Result<(), AccountError> {
    if points > Points::ZERO {
        Ok(())
    } else {
        Err(AccountError::NotPositive(points))
    }
}
