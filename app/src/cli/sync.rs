//! `dashpoint sync`: reconciles now, and tells what came of it.

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::anyhow;
use dashpoint_ui::locale::Language;
use serde::Serialize;
use tokio::time::{Instant, sleep};

use super::args::SyncArgs;
use super::ask::{runtime, unanswered};
use super::code_waits::refuse_before_enrolment;
use super::health_words::{offline, refused};
use super::out::{outln, print_json};
use super::status::books_of;
use super::words::entries;
use crate::config::Config;
use crate::data_folder::open_reader;
use crate::live::{Connection, Live, Reason};
use crate::other_car::refuse_other_car;
use crate::socket::{self, AskError};
use crate::waiting::WaitingPoints;

/// Interval between two questions to the head unit.
const ASK_EVERY: Duration = Duration::from_millis(50);

/// Time in which a cloud that was started beside this command begins to listen.
const STARTING: Duration = Duration::from_secs(3);

/// Output of `sync --json`: it counts entries, and no points.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct SyncReport {
    result: Meeting,
    /// Entries that the cloud has confirmed in this attempt.
    #[serde(rename = "entries_confirmed")]
    confirmed: u64,
    /// Entries that it has held back in this attempt.
    #[serde(rename = "entries_held_back")]
    held_back: u64,
    /// Entries that it has rejected in this attempt.
    #[serde(rename = "entries_rejected")]
    rejected: u64,
    /// Entries that still wait for the cloud.
    #[serde(rename = "entries_waiting")]
    waiting: u64,
    /// Entries that are not paid: the cloud refuses this car.
    #[serde(rename = "entries_unpaid")]
    unpaid: u64,
    /// The reason that the cloud counts as out of reach.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<Reason>,
    /// Status with which the cloud refuses what this car sends.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    /// Seconds to the next try of the head unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_try_in_s: Option<u64>,
}

/// Result of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Meeting {
    /// Car and cloud have met, to the end.
    Met,
    /// The cloud did not answer as it should.
    Offline,
    /// The cloud refuses what this car sends.
    Refused,
    /// The attempt goes on, and the time to wait for it is over.
    Unfinished,
}

/// Tells the running head unit to reconcile now, and waits until the attempt has ended.
pub(super) fn sync(args: &SyncArgs) -> anyhow::Result<ExitCode> {
    let config = Config::load(&args.place.config)?;
    refuse_before_enrolment(&config, args.output.language)?;
    let wait = Duration::from_secs(args.wait.into());
    let mut report = runtime()?.block_on(meet(&config.data, wait, args.output.language))?;
    if report.unpaid > 0 {
        report.unpaid = unpaid_entries(&config)?;
    }
    if args.output.json {
        print_json(&report)?;
    } else {
        outln!("{}", words(&report, args.output.language));
    }
    Ok(match report.result {
        Meeting::Met => ExitCode::SUCCESS,
        Meeting::Offline | Meeting::Refused | Meeting::Unfinished => ExitCode::FAILURE,
    })
}

/// Counts what a car that the cloud refuses is not paid for, as `status` does: without entries that earned nothing anyway.
fn unpaid_entries(config: &Config) -> anyhow::Result<u64> {
    let reader = open_reader(config)?;
    refuse_other_car(config, &reader)?;
    let (books, clock) = books_of(config, &reader)?;
    let views = books.views(clock.now());
    let unpaid = views.map(|(_, view)| WaitingPoints::of(&view, true).unpaid_entries);
    Ok(unpaid.sum())
}

/// Lets car and cloud meet. A cloud that cannot be reached at first may be starting, and is tried again for a moment.
async fn meet(folder: &Path, wait: Duration, language: Language) -> anyhow::Result<SyncReport> {
    let begun = Instant::now();
    let deadline = begun + wait;
    loop {
        let report = attempt(folder, deadline, language).await?;
        let may_be_starting = report.reason == Some(Reason::Unreachable)
            && Instant::now() < deadline.min(begun + STARTING);
        if !may_be_starting {
            return Ok(report);
        }
    }
}

