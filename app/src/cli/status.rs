//! `dashpoint status`: what the screen would show.

use std::error::Error;
use std::process::ExitCode;

use dashpoint_membership::{
    AllowanceState, CapId, CompiledPolicy, MemberId, PendingState, Policies, ReviewReason,
    ServerTime, View,
};
use dashpoint_store::StoreReader;
use dashpoint_ui::locale::Language;
use jiff::tz::TimeZone;
use serde::Serialize;

use super::args::StatusArgs;
use super::ask::unanswered_text;
use super::code_waits::refuse_while_a_code_waits;
use super::health_words::{
    allowance, cloud_clock, connection, device_key, disk, other_vehicle, refused, seal_key,
    skipped_rule, waits,
};
use super::out::{outln, print_json};
use super::reasons::{earned_by_guest, guest, guest_by_car, not_paid, refused_car};
use super::signals;
use super::words::{day, entries, thousands, yuan, zoned_minute};
use crate::books::{Books, MemberBook, certificate};
use crate::clock::ClockSource;
use crate::clock::{Clock, Machine};
use crate::config::Config;
use crate::data_folder::{member_zone, open_reader};
use crate::explain::decimal;
use crate::keys::{KeyState, KeyStore};
use crate::live::{LastSeen, Live};
use crate::screen::Choices;
use crate::socket::{self, AskError};

/// Output of `status --json`.
#[derive(Debug, Serialize)]
struct StatusReport {
    /// True while the head unit runs.
    running: bool,
    /// Its live state; none when it does not run, or does not answer.
    live: Option<Live>,
    /// Last entry of the chain.
    head: HeadReport,
    /// Version of the policy in force.
    policy: Option<u32>,
    /// Fitness of the keys in the data folder.
    keys: Keys,
    /// Evidence that waits to be signed.
    awaiting: u64,
    members: Vec<MemberReport>,
}

/// Fitness of the keys in the data folder.
#[derive(Debug, Clone, Copy, Serialize)]
struct Keys {
    /// The key that signs: it must be the one that the certificate names.
    device: KeyState,
    /// The key that seals member data.
    seal: KeyState,
}

