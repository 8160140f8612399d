//! Everything that the pages are made of, from books, ledger and live state.

use dashpoint_membership::{
    CompiledPolicy, DeviceId, Epoch, MemberId, ServerTime, Suits, View, view,
};
use dashpoint_ui::model::{
    Availability, BenefitData, DeviceData, Exchange, LinkData, MemberData, ScreenData,
};

use super::context::Shown;
use super::own::OwnEntry;
use super::{home, rows, trip};
use crate::books::Books;
use crate::entry_status::EntryStatus;
use crate::live::{CloudRefusal, Connection, Live};

/// Sources of the screen's data.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// The books.
    pub books: &'a Books,
    /// The member at the wheel; the first member when nobody is known.
    pub member: Option<MemberId>,
    /// Members whose statement is there and cannot be opened.
    pub sealed: bool,
    /// The newest own entries, newest first.
    pub own: &'a [OwnEntry],
    /// Live state of the running head unit; `None` when none runs.
    pub live: Option<&'a Live>,
    /// True while the driver has chosen that a guest drives.
    pub guest: bool,
    /// True while the car says so.
    pub guest_by_car: bool,
    /// The car's best idea of the time.
    pub now: ServerTime,
}

/// Makes everything that the pages are made of.
#[must_use]
pub fn screen_data(source: &Source<'_>) -> ScreenData {
    let link = |as_of| LinkData {
        online: source.live.is_some_and(|live| is_online(&live.connection)),
        as_of,
    };
    let device = device(source);
    // The cloud may begin to refuse this car, or let it in again, while the ledger stays as it is.
    let is_refused = source.live.is_some_and(Live::refuses_car);
    let own: Vec<OwnEntry> = if is_refused {
        let own = source.own.iter().cloned();
        own.map(OwnEntry::while_refused).collect()
    } else {
        Vec::new()
    };
    let source = &Source {
        own: if is_refused { &own } else { source.own },
        ..*source
    };
    let Some(shown) = shown(source) else {
        return ScreenData {
            link: link(None),
            member: absent(source),
            activity: absent(source),
            benefits: absent(source),
            trip: None,
            enrolment: None,
            device,
            guest: source.guest || source.guest_by_car,
            guest_by_car: source.guest_by_car,
        };
    };
    let view = view(
        &shown.book.statement,
        &shown.book.fold,
        shown.policy,
        source.now,
    );
    let own: Vec<&OwnEntry> = shown
        .own
        .iter()
        .filter(|own| rows::is_shown(&shown, own))
        .collect();
    let activity = rows::rows(&shown, &own);
    let guest = home::guest_notice(source.guest, source.guest_by_car);
    let member: MemberData = home::member(&shown, &view, &own, source.live, guest);
    ScreenData {
        link: link(Some(view.as_of.max(source.books.receipt_at))),
        benefits: benefits(&shown, &view, source.live),
        trip: trip::newest(&shown, &own),
        member: Availability::Here(member),
        activity: Availability::Here(activity),
        enrolment: None,
        device,
        guest: source.guest || source.guest_by_car,
        guest_by_car: source.guest_by_car,
    }
}

/// Makes the data of the pages before this head unit is enrolled.
#[must_use]
pub fn unknown_member() -> ScreenData {
    ScreenData {
        link: LinkData {
            online: false,
            as_of: None,
        },
        member: Availability::NotYet,
        activity: Availability::NotYet,
        benefits: Availability::NotYet,
        trip: None,
        enrolment: None,
        device: DeviceData {
            device: DeviceId::from_bytes([0; DeviceId::LEN]),
            epoch: Epoch::new(0),
            head: None,
            waiting: 0,
            last_receipt: None,
            policy: None,
            exchange: Exchange::Done,
        },
        guest: false,
        guest_by_car: false,
    }
}

fn absent<T>(source: &Source<'_>) -> Availability<T> {
    if is_elsewhere(source) {
        Availability::OtherCar
    } else if source.sealed {
        Availability::Damaged
    } else {
        Availability::NotYet
    }
}

/// Tells that the head unit sits in another car than the one that it was enrolled in.
fn is_elsewhere(source: &Source<'_>) -> bool {
    source.live.is_some_and(|live| live.other_vehicle)
}

/// The member to be shown; in another car than the one that was enrolled, nobody.
fn shown<'a>(source: &Source<'a>) -> Option<Shown<'a>> {
    if is_elsewhere(source) {
        return None;
    }
    let members = &source.books.members;
    let at_wheel = source.member.and_then(|member| members.get(&member));
    Some(Shown {
        books: source.books,
        book: at_wheel.or_else(|| members.values().next())?,
        policy: source.books.policy_at(source.now)?,
        own: source.own,
        now: source.now,
    })
}

const fn is_online(connection: &Connection) -> bool {
    match connection {
        Connection::Online { .. } | Connection::Syncing { .. } => true,
        Connection::Starting | Connection::Offline { .. } | Connection::Fault { .. } => false,
    }
}

fn device(source: &Source<'_>) -> DeviceData {
    let books = source.books;
    let head = (books.head.seq.get() > 0).then_some((books.head.seq, books.head.hash));
    let waits =
        |own: &&OwnEntry| own.point.epoch == books.head.epoch && own.status == EntryStatus::Pending;
    let unanswered = source.own.iter().filter(waits).count() as u64;
    let waiting = source.live.map_or(unanswered, |live| live.waiting);
    DeviceData {
        device: books.identity.device,
        epoch: books.head.epoch,
        head,
        waiting: u32::try_from(waiting).unwrap_or(u32::MAX),
        last_receipt: books.receipt.is_some().then_some(books.receipt_at),
        policy: books.policy_at(source.now).map(CompiledPolicy::version),
        exchange: source
            .live
            .map_or(Exchange::Done, |live| exchange(live, source.now)),
    }
}

fn exchange(live: &Live, now: ServerTime) -> Exchange {
    match live.connection {
        Connection::Online { .. } => Exchange::Done,
        Connection::Starting | Connection::Syncing { .. } => Exchange::Running,
        Connection::Offline { .. } => Exchange::Failed {
            next_try: live.next_try(now),
        },
        Connection::Fault { status, .. } => match CloudRefusal::of(status) {
            CloudRefusal::OfCar { .. } => Exchange::Refused,
            CloudRefusal::OfEntries { .. } => Exchange::EntriesRefused,
        },
    }
}

fn benefits(shown: &Shown<'_>, view: &View, live: Option<&Live>) -> Availability<Vec<BenefitData>> {
    let Some(catalogue) = &shown.books.catalogue else {
        return Availability::NotYet;
    };
    let policy = shown.policy.policy();
    let rank = policy.tiers.rank(&view.tier);
    let car = live.map(|live| live.car).unwrap_or_default();
    let benefits = catalogue.benefits.iter().map(|benefit| BenefitData {
        tier: shown.books.tier_title(&benefit.tier, shown.now),
        open: rank >= policy.tiers.rank(&benefit.tier),
        fits_now: match benefit.suits {
            Suits::Always => false,
            Suits::LowCharge => car.low_charge,
            Suits::ServiceDue => car.service_due,
        },
        worth_fen: policy.worth_fen(benefit.price),
        benefit: benefit.clone(),
    });
    Availability::Here(benefits.collect())
}
