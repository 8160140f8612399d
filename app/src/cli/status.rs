//! `dashpoint status`: what the screen would show.

mod card;
mod report;

use std::error::Error;
use std::process::ExitCode;

use dashpoint_membership::{CompiledPolicy, Policies};
use dashpoint_store::StoreReader;
use dashpoint_ui::locale::Language;
use jiff::tz::TimeZone;

use super::ability_words::gap_text;
use super::args::StatusArgs;
use super::ask::unanswered_text;
use super::code_waits::refuse_before_enrolment;
use super::health_words::{
    cloud_clock, connection, device_key, disk, policy_in_force, refused, seal_key, skipped_rule,
    waits,
};
use super::lost::{lost_entries, lost_text};
use super::out::{outln, print_json};
use super::reasons::{earned_by_guest, guest, guest_by_car, refused_car};
use super::signals;
use crate::abilities::EarningGap;
use crate::books::Books;
use crate::clock::Clock;
use crate::config::Config;
use crate::data_folder::{member_zone, open_reader, reading_clock};
use crate::live::{LastSeen, Live};
use crate::other_car::{is_configured_elsewhere, other_vehicle};
use crate::screen::Choices;
use crate::socket::{self, AskError};
use card::card;
use report::{KeptReport, Keys, report};

/// Prints what the screen would show.
pub(super) fn status(args: &StatusArgs) -> anyhow::Result<ExitCode> {
    let config = Config::load(&args.place.config)?;
    refuse_before_enrolment(&config, args.output.language)?;
    if args.signals {
        return signals::signals(&config, &args.output);
    }
    let reader = open_reader(&config)?;
    let keys = Keys::of(&config, &reader)?;
    let awaiting = reader.awaiting()?.len() as u64;
    let lost = lost_entries(&reader)?;
    let (books, mut clock) = books_of(&config, &reader)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let asked = runtime.block_on(socket::ask(&config.data));
    let live = match &asked {
        Ok(live) => Some(live),
        Err(error) => {
            tracing::debug!(error = error as &dyn Error, "no answer from the head unit");
            None
        }
    };
    if let Some(newest_ms) = live.and_then(|live| live.newest_ms) {
        clock.heard(newest_ms);
    }
    let is_other = is_configured_elsewhere(&config, books.vehicle);
    let kept = LastSeen::read(&reader, books.identity.device);
    let seen = live.map_or(kept, |live| kept.then(live));
    let seen = LastSeen {
        other_vehicle: is_other || seen.other_vehicle,
        ..seen
    };
    let guest_chosen = Choices::read(&reader).guest;
    // The mapping is of this car, and not of another.
    let gaps = if seen.other_vehicle {
        Vec::new()
    } else {
        EarningGap::of(&config.bus.mapping.said(), live)
    };
    if args.output.json {
        let kept = KeptReport {
            keys,
            awaiting,
            lost_entries: lost,
            seen,
            guest_chosen,
            gaps,
        };
        print_json(&report(&books, &clock, live, is_running(&asked), kept))?;
    } else {
        let language = args.output.language;
        for line in troubles(language, keys, awaiting, live, seen, guest_chosen)
            .into_iter()
            .chain(lost_text(language, &lost))
            .chain(skipped(language, &books))
            .chain(gaps.iter().map(|gap| gap_text(language, *gap).to_owned()))
        {
            outln!("{line}");
        }
        if seen.other_vehicle {
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
    let mut clock = reading_clock(config, reader)?;
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
    if let Some(policy) = books.policy_at(clock.now()) {
        outln!("  {}", policy_in_force(language, policy.policy().version));
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

#[cfg(test)]
mod tests;