/// Begins an attempt and asks the head unit until it has ended or the time to wait is over.
async fn attempt(
    folder: &Path,
    deadline: Instant,
    language: Language,
) -> anyhow::Result<SyncReport> {
    let number = socket::sync(folder).await;
    let number = number.map_err(|error| unanswered(language, &error))?;
    loop {
        let live = socket::ask(folder).await;
        let live = live.map_err(|error| match error {
            AskError::NotRunning(_) => anyhow!(language.choose(
                "the head unit ended before the attempt did",
                "车机程序在同步结束前已退出"
            )),
            AskError::NotAllowed(_) | AskError::NoAnswer(_) => unanswered(language, &error),
        })?;
        let left = deadline.saturating_duration_since(Instant::now());
        if let Some(report) = look(&live, number, left) {
            return Ok(report);
        }
        sleep(ASK_EVERY.min(left)).await;
    }
}

/// Reads what came of an attempt; `None` while it is worth waiting for.
fn look(live: &Live, number: u64, left: Duration) -> Option<SyncReport> {
    let attempts = &live.attempts;
    let has_ended = attempts.has_ended(number);
    let pause = Duration::from_secs(attempts.next_try_in_s);
    // A pause that outlasts the wait has its reason, which is known now.
    let is_paused = attempts.begun >= number && !attempts.has_tried && pause > left;
    // The head unit was at work when it was asked, and what it is at ends in a moment.
    let is_under_way = match live.connection {
        Connection::Starting | Connection::Syncing { .. } => true,
        Connection::Online { .. } | Connection::Offline { .. } | Connection::Fault { .. } => false,
    };
    let is_over = (has_ended || is_paused) && !is_under_way;
    if !is_over && !left.is_zero() {
        return None;
    }
    let (mut reason, mut status) = (None, None);
    let result = match &live.connection {
        Connection::Offline { reason: why, .. } if is_over => {
            reason = Some(*why);
            Meeting::Offline
        }
        Connection::Fault { status: code, .. } if is_over => {
            status = Some(*code);
            Meeting::Refused
        }
        Connection::Online { .. } if has_ended => Meeting::Met,
        Connection::Starting
        | Connection::Online { .. }
        | Connection::Syncing { .. }
        | Connection::Offline { .. }
        | Connection::Fault { .. } => Meeting::Unfinished,
    };
    let unpaid = if live.refuses_car() { live.waiting } else { 0 };
    Some(SyncReport {
        result,
        confirmed: attempts.confirmed,
        held_back: attempts.held_back,
        rejected: attempts.rejected,
        waiting: live.waiting - unpaid,
        unpaid,
        reason,
        status,
        next_try_in_s: (reason.is_some() || status.is_some()).then_some(attempts.next_try_in_s),
    })
}

