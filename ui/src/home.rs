//! The home page: the member's card, the tier, today, and what is suggested.

use dashpoint_membership::{Growth, ServerTime};

use crate::benefits::benefit_line;
use crate::locale::{Locale, number, signed, yuan};
use crate::model::{
    Availability, BenefitData, LadderData, MemberData, NoticeData, Settles, TodayData,
};
use crate::{
    Absence, BenefitLine, MemberCard, Notice, PendingUntil, TierAccent, TierProgress, TodayEarned,
};

/// Suggestions on the page.
pub const SUGGESTIONS: usize = 3;

/// View-state of the home page.
#[derive(Debug, Clone, PartialEq)]
pub struct HomeState {
    /// The reason for a missing card.
    pub absence: Absence,
    /// Only the card and one chip.
    pub restricted: bool,
    /// The card.
    pub card: MemberCard,
    /// The ladder.
    pub progress: TierProgress,
    /// Today.
    pub today: TodayEarned,
    /// The most important notice, with its argument.
    pub notice: (Notice, String),
    /// The suggested benefits.
    pub benefits: Vec<BenefitLine>,
}

/// Makes the member's part of the home page.
#[must_use]
pub fn home(
    member: &Availability<MemberData>,
    benefits: &Availability<Vec<BenefitData>>,
    guest: bool,
    restricted: bool,
    locale: &Locale,
    now: ServerTime,
) -> HomeState {
    let member = match member {
        Availability::Here(member) => member,
        Availability::NotYet => return without_card(Absence::NotYet, restricted),
        Availability::Damaged => return without_card(Absence::Damaged, restricted),
        Availability::OtherCar => return without_card(Absence::OtherCar, restricted),
    };
    HomeState {
        absence: Absence::None,
        restricted,
        card: card(member, locale, now),
        progress: progress(&member.ladder, locale, now),
        today: today(&member.today, guest),
        notice: notice(member.notice, locale, now),
        benefits: match benefits {
            Availability::Here(benefits) => suggested(benefits, locale),
            Availability::NotYet | Availability::Damaged | Availability::OtherCar => Vec::new(),
        },
    }
}

/// The colour of a tier by its place on the ladder; a longer ladder ends in the last colour.
#[must_use]
pub const fn accent(rank: usize) -> TierAccent {
    match rank {
        0 => TierAccent::Basic,
        1 => TierAccent::Silver,
        2 => TierAccent::Gold,
        3 => TierAccent::Diamond,
        _ => TierAccent::BlackDiamond,
    }
}

fn without_card(absence: Absence, restricted: bool) -> HomeState {
    HomeState {
        absence,
        restricted,
        card: MemberCard::default(),
        progress: TierProgress::default(),
        today: TodayEarned::default(),
        notice: (Notice::None, String::new()),
        benefits: Vec::new(),
    }
}

fn card(member: &MemberData, locale: &Locale, now: ServerTime) -> MemberCard {
    let (pending_until, pending_date) = match member.settles {
        Settles::NextConnection => (PendingUntil::Connection, String::new()),
        Settles::InReview { until } => (PendingUntil::Review, locale.date(until, now)),
    };
    let (expires_on, expiring) = member
        .expiring
        .map_or_else(Default::default, |(at, points)| {
            (locale.date(at, now), number(points.get()))
        });
    MemberCard {
        name: member.name.as_str().into(),
        tier: locale.language.pick(&member.tier.title).into(),
        accent: accent(member.tier.rank),
        since: locale.year(member.joined).into(),
        points: number(member.balance.get()).into(),
        worth: yuan(member.worth_fen).into(),
        pending: if member.pending.is_zero() {
            Default::default()
        } else {
            signed(member.pending.get()).into()
        },
        pending_until,
        pending_date: pending_date.into(),
        unpaid: if member.unpaid.is_zero() {
            Default::default()
        } else {
            signed(member.unpaid.get()).into()
        },
        expiring: expiring.into(),
        expires_on: expires_on.into(),
    }
}

