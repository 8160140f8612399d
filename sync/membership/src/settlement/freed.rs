//! Payment of an entry whose units were another's when it came, and are free since.

use super::payment::Meters;
use super::settle::{earliest_counted, valuing};
use crate::account::{Account, Cause, Settlement};
use crate::entry::Entry;
use crate::ids::EntryRef;
use crate::policy::Policies;
use crate::time::ServerTime;
use crate::valuation::appraise;
use crate::verdict::Paid;
use crate::zone::Zone;

/// Pays an entry that was rejected because its units were paid to another, once they are free: by its own policy, as far as
/// the caps of the day of `cap_time` have room. `None` when that is nothing; the account is then as it was.
///
/// The caller has found that nothing else forbids the entry. No chain moves: it counted the entry when it was rejected. A day
/// that the account has forgotten counts as the day of `now`.
#[must_use = "the row belongs in the ledger"]
pub fn settle_freed(
    account: &mut Account,
    zone: &Zone,
    policies: &Policies,
    at: EntryRef,
    entry: &Entry,
    cap_time: ServerTime,
    now: ServerTime,
) -> Option<Settlement> {
    let signed = policies.get(entry.policy)?;
    let is_known = zone.local_day(cap_time) >= earliest_counted(zone.local_day(now));
    let cap_time = if is_known { cap_time.min(now) } else { now };
    let policy = valuing(signed, policies, cap_time);
    let transaction = entry.transaction();
    let mut meters = Meters::of(account);
    let payments = meters.pay(
        policy,
        transaction.kind(),
        zone.local_day(cap_time),
        &appraise(policy, transaction),
    );
    let paid = Paid {
        points: payments.iter().map(|payment| payment.paid.points).sum(),
        growth: payments.iter().map(|payment| payment.paid.growth).sum(),
    };
    if paid.is_nothing() {
        return None;
    }
    meters.put_into(account);
    let expiry = &policy.policy().expiry;
    let expires = Some(expiry.of_points_earned(cap_time, zone)).filter(|expires| *expires > now);
    let expires = expires.unwrap_or_else(|| expiry.of_points_earned(now, zone));
    let mut row = account.row(now, Cause::Released { entry: at });
    account.pay_in(&mut row, paid.points, expires);
    account.grow(&mut row, paid.growth, policies.in_force_at(now), zone);
    Some(row)
}