/// Words what came of an attempt, in one line.
fn words(report: &SyncReport, language: Language) -> String {
    let next_s = report.next_try_in_s.unwrap_or(0);
    let is_busy = report.reason == Some(Reason::Busy);
    let mut parts = vec![match report.result {
        Meeting::Met => language.choose("online", "在线").to_owned(),
        Meeting::Unfinished => language
            .choose(
                "not over yet: the head unit goes on with it",
                "尚未结束，车机继续同步",
            )
            .to_owned(),
        Meeting::Refused => refused(language, report.status.unwrap_or(0)),
        Meeting::Offline if is_busy => match language {
            Language::English => format!("the cloud asks to wait {next_s} s"),
            Language::Chinese => format!("云端要求等待 {next_s} 秒"),
        },
        Meeting::Offline => {
            let why = offline(language, report.reason.unwrap_or(Reason::NotAskedYet));
            format!("{}{why}", language.choose("offline: ", "离线："))
        }
    }];
    if report.result == Meeting::Met || report.confirmed > 0 {
        parts.push(match language {
            Language::English => format!("{} confirmed", entries(report.confirmed)),
            Language::Chinese => format!("{} 条记录已确认", report.confirmed),
        });
    }
    if report.held_back > 0 {
        parts.push(match language {
            Language::English => format!("{} held back for review", entries(report.held_back)),
            Language::Chinese => format!("{} 条记录审核中", report.held_back),
        });
    }
    if report.rejected > 0 {
        parts.push(match language {
            Language::English => format!("{} rejected", entries(report.rejected)),
            Language::Chinese => format!("{} 条记录未通过", report.rejected),
        });
    }
    if report.unpaid > 0 {
        parts.push(match language {
            Language::English if report.unpaid == 1 => "1 entry is not paid".to_owned(),
            Language::English => format!("{} are not paid", entries(report.unpaid)),
            Language::Chinese => format!("{} 条记录不会到账", report.unpaid),
        });
    }
    parts.push(match (report.waiting, language) {
        (0, Language::English) => "nothing waits".to_owned(),
        (0, Language::Chinese) => "无等待记录".to_owned(),
        (1, Language::English) => "1 entry waits".to_owned(),
        (waiting, Language::English) => format!("{} wait", entries(waiting)),
        (waiting, Language::Chinese) => format!("{waiting} 条记录等待云端"),
    });
    if report.result == Meeting::Offline && !is_busy {
        parts.push(match language {
            Language::English => format!("next try in {next_s} s"),
            Language::Chinese => format!("{next_s} 秒后重试"),
        });
    }
    parts.join(language.choose("; ", "；"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::Attempts;

    const OFFLINE: Connection = Connection::Offline {
        since_unix_s: None,
        reason: Reason::Unreachable,
    };
    const ONLINE: Connection = Connection::Online { since_unix_s: 0 };
    const SYNCING: Connection = Connection::Syncing { since_unix_s: 0 };
    const LEFT: Duration = Duration::from_secs(60);

    fn live(connection: Connection, ended: u64, has_tried: bool, next_try_in_s: u64) -> Live {
        Live {
            connection,
            waiting: 5,
            attempts: Attempts {
                begun: 2,
                ended,
                confirmed: 1,
                held_back: 0,
                rejected: 0,
                next_try_in_s,
                has_tried,
            },
            ..Live::default()
        }
    }

    fn said(live: &Live, left: Duration) -> Option<String> {
        look(live, 2, left).map(|report| words(&report, Language::English))
    }

    #[test]
    fn an_attempt_is_waited_for_until_it_has_ended() {
        let zero = Duration::ZERO;
        for (connection, ended, has_tried, next_s, left, expected) in [
            // The one before this one has ended.
            (ONLINE, 1, true, 0, LEFT, None),
            (OFFLINE, 1, false, 3, LEFT, None),
            (OFFLINE, 1, true, 300, LEFT, None),
            (
                ONLINE,
                2,
                true,
                900,
                LEFT,
                Some("online; 1 entry confirmed; 5 entries wait"),
            ),
            (
                OFFLINE,
                2,
                true,
                7,
                LEFT,
                Some(
                    "offline: the cloud cannot be reached; 1 entry confirmed; 5 entries wait; next try in 7 s",
                ),
            ),
            // Another request is on its way still.
            (SYNCING, 2, true, 900, LEFT, None),
            (
                SYNCING,
                2,
                true,
                900,
                zero,
                Some(
                    "not over yet: the head unit goes on with it; 1 entry confirmed; 5 entries wait",
                ),
            ),
            // A pause that outlasts the wait is told at once.
            (
                OFFLINE,
                1,
                false,
                300,
                LEFT,
                Some(
                    "offline: the cloud cannot be reached; 1 entry confirmed; 5 entries wait; next try in 300 s",
                ),
            ),
            (
                ONLINE,
                1,
                true,
                0,
                zero,
                Some(
                    "not over yet: the head unit goes on with it; 1 entry confirmed; 5 entries wait",
                ),
            ),
        ] {
            let live = live(connection, ended, has_tried, next_s);
            assert_eq!(said(&live, left).as_deref(), expected, "{live:#?}");
        }
    }

    #[test]
    fn a_pause_that_the_cloud_asked_for_and_a_refusal_are_told() {
        let busy = Connection::Offline {
            since_unix_s: None,
            reason: Reason::Busy,
        };
        let busy = look(&live(busy, 1, false, 3_600), 2, LEFT).unwrap();
        assert_eq!(
            (busy.result, busy.next_try_in_s),
            (Meeting::Offline, Some(3_600))
        );
        assert!(words(&busy, Language::English).starts_with("the cloud asks to wait 3600 s; "));
        assert!(words(&busy, Language::Chinese).starts_with("云端要求等待 3600 秒；"));
        let fault = Connection::Fault {
            since_unix_s: None,
            status: 403,
        };
        let fault = look(&live(fault, 2, true, 3_600), 2, LEFT).unwrap();
        assert_eq!((fault.result, fault.status), (Meeting::Refused, Some(403)));
    }
}