fn progress(ladder: &LadderData, locale: &Locale, now: ServerTime) -> TierProgress {
    let (next_tier, missing, fraction) = match &ladder.next {
        Some((tier, missing)) => (
            locale.language.pick(tier).into(),
            number(missing.get()).into(),
            share(ladder.growth, *missing),
        ),
        None => (Default::default(), Default::default(), 1.0),
    };
    let (keep_by, keep, keep_kept) = match ladder.keep {
        Some((by, missing)) => (
            locale.date(by, now).into(),
            number(missing.get()).into(),
            missing.is_zero(),
        ),
        None => Default::default(),
    };
    TierProgress {
        growth: number(ladder.growth.get()).into(),
        next_tier,
        missing,
        fraction,
        keep,
        keep_kept,
        keep_by,
    }
}

/// Returns the filled part of the bar: 0 to 1, in hundredths, so that no rounding of floats moves a pixel.
fn share(growth: Growth, missing: Growth) -> f32 {
    let whole = growth.plus(missing).get().max(1);
    let hundredths = growth.get().clamp(0, whole).saturating_mul(100) / whole;
    u8::try_from(hundredths).map_or(1.0, |hundredths| f32::from(hundredths) / 100.0)
}

fn today(today: &TodayData, guest: bool) -> TodayEarned {
    let total = today.clean.plus(today.safe).plus(today.other);
    TodayEarned {
        total: signed(total.get()).into(),
        clean: signed(today.clean.get()).into(),
        safe: signed(today.safe.get()).into(),
        other: if today.other.is_zero() {
            Default::default()
        } else {
            signed(today.other.get()).into()
        },
        room: today
            .room
            .map(|room| number(room.get()).into())
            .unwrap_or_default(),
        this_car: today.other_cars,
        guest,
    }
}

fn notice(notice: Option<NoticeData>, locale: &Locale, now: ServerTime) -> (Notice, String) {
    match notice {
        None => (Notice::None, String::new()),
        Some(NoticeData::ConnectSoon { by }) => (Notice::ConnectSoon, locale.date(by, now)),
        Some(NoticeData::NeedsConfirmation) => (Notice::NeedsConfirmation, String::new()),
        Some(NoticeData::UnderReview) => (Notice::UnderReview, String::new()),
        Some(NoticeData::Refused) => (Notice::Refused, String::new()),
        Some(NoticeData::EntriesRefused) => (Notice::EntriesRefused, String::new()),
        Some(NoticeData::Guest) => (Notice::Guest, String::new()),
        Some(NoticeData::GuestByCar) => (Notice::GuestByCar, String::new()),
        Some(NoticeData::AwaitingSignature { awards }) => {
            (Notice::AwaitingSignature, number(i64::from(awards)))
        }
        Some(NoticeData::PolicyRefused) => (Notice::PolicyRefused, String::new()),
        Some(NoticeData::RulesSkipped) => (Notice::RulesSkipped, String::new()),
        Some(NoticeData::Salvaged) => (Notice::Salvaged, String::new()),
        Some(NoticeData::Unreachable { next_try }) => {
            (Notice::Unreachable, locale.moment(next_try, now))
        }
        Some(NoticeData::Arrears { points }) => (Notice::Arrears, number(points.get())),
    }
}

/// Picks the suggested benefits: those that fit the car's state first, then the open ones, in the order of the
/// catalogue.
fn suggested(benefits: &[BenefitData], locale: &Locale) -> Vec<BenefitLine> {
    order_of_suggestion(benefits)
        .into_iter()
        .map(|index| benefit_line(&benefits[index], locale))
        .collect()
}

/// Returns the indexes of the benefits that the page suggests.
#[must_use]
pub fn order_of_suggestion(benefits: &[BenefitData]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..benefits.len())
        .filter(|&index| benefits[index].open)
        .collect();
    order.sort_by_key(|&index| !benefits[index].fits_now);
    order.truncate(SUGGESTIONS);
    order
}