impl Keys {
    fn of(config: &Config, reader: &StoreReader) -> anyhow::Result<Self> {
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
struct MemberReport {
    member: MemberId,
    name: String,
    tier: String,
    provisional_tier: Option<String>,
    next_tier: Option<NextReport>,
    growth: i64,
    confirmed: i64,
    arrears: i64,
    worth_fen: i64,
    pending: i64,
    pending_entries: Vec<PendingReport>,
    expiring: Vec<ExpiryReport>,
    today: Vec<TodayReport>,
    carried_milli: i64,
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
struct TodayReport {
    cap: String,
    used_milli: i64,
    room: i64,
    most: i64,
}

/// Prints what the screen would show.
pub(super) fn status(args: &StatusArgs) -> anyhow::Result<ExitCode> {
    let config = Config::load(&args.place.config)?;
    refuse_while_a_code_waits(&config, args.output.language)?;
    if args.signals {
        return signals::signals(&config, &args.output);
    }
    let reader = open_reader(&config)?;
    let keys = Keys::of(&config, &reader)?;
    let awaiting = reader.awaiting()?.len() as u64;
    let (books, mut clock) = books_of(&config, &reader)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let asked = runtime.block_on(socket::ask(&config.data));
    if let Err(error) = &asked {
        tracing::debug!(error = error as &dyn Error, "no answer from the head unit");
    }
    let live = asked.as_ref().ok();
    if let Some(newest_ms) = live.and_then(|live| live.newest_ms) {
        clock.heard(newest_ms);
    }
    if args.output.json {
        print_json(&report(&books, &clock, &asked, keys, awaiting))?;
    } else {
        let vin = config.vin.as_deref();
        let is_elsewhere = vin.is_some_and(|vin| books.name_of(vin) != books.vehicle);
        let kept = LastSeen::read(&reader, books.identity.device);
        let seen = live.map_or(kept, |live| kept.then(live));
        let is_elsewhere = is_elsewhere || seen.other_vehicle;
        for line in troubles(
            args.output.language,
            keys,
            awaiting,
            live,
            LastSeen {
                other_vehicle: is_elsewhere,
                ..seen
            },
            Choices::read(&reader).guest,
        )
        .into_iter()
        .chain(skipped(args.output.language, &books))
        {
            outln!("{line}");
        }
        if is_elsewhere {
            return Ok(ExitCode::SUCCESS);
        }
        print_table(
            &books,
            &clock,
            &asked,
            seen,
            &member_zone(&reader, &config),
            args.output.language,
        );
    }
    Ok(ExitCode::SUCCESS)
}

/// A line for each rule of the newest policy that this program cannot evaluate.
fn skipped(language: Language, books: &Books) -> Vec<String> {
    let policy = books.policies.as_ref().map(Policies::newest);
    let skipped = policy.into_iter().flat_map(CompiledPolicy::skipped);
    skipped
        .map(|skipped| skipped_rule(language, &skipped.rule))
        .collect()
}

/// Opens the books beside a head unit that may be running.
pub(super) fn books_of(config: &Config, reader: &StoreReader) -> anyhow::Result<(Books, Clock)> {
    let mut clock = Clock::new(config.clock, Machine::system(), ServerTime::from_unix_s(0));
    if config.clock == ClockSource::Bus {
        let floor = reader.last_receipt()?.map(|receipt| receipt.server_time);
        floor.into_iter().for_each(|floor| clock.signed(floor));
    }
    let books = Books::open(reader, config.cloud.key, clock.now())?;
    let books = books.with_salt(config.cloud.salt);
    clock.signed(books.receipt_at);
    Ok((books, clock))
}

/// The first lines: everything that keeps points from coming, and what to do about it.
fn troubles(
    language: Language,
    keys: Keys,
    awaiting: u64,
    live: Option<&Live>,
    seen: LastSeen,
    is_guest: bool,
) -> Vec<String> {
    let mut lines = Vec::new();
    if seen.other_vehicle {
        lines.push(other_vehicle(language).to_owned());
    }
    if let Some(status) = seen.refuses_car() {
        lines.push(refused_car(language, status));
    } else if let Some(status) = seen.refused.filter(|_| live.is_none()) {
        lines.push(refused(language, status));
    }
    if seen.guest_by_car {
        lines.push(guest_by_car(language).to_owned());
    } else if is_guest {
        lines.push(guest(language).to_owned());
    }
    if seen.guest > 0 {
        lines.push(earned_by_guest(language, seen.guest));
    }
    lines.extend(device_key(language, keys.device).map(str::to_owned));
    lines.extend(seal_key(language, keys.seal).map(str::to_owned));
    if awaiting > 0 {
        lines.push(waits(language, awaiting));
    }
    if let Some(contradiction) = live.and_then(|live| live.cloud_clock) {
        lines.push(cloud_clock(language, contradiction));
    }
    if let Some((trouble, live)) = live.and_then(|live| Some((live.disk?, live))) {
        lines.push(disk(language, trouble, live.unsaved));
    }
    lines
}

fn report(
    books: &Books,
    clock: &Clock,
    asked: &Result<Live, AskError>,
    keys: Keys,
    awaiting: u64,
) -> StatusReport {
    StatusReport {
        keys,
        awaiting,
        running: is_running(asked),
        live: asked.as_ref().ok().cloned(),
        head: HeadReport {
            device: books.identity.device.to_string(),
            epoch: books.head.epoch.get(),
            seq: books.head.seq.get(),
            hash: books.head.hash.to_string(),
        },
        policy: books
            .policy_at(clock.now())
            .map(|policy| policy.policy().version.get()),
        members: books
            .views(clock.now())
            .map(|(book, view)| member_report(book, &view))
            .collect(),
    }
}

fn member_report(book: &MemberBook, view: &View) -> MemberReport {
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
        pending: view.pending.get(),
        pending_entries: view.pending_items.iter().map(pending_report).collect(),
        expiring: view
            .expiring
            .iter()
            .map(|(at, points)| ExpiryReport {
                at_unix_s: at.as_unix_s(),
                points: points.get(),
            })
            .collect(),
        today: view
            .today
            .iter()
            .map(|cap| TodayReport {
                cap: cap.cap.to_string(),
                used_milli: cap.used.get(),
                room: cap.room.get(),
                most: cap.most.get(),
            })
            .collect(),
        carried_milli: view.carried.get(),
        allowance: view.allowance,
        as_of_unix_s: view.as_of.as_unix_s(),
    }
}

fn pending_report(item: &dashpoint_membership::PendingItem) -> PendingReport {
    let (waits_for, reason, until) = match item.state {
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

/// Returns whether a head unit runs; one that does not answer does.
const fn is_running(asked: &Result<Live, AskError>) -> bool {
    !matches!(asked, Err(AskError::NotRunning(_)))
}

fn print_table(
    books: &Books,
    clock: &Clock,
    asked: &Result<Live, AskError>,
    seen: LastSeen,
    zone: &TimeZone,
    language: Language,
) {
    for (book, view) in books.views(clock.now()) {
        let zone = TimeZone::get(&book.statement.profile.zone).unwrap_or_else(|_| zone.clone());
        for line in card(books, clock, book, &view, seen, &zone, language) {
            outln!("{line}");
        }
    }
    if books.members.is_empty() {
        outln!(
            "{}",
            language.choose(
                "no statement is held; the next contact brings one",
                "暂无账户数据，联网后更新"
            )
        );
    }
    let line = match asked {
        Ok(live) => connection(language, &live.connection, books.receipt_at, zone),
        Err(AskError::NotRunning(_)) => language
            .choose("the head unit does not run", "车机程序未运行")
            .to_owned(),
        Err(error) => unanswered_text(language, error).to_owned(),
    };
    outln!("  {line}");
}

/// Names what a cap bounds; a cap that this policy does not have, by its id.
fn capped(policy: Option<&CompiledPolicy>, cap: &CapId, language: Language) -> String {
    let known = policy.and_then(|policy| {
        let caps = &policy.policy().caps;
        Some((policy, caps.iter().find(|known| known.id == *cap)?))
    });
    known.map_or_else(
        || cap.to_string(),
        |(policy, cap)| language.pick(&policy.cap_title(cap)).to_owned(),
    )
}

fn card(
    books: &Books,
    clock: &Clock,
    book: &MemberBook,
    view: &View,
    seen: LastSeen,
    zone: &TimeZone,
    language: Language,
) -> Vec<String> {
    let compiled = books.policy_at(clock.now());
    let policy = compiled.map(CompiledPolicy::policy);
    let title = |id: &dashpoint_membership::TierId| {
        let tier = policy.and_then(|policy| policy.tiers.ladder.iter().find(|tier| tier.id == *id));
        tier.map_or_else(
            || id.to_string(),
            |tier| language.pick(&tier.title).to_owned(),
        )
    };
    let mut lines = vec![
        format!(
            "{}  {}  {} {}",
            book.statement.profile.name,
            title(&view.tier),
            language.choose("as of", "截至"),
            zoned_minute(view.as_of, zone)
        ),
        format!(
            "  {} {}  = {} {}",
            thousands(view.balance.get()),
            language.choose("points", "积分"),
            yuan(view.worth_fen),
            language.choose("yuan", "元")
        ),
    ];
    if !view.pending_items.is_empty() {
        let count = view.pending_items.len() as u64;
        let waits = match (language, count) {
            (_, _) if seen.refuses_car().is_some() => not_paid(language, count),
            (Language::English, 1) => "1 entry waits for the cloud".to_owned(),
            (Language::English, count) => format!("{} wait for the cloud", entries(count)),
            (Language::Chinese, count) => format!("{count} 条记录等待云端"),
        };
        lines.push(format!(
            "  +{} {} ({waits})",
            thousands(view.pending.get()),
            language.choose("pending", "待确认"),
        ));
    }
    if !view.arrears.is_zero() {
        lines.push(match language {
            Language::English => format!(
                "  {} points are owed: the next points pay them first",
                thousands(view.arrears.get())
            ),
            Language::Chinese => {
                format!(
                    "  欠 {} 积分，后续积分先行抵扣",
                    thousands(view.arrears.get())
                )
            }
        });
    }
    if let Some((at, points)) = view.expiring.first() {
        lines.push(format!(
            "  {} {} {}",
            thousands(points.get()),
            language.choose("expire on", "积分到期于"),
            day(*at, zone)
        ));
    }
    if let Some(next) = &view.next_tier {
        lines.push(format!(
            "  {} {} {}",
            thousands(next.missing.get()),
            language.choose("growth value to", "成长值可升至"),
            title(&next.tier)
        ));
    }
    for cap in &view.today {
        if !cap.used.is_zero() {
            lines.push(format!(
                "  {} {}: {} / {}",
                language.choose("today", "今日"),
                capped(compiled, &cap.cap, language),
                decimal(cap.used.get()),
                cap.most
            ));
        }
    }
    if !view.carried.is_zero() {
        lines.push(format!(
            "  {} {}",
            decimal(view.carried.get()),
            language.choose("carried on to the next points", "零头累计，计入后续积分"),
        ));
    }
    let asks = allowance(language, view.allowance);
    if !asks.is_empty() {
        lines.push(format!("  {asks}"));
    }
    lines
}

#[cfg(test)]
mod tests;
