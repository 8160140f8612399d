//! The output of `status --json`.

use dashpoint_membership::policy::Period;
use dashpoint_membership::{
    AllowanceState, MemberId, PendingItem, PendingState, ReviewReason, View,
};
use dashpoint_store::StoreReader;
use serde::Serialize;

use crate::abilities::EarningGap;
use crate::books::{Books, MemberBook, certificate};
use crate::clock::Clock;
use crate::config::Config;
use crate::keys::{KeyState, KeyStore};
use crate::live::{LastSeen, Live};
use crate::waiting::WaitingPoints;

/// Output of `status --json`. Unknown values are left out.
#[derive(Debug, Serialize)]
pub(super) struct StatusReport {
    /// True while the head unit runs.
    running: bool,
    /// Its live state, without what is said beside it; none when it does not run, or does not answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    live: Option<Live>,
    /// The reasons that keep points from coming, as the head unit knows them or saw them last.
    seen: LastSeen,
    /// True while the driver has chosen on the screen that a guest drives.
    guest_chosen: bool,
    /// Trips or charging that this car cannot earn.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    cannot_earn: Vec<EarningGap>,
    /// Last entry of the chain.
    head: HeadReport,
    /// Version of the policy in force.
    #[serde(skip_serializing_if = "Option::is_none")]
    policy_version: Option<u32>,
    /// Fitness of the keys in the data folder.
    keys: Keys,
    /// Evidence that waits to be signed.
    awaiting: u64,
    /// Entries that a damaged disk lost before they were sent.
    lost_entries: Vec<String>,
    members: Vec<MemberReport>,
}

/// Fitness of the keys in the data folder.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Keys {
    /// The key that signs: it must be the one that the certificate names.
    pub(super) device: KeyState,
    /// The key that seals member data.
    pub(super) seal: KeyState,
}

impl Keys {
    pub(super) fn of(config: &Config, reader: &StoreReader) -> anyhow::Result<Self> {
        let store = KeyStore::open(&config.data)?;
        let certificate = certificate(reader, &config.cloud.key)?;
        Ok(Self {
            device: KeyState::of(&store.certified_key(&certificate.body().key)),
            seal: KeyState::of(&store.seal_key()),
        })
    }
}

#[derive(Debug, Serialize)]
struct HeadReport {
    device: String,
    epoch: u32,
    seq: u64,
    hash: String,
}

#[derive(Debug, Serialize)]
pub(super) struct MemberReport {
    member: MemberId,
    name: String,
    tier: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    provisional_tier: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_tier: Option<NextReport>,
    growth: i64,
    confirmed: i64,
    arrears: i64,
    worth_fen: i64,
    pending: i64,
    unpaid: i64,
    pending_entries: Vec<PendingReport>,
    expiring: Vec<ExpiryReport>,
    caps: Vec<CapReport>,
    /// None while points that are not paid are among it.
    #[serde(skip_serializing_if = "Option::is_none")]
    carried_milli: Option<i64>,
    allowance: AllowanceState,
    as_of_unix_s: i64,
}

#[derive(Debug, Serialize)]
struct NextReport {
    tier: String,
    missing_growth: i64,
}

#[derive(Debug, Serialize)]
struct PendingReport {
    entry: String,
    points: i64,
    waits_for: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<ReviewReason>,
    #[serde(skip_serializing_if = "Option::is_none")]
    until_unix_s: Option<i64>,
}

#[derive(Debug, Serialize)]
struct ExpiryReport {
    at_unix_s: i64,
    points: i64,
}

#[derive(Debug, Serialize)]
struct CapReport {
    /// Id of the cap.
    cap: String,
    /// Over which stretch of the calendar.
    per: Period,
    /// Thousandths of a point that count against it in its present period, pending ones included; none while points that are not
    /// paid are among it.
    #[serde(skip_serializing_if = "Option::is_none")]
    used_milli: Option<i64>,
    /// Whole points that can still be earned under it in that period: the thousandths that a rule carries can complete one more. None
    /// for a car that the cloud refuses: nothing more is earned.
    #[serde(skip_serializing_if = "Option::is_none")]
    room_points: Option<i64>,
    /// The most points in it.
    most_points: i64,
}

