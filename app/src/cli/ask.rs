//! `dashpoint check-in`: what a person asks of a running head unit.

use std::error::Error;
use std::process::ExitCode;

use anyhow::{anyhow, bail};
use dashpoint_ui::locale::Language;
use dashpoint_ui::model::Failed;
use dashpoint_ui::unpaid::failed_in_words;
use tokio::runtime::{Builder, Runtime};

use super::args::CheckInArgs;
use super::code_waits::refuse_before_enrolment;
use super::evidence_words::period;
use super::out::{outln, print_json};
use super::reasons;
use crate::command::CheckIn;
use crate::config::Config;
use crate::other_car::other_vehicle;
use crate::socket::{self, AskError};

/// Returns the words for a head unit that gave no answer, and what to do.
pub(super) const fn unanswered_text(language: Language, error: &AskError) -> &'static str {
    match error {
        AskError::NotRunning(_) => language.choose(
            "the head unit does not run on this data folder; start it with `dashpoint run`",
            "此数据目录上没有运行车机程序；请用 `dashpoint run` 启动",
        ),
        AskError::NotAllowed(_) => language.choose(
            "the head unit of this data folder is another user's; ask it as the user that runs it",
            "此数据目录的车机程序属于其他用户；请以运行它的用户执行",
        ),
        AskError::NoAnswer(_) => language.choose(
            "the head unit runs and does not answer; its log says why",
            "车机程序正在运行，但没有应答；原因见其日志",
        ),
    }
}

/// Returns the same for a check-in: one that got no answer may be signed.
const fn lost_check_in_text(language: Language, error: &AskError) -> &'static str {
    match error {
        AskError::NotRunning(_) | AskError::NotAllowed(_) => unanswered_text(language, error),
        AskError::NoAnswer(_) => language.choose(
            "the head unit runs and does not answer; the check-in may be signed all the same: `dashpoint ledger` shows it",
            "车机程序正在运行，但没有应答；签到可能已经生效，请用 `dashpoint ledger` 查看",
        ),
    }
}

/// Makes the error of a question that got no answer.
pub(super) fn unanswered(language: Language, error: &AskError) -> anyhow::Error {
    tracing::debug!(error = error as &dyn Error, "no answer from the head unit");
    anyhow!(unanswered_text(language, error))
}

/// Checks the member in for today.
pub(super) fn check_in(args: &CheckInArgs) -> anyhow::Result<ExitCode> {
    let config = Config::load(&args.place.config)?;
    let language = args.output.language;
    refuse_before_enrolment(&config, language)?;
    let answer = runtime()?.block_on(socket::check_in(&config.data));
    let answer = answer.map_err(|error| {
        tracing::debug!(error = &error as &dyn Error, "no answer from the head unit");
        anyhow!(lost_check_in_text(language, &error))
    })?;
    let done = matches!(answer, CheckIn::Done { .. } | CheckIn::NothingMore { .. });
    if args.output.json {
        print_json(&answer)?;
    } else if done {
        outln!("{}", answer_text(&answer, language));
    } else {
        bail!("{}", answer_text(&answer, language));
    }
    Ok(if done {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Says what came of a check-in: the true reason where nothing did.
fn answer_text(answer: &CheckIn, language: Language) -> String {
    match answer {
        CheckIn::Done { points } => {
            format!("{} +{points}", language.choose("checked in", "签到成功"))
        }
        CheckIn::NothingMore {
            limit,
            is_of_check_ins,
        } => {
            let Some(limit) = limit else {
                return language
                    .choose("no rule pays a check-in", "没有适用于签到的规则")
                    .to_owned();
            };
            let reached = failed_in_words(language, &Failed::CapReached(limit.limit()));
            match language {
                _ if !is_of_check_ins => reached,
                Language::English => format!("checked in already: {reached}"),
                Language::Chinese => {
                    let (per, most) = (period(language, limit.per), limit.most_points);
                    format!("已签到：签到每{per}最多得 {most} 积分")
                }
            }
        }
        CheckIn::Guest => reasons::guest(language).to_owned(),
        CheckIn::GuestByCar => reasons::guest_by_car(language).to_owned(),
        CheckIn::OtherVehicle => other_vehicle(language).to_owned(),
        CheckIn::Refused { status } => reasons::refused_car(language, *status),
        CheckIn::NotNow => language
            .choose(
                "it cannot be signed or written now; the head unit's log says why",
                "暂时无法签名或写入，原因见车机程序日志",
            )
            .to_owned(),
    }
}

/// Makes the runtime of a command that asks a running head unit.
pub(super) fn runtime() -> anyhow::Result<Runtime> {
    Ok(Builder::new_current_thread().enable_all().build()?)
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn only_a_head_unit_that_does_not_run_is_said_not_to_run() {
        let cause = || io::Error::from(io::ErrorKind::TimedOut);
        let words = |error: &AskError| {
            let languages = [Language::English, Language::Chinese];
            languages.map(|language| {
                [
                    unanswered_text(language, error),
                    lost_check_in_text(language, error),
                ]
            })
        };
        let [en, zh] = words(&AskError::NotRunning(cause()));
        assert!(en.iter().all(|text| text.contains("does not run")));
        assert!(zh.iter().all(|text| text.contains("没有运行")));
        for error in [AskError::NoAnswer(cause()), AskError::NotAllowed(cause())] {
            let [en, zh] = words(&error);
            assert!(!en.iter().any(|text| text.contains("does not run")));
            assert!(!zh.iter().any(|text| text.contains("没有运行")));
        }
        let [en, zh] = words(&AskError::NoAnswer(cause()));
        assert!(
            en.iter()
                .all(|text| text.contains("runs and does not answer"))
        );
        assert!(zh.iter().all(|text| text.contains("正在运行，但没有应答")));
        assert!(en[1].contains("may be signed") && zh[1].contains("可能已经生效"));
    }
}
