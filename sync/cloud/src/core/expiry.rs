//! What a clock that was wrong did to accounts is taken back by entries of the ledger: points that expired, and tiers that were
//! reviewed.

use dashpoint_membership::{Growth, MemberId, Paid, Points, ServerTime};
use serde::Serialize;

use super::CloudCore;
use super::consent::given;
use super::unit_of_work::UnitOfWork;
use crate::error::CloudError;
use crate::store::expiries::{self, ExpirySpan};
use crate::store::{accounts, forgone, members};

/// The result of a reversal.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Reversed {
    /// Members whose account changed.
    pub members: usize,
    /// Expiries that were given back.
    pub expiries: usize,
    /// Points that were given back.
    pub points: i64,
    /// Reviews of a tier that were taken back.
    pub reviews: usize,
}

impl CloudCore {
    /// Gives back what expired in a span of time, of one member or of all, each expiry once: into a lot with its own expiry, or
    /// with that of points which are earned now when its own is over. What an act would have taken of it since stays gone. The
    /// member reads the reason. Reviews of tiers from that
    /// time on whose own time is still to come are taken back too, the newest first.
    ///
    /// # Errors
    /// [`CloudError::NoReason`], [`CloudError::NoMember`]; [`CloudError`] when the database fails; members before it are done.
    pub fn reverse_expiries(
        &mut self,
        member: Option<MemberId>,
        span: ExpirySpan,
        reason: &str,
        now: ServerTime,
    ) -> Result<Reversed, CloudError> {
        let reason = given(reason)?;
        let ids = match member {
            Some(member) => vec![member],
            None => members::ids(&self.db)?,
        };
        let mut all = Reversed::default();
        for member in ids {
            let done = self.work(now, |unit| unit.reverse_expiries(member, span, reason))?;
            all.members += usize::from(done.expiries > 0 || done.reviews > 0);
            all.expiries += done.expiries;
            all.points += done.points;
            all.reviews += done.reviews;
        }
        Ok(all)
    }
}

impl UnitOfWork<'_> {
    fn reverse_expiries(
        &self,
        member: MemberId,
        span: ExpirySpan,
        reason: &str,
    ) -> Result<Reversed, CloudError> {
        let mut account = accounts::find(self.db, member)?.ok_or(CloudError::NoMember(member))?;
        let (zone, policy) = (self.zone(member)?, self.policy());
        let mut settlements = Vec::new();
        let mut reversed = Vec::new();
        let mut points = Points::ZERO;
        let forgone = forgone::by_version(self.db, member)?;
        let forgone = |version| forgone.get(&version).copied().unwrap_or(Paid::NOTHING);
        for expired in expiries::unreversed(self.db, member, span, self.now)? {
            let gone = Points::ZERO.minus(expired.points);
            let back = gone.minus(forgone(expired.version).points);
            if back <= Points::ZERO {
                continue;
            }
            let row =
                account.restore_expired(back, expired.expires, reason, self.now, &zone, policy)?;
            points = points.plus(back);
            reversed.push((expired.version, row.version));
            settlements.push(row);
        }
        let expiries = reversed.len();
        for review in expiries::unreversed_reviews(self.db, member, span.since)? {
            let mut review = review;
            review.growth = review
                .growth
                .plus(forgone(review.version).growth)
                .min(Growth::ZERO);
            let Some(row) = account.reverse_review(&review, policy, self.now, &zone) else {
                break;
            };
            reversed.push((review.version, row.version));
            settlements.push(row);
        }
        if !settlements.is_empty() {
            accounts::save(self.db, member, &account, &settlements)?;
        }
        for (version, by) in &reversed {
            expiries::keep_reversed(self.db, member, *version, *by)?;
        }
        Ok(Reversed {
            members: 1,
            expiries,
            points: points.get(),
            reviews: reversed.len() - expiries,
        })
    }
}