/// Content of the data folder beside the books.
#[derive(Debug)]
pub(super) struct KeptReport {
    pub(super) keys: Keys,
    pub(super) awaiting: u64,
    pub(super) lost_entries: Vec<String>,
    pub(super) seen: LastSeen,
    pub(super) guest_chosen: bool,
    pub(super) gaps: Vec<EarningGap>,
}

/// Makes the report of books, keys and live state.
pub(super) fn report(
    books: &Books,
    clock: &Clock,
    live: Option<&Live>,
    running: bool,
    kept: KeptReport,
) -> StatusReport {
    let KeptReport {
        keys,
        awaiting,
        lost_entries,
        seen,
        guest_chosen,
        gaps,
    } = kept;
    StatusReport {
        keys,
        awaiting,
        lost_entries,
        running,
        live: live.map(Live::without_what_is_seen),
        seen,
        guest_chosen,
        cannot_earn: gaps,
        head: HeadReport {
            device: books.identity.device.to_string(),
            epoch: books.head.epoch.get(),
            seq: books.head.seq.get(),
            hash: books.head.hash.to_string(),
        },
        policy_version: books
            .policy_at(clock.now())
            .map(|policy| policy.policy().version.get()),
        members: books
            .views(clock.now())
            .filter(|_| !seen.other_vehicle)
            .map(|(book, view)| member_report(book, &view, seen.refuses_car().is_some()))
            .collect(),
    }
}

pub(super) fn member_report(book: &MemberBook, view: &View, is_refused: bool) -> MemberReport {
    let waiting = WaitingPoints::of(view, is_refused);
    // Of what is not paid nothing is used up and nothing carried on; only the cloud can tell the rest apart.
    let is_paid = waiting.unpaid.is_zero();
    MemberReport {
        member: book.statement.member,
        name: book.statement.profile.name.clone(),
        tier: view.tier.to_string(),
        provisional_tier: view.provisional_tier.as_ref().map(ToString::to_string),
        next_tier: view.next_tier.as_ref().map(|next| NextReport {
            tier: next.tier.to_string(),
            missing_growth: next.missing.get(),
        }),
        growth: view.growth.get(),
        confirmed: view.balance.get(),
        arrears: view.arrears.get(),
        worth_fen: view.worth_fen,
        pending: waiting.pending.get(),
        unpaid: waiting.unpaid.get(),
        pending_entries: view
            .pending_items
            .iter()
            .map(|item| pending_report(item, is_refused))
            .collect(),
        expiring: view
            .expiring
            .iter()
            .map(|(at, points)| ExpiryReport {
                at_unix_s: at.as_unix_s(),
                points: points.get(),
            })
            .collect(),
        caps: view
            .caps
            .iter()
            .map(|cap| CapReport {
                cap: cap.cap.to_string(),
                per: cap.per,
                used_milli: is_paid.then_some(cap.used.get()),
                room_points: (!is_refused).then_some(cap.room.get()),
                most_points: cap.most.get(),
            })
            .collect(),
        carried_milli: is_paid.then_some(view.carried.get()),
        allowance: view.allowance,
        as_of_unix_s: view.as_of.as_unix_s(),
    }
}

fn pending_report(item: &PendingItem, is_refused: bool) -> PendingReport {
    let (waits_for, reason, until) = match item.state {
        // The cloud refuses this car: it is not paid.
        PendingState::Unconfirmed | PendingState::NeedsConfirmation { .. } if is_refused => {
            ("nothing", None, None)
        }
        PendingState::Unconfirmed => ("verdict", None, None),
        PendingState::NeedsConfirmation { reason } => ("confirmation", Some(reason), None),
        PendingState::HeldBack { reason, until } => {
            ("release", Some(reason), Some(until.as_unix_s()))
        }
    };
    PendingReport {
        entry: format!("{}-{}", item.entry.epoch, item.entry.seq),
        points: item.paid.points.get(),
        waits_for,
        reason,
        until_unix_s: until,
    }
}
