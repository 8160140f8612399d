//! Promotes members, and reviews tiers.

use super::{Account, Cause, Settlement, TierHeld};
use crate::ids::TierId;
use crate::points::Growth;
use crate::policy::{CompiledPolicy, Demotion, Tiers};
use crate::time::ServerTime;
use crate::zone::Zone;

impl Account {
    /// Reviews the tier when its time has come; `None` before, and for the lowest tier.
    ///
    /// Growth value older than the period falls away. What is left keeps the tier when it reaches the tier's
    /// threshold. The next period begins where this one ended; after a long outage, call it until it gives `None`.
    #[must_use = "the row belongs in the ledger"]
    pub fn review_tier(
        &mut self,
        policy: &CompiledPolicy,
        now: ServerTime,
        zone: &Zone,
    ) -> Option<Settlement> {
        let ended = self.tier.until.filter(|until| *until <= now)?;
        let tiers = &policy.policy().tiers;
        let growth = self.growth_in_period;
        let rank = match tiers.rank(&self.tier.tier) {
            Some(rank) if growth >= tiers.ladder[rank].threshold => rank,
            Some(rank) => match tiers.demotion {
                Demotion::OneStep => rank.saturating_sub(1),
                Demotion::ToFit => tiers.reached(growth),
            },
            // The policy has dropped the tier: the member gets the one that fits.
            None => tiers.reached(growth),
        };
        let from = self.tier.tier.clone();
        let change = growth.minus(self.growth);
        self.growth = growth;
        self.growth_in_period = Growth::ZERO;
        self.tier = held(tiers, rank, ended, zone);
        let to = self.tier.tier.clone();
        let mut row = self.row(now, Cause::TierChanged { from, to });
        row.growth = change;
        Some(row)
    }

    /// Takes a review back that came too early because a clock was wrong: tier, end and growth value are as if it had never
    /// been. `None` when the present tier is not the one that this review left, or has begun.
    ///
    /// The beginning of the tier is known to the day.
    #[must_use = "the row belongs in the ledger"]
    pub fn reverse_review(
        &mut self,
        review: &Settlement,
        policy: &CompiledPolicy,
        now: ServerTime,
        zone: &Zone,
    ) -> Option<Settlement> {
        let Cause::TierChanged { from, to } = &review.cause else {
            return None;
        };
        let until = self.tier.since;
        if self.tier.tier != *to || until <= now {
            return None;
        }
        // The review put what the period had in the place of all of it.
        self.growth_in_period = self.growth;
        self.growth = self.growth.minus(review.growth);
        self.tier = TierHeld {
            tier: from.clone(),
            since: zone.start_of_day_before_months(until, policy.policy().tiers.months),
            until: Some(until),
        };
        let cause = Cause::TierChanged {
            from: to.clone(),
            to: from.clone(),
        };
        let mut row = self.row(now, cause);
        row.growth = Growth::ZERO.minus(review.growth);
        self.grow(&mut row, Growth::ZERO, policy, zone);
        Some(row)
    }

    /// Adds growth value, and lifts the member at once to a higher tier that it reaches.
    pub(crate) fn grow(
        &mut self,
        row: &mut Settlement,
        growth: Growth,
        policy: &CompiledPolicy,
        zone: &Zone,
    ) {
        self.growth = self.growth.plus(growth);
        self.growth_in_period = self.growth_in_period.plus(growth);
        row.growth = row.growth.plus(growth);
        let tiers = &policy.policy().tiers;
        let reached = tiers.reached(self.growth);
        if Some(reached) > tiers.rank(&self.tier.tier) {
            self.growth_in_period = Growth::ZERO;
            self.tier = held(tiers, reached, row.at, zone);
            row.promoted = Some(self.tier.tier.clone());
        }
    }
}

fn held(tiers: &Tiers, rank: usize, since: ServerTime, zone: &Zone) -> TierHeld {
    TierHeld {
        tier: tier_at(tiers, rank),
        since,
        until: (rank > 0).then(|| zone.end_of_day_after_months(since, tiers.months)),
    }
}

fn tier_at(tiers: &Tiers, rank: usize) -> TierId {
    tiers.ladder[rank].id.clone()
}
