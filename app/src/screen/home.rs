//! The member's card, the ladder, today, and what the member should know of.

use dashpoint_membership::{
    AllowanceState, CompiledPolicy, DeviceId, PendingState, Points, RuleId, ServerTime, View, Zone,
};

use super::context::Shown;
use super::own::OwnEntry;
use super::rows;
use crate::live::{CloudRefusal, Connection, Live, Reason};
use crate::waiting::WaitingPoints;
use dashpoint_ui::model::{LadderData, MemberData, NoticeData, Settles, TierData, TodayData};

const DAY_S: i64 = 86_400;

pub(super) fn member(
    shown: &Shown<'_>,
    view: &View,
    own: &[&OwnEntry],
    live: Option<&Live>,
    guest: Option<NoticeData>,
) -> MemberData {
    let profile = &shown.book.statement.profile;
    let tiers = &shown.policy.policy().tiers;
    let is_refused = live.is_some_and(Live::refuses_car);
    let waiting = WaitingPoints::of(view, is_refused);
    MemberData {
        name: profile.name.clone(),
        joined: profile.joined,
        tier: TierData {
            title: shown.books.tier_title(&view.tier, shown.now),
            rank: tiers.rank(&view.tier).unwrap_or(0),
        },
        balance: view.balance,
        worth_fen: view.worth_fen,
        pending: waiting.pending,
        unpaid: waiting.unpaid,
        settles: settles(view, &waiting, is_refused),
        expiring: view.expiring.first().copied(),
        ladder: LadderData {
            growth: view.growth,
            next: view
                .next_tier
                .as_ref()
                .map(|next| (shown.books.tier_title(&next.tier, shown.now), next.missing)),
            keep: view.keep.map(|keep| (keep.by, keep.missing)),
        },
        today: today(shown, view, own, is_refused),
        notice: notice(shown, view, live, guest),
    }
}

/// Points that the cloud holds back are on their way longest: only when there are no others is that the answer. Of a car that
/// the cloud refuses no others are on their way.
fn settles(view: &View, waiting: &WaitingPoints, is_refused: bool) -> Settles {
    let mut items = view.pending_items.iter();
    let is_unsaid = items.any(|item| !matches!(item.state, PendingState::HeldBack { .. }));
    match waiting.review_until {
        Some(until) if is_refused || !is_unsaid => Settles::InReview { until },
        Some(_) | None => Settles::NextConnection,
    }
}

/// Adds up today's entries by the purpose of their rules. A car that the cloud refuses has no room: nothing more is earned.
fn today(shown: &Shown<'_>, view: &View, own: &[&OwnEntry], is_refused: bool) -> TodayData {
    let zone = Zone::of_member(&shown.book.statement.profile.zone);
    let today = zone.local_day(shown.now);
    let is_other = |device: &DeviceId| *device != shown.books.identity.device;
    let mut sums = TodayData {
        clean: Points::ZERO,
        safe: Points::ZERO,
        other: Points::ZERO,
        other_cars: shown.book.statement.covers.keys().any(is_other),
        room: view.room_today.filter(|_| !is_refused),
    };
    for own in own {
        let at = ServerTime::from_unix_s(own.entry.time.at.as_unix_s());
        // A clock that was wrong dates an entry for another day than it counts for.
        if zone.local_day(at.max(own.entry.receipt_at)) < today
            || rows::day_of(shown, own).unwrap_or_else(|| zone.local_day(at)) != today
        {
            continue;
        }
        for (rule, points) in rows::paid_by_rule(shown, own) {
            let sum = match purpose(shown.policy, &rule) {
                RulePurpose::Clean => &mut sums.clean,
                RulePurpose::Safe => &mut sums.safe,
                RulePurpose::Other => &mut sums.other,
            };
            *sum = sum.plus(points);
        }
    }
    sums
}

/// The purpose of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RulePurpose {
    Clean,
    Safe,
    Other,
}

/// A rule that looks at the driving score rewards safe driving; what else a trip or a charge earns is for clean energy.
fn purpose(policy: &CompiledPolicy, rule: &RuleId) -> RulePurpose {
    match policy.rule(rule) {
        None => RulePurpose::Other,
        Some((_, compiled)) if compiled.reads().contains("score_x100") => RulePurpose::Safe,
        Some((_, compiled)) if compiled.on().is_measured() => RulePurpose::Clean,
        Some(_) => RulePurpose::Other,
    }
}

/// Tells that a guest drives, with the way out that there is: what the car says is changed in the car.
pub(super) fn guest_notice(is_chosen: bool, by_car: bool) -> Option<NoticeData> {
    match (by_car, is_chosen) {
        (true, _) => Some(NoticeData::GuestByCar),
        (false, true) => Some(NoticeData::Guest),
        (false, false) => None,
    }
}

/// Returns the time until which everything goes on counting without a contact, from the newest one on.
pub(crate) fn connect_by(
    policy: &CompiledPolicy,
    view: &View,
    receipt_at: ServerTime,
) -> ServerTime {
    let contact = view.as_of.max(receipt_at);
    contact.plus_s(i64::from(policy.policy().allowance.hard.days) * DAY_S)
}

/// The worst of what the member should know of.
fn notice(
    shown: &Shown<'_>,
    view: &View,
    live: Option<&Live>,
    guest: Option<NoticeData>,
) -> Option<NoticeData> {
    match live.and_then(Live::refusal) {
        Some(CloudRefusal::OfCar { .. }) => return Some(NoticeData::Refused),
        Some(CloudRefusal::OfEntries { .. }) => return Some(NoticeData::EntriesRefused),
        None => {}
    }
    if guest.is_some() {
        return guest;
    }
    if let Some(live) = live {
        if live.awaiting > 0 {
            let awards = u32::try_from(live.awaiting).unwrap_or(u32::MAX);
            return Some(NoticeData::AwaitingSignature { awards });
        }
        if live.salvaged {
            return Some(NoticeData::Salvaged);
        }
    }
    match view.allowance {
        AllowanceState::Hard => return Some(NoticeData::NeedsConfirmation),
        AllowanceState::Soft => {
            let by = connect_by(shown.policy, view, shown.books.receipt_at);
            return Some(NoticeData::ConnectSoon { by });
        }
        AllowanceState::Ok => {}
    }
    if live.is_some_and(|live| live.policy_refused) {
        return Some(NoticeData::PolicyRefused);
    }
    if let Some(live) = live.filter(|live| is_unreachable(&live.connection)) {
        let next_try = live.next_try(shown.now);
        return Some(NoticeData::Unreachable { next_try });
    }
    if !view.arrears.is_zero() {
        return Some(NoticeData::Arrears {
            points: view.arrears,
        });
    }
    // It stays until the program is updated, so it must hide nothing else.
    (!shown.policy.skipped().is_empty()).then_some(NoticeData::RulesSkipped)
}

/// Returns whether there is a network and the cloud does not answer as it should; a car without a network shows that
/// elsewhere.
const fn is_unreachable(connection: &Connection) -> bool {
    match connection {
        Connection::Offline { reason, .. } => match reason {
            Reason::NotAskedYet | Reason::NoNetwork | Reason::Local => false,
            Reason::Unreachable
            | Reason::TimedOut
            | Reason::NotTheCloud
            | Reason::Busy
            | Reason::ServerError
            | Reason::NotAuthorised
            | Reason::BadAnswer => true,
        },
        Connection::Starting
        | Connection::Online { .. }
        | Connection::Syncing { .. }
        | Connection::Fault { .. } => false,
    }
}
