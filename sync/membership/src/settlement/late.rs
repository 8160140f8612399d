//! Payment of an entry after its verdict: its units were another's when it came, or its evidence was in doubt.

use super::given::Given;
use super::payment::Meters;
use super::settle::{Settled, earliest_counted, live_until};
use crate::account::{Account, Cause};
use crate::entry::Entry;
use crate::ids::EntryRef;
use crate::policy::Policies;
use crate::time::ServerTime;
use crate::valuation::appraise;
use crate::verdict::Paid;
use crate::zone::Zone;

/// Pays an entry that was rejected because its units were paid to another, once they are free, or one whose evidence was in
/// doubt, once an operator has accepted it: by its own policy, as far as the caps of the day of `cap_time` have room, with the
/// thousandths that make no whole point yet. Nothing is held back for it any more.
///
/// The caller has found that nothing else forbids the entry. No chain moves: it counted the entry when it was judged. A day
/// that the account has forgotten counts as the day of `now`. Always gives exactly one row of the ledger.
#[must_use = "the row belongs in the ledger"]
pub fn settle_late(
    account: &mut Account,
    zone: &Zone,
    policies: &Policies,
    at: EntryRef,
    entry: &Entry,
    cap_time: ServerTime,
    now: ServerTime,
) -> Settled {
    account.pending.retain(|held| held.entry != at);
    let is_known = zone.local_day(cap_time) >= earliest_counted(zone.local_day(now));
    let cap_time = if is_known { cap_time.min(now) } else { now };
    let policy = policies
        .get(entry.policy)
        .map_or(policies.in_force_at(cap_time), |signed| {
            policies.valuing(signed, cap_time)
        });
    let transaction = entry.transaction();
    let mut meters = Meters::take(account);
    let (kind, day) = (transaction.kind(), zone.local_day(cap_time));
    let appraisals = appraise(policy, transaction, entry.time.utc_offset_min);
    let payments = meters.pay(policy, kind, day, &appraisals);
    let given = Given::of(policy.version(), kind, day, &payments);
    meters.put_into(account);
    let paid = Paid::sum(payments.iter().map(|payment| payment.paid));
    let expires = live_until(policy, cap_time, now, zone);
    let mut row = account.row(now, Cause::Released { entry: at });
    account.pay_in(&mut row, paid.points, expires);
    account.grow(&mut row, paid.growth, policies.in_force_at(now), zone);
    Settled {
        row,
        given: Some(given),
    }
}
