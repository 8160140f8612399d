//! Checks the invariants of an account.

use super::{Account, AccountError, Flaw, Remainder};
use crate::points::{Growth, Milli, Points};

impl Account {
    /// Checks what must hold before an account is stored and after it is read.
    ///
    /// # Errors
    /// [`AccountError::Flawed`] with the first contradiction.
    pub fn check(&self) -> Result<(), AccountError> {
        self.check_lots()
            .and_then(|()| self.check_sums())
            .and_then(|()| self.check_pending())
            .map_err(AccountError::Flawed)
    }

    fn check_lots(&self) -> Result<(), Flaw> {
        let mut newest = None;
        for lot in &self.lots {
            if lot.remaining < Points::new(1) || lot.remaining > lot.points {
                return Err(Flaw::LotRemaining(lot.id));
            }
            if newest >= Some(lot.id) {
                return Err(Flaw::LotOrder(lot.id));
            }
            if lot.id > self.version {
                return Err(Flaw::LotFromTheFuture(lot.id));
            }
            newest = Some(lot.id);
        }
        Ok(())
    }

    fn check_sums(&self) -> Result<(), Flaw> {
        let owed = self.arrears;
        if owed < Points::ZERO || (owed > Points::ZERO && !self.lots.is_empty()) {
            return Err(Flaw::Arrears(owed));
        }
        if self.growth_in_period < Growth::ZERO || self.growth < self.growth_in_period {
            return Err(Flaw::Growth);
        }
        if let Some((rule, _)) = self
            .remainders
            .iter()
            .find(|(_, carried)| !carried.is_part())
        {
            return Err(Flaw::Remainder(rule.clone()));
        }
        let overdrawn = self
            .used
            .iter()
            .find(|(_, days)| days.values().any(|used| *used < Milli::ZERO));
        overdrawn.map_or(Ok(()), |(cap, _)| Err(Flaw::Used(cap.clone())))
    }

    fn check_pending(&self) -> Result<(), Flaw> {
        for (place, held) in self.pending.iter().enumerate() {
            let twice = self.pending[..place]
                .iter()
                .any(|other| other.entry == held.entry);
            if twice || held.paid.points < Points::ZERO || held.paid.growth < Growth::ZERO {
                return Err(Flaw::Pending(held.entry));
            }
        }
        Ok(())
    }
}

impl Remainder {
    fn is_part(&self) -> bool {
        let part = Milli::ZERO..Milli::from_whole(1);
        part.contains(&self.points) && part.contains(&self.growth)
    }
}
