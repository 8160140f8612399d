//! `dashpoint check-in`: what a person asks of a running head unit.

use std::process::ExitCode;

use anyhow::{Context, bail};
use dashpoint_ui::locale::Language;
use tokio::runtime::{Builder, Runtime};

use super::args::CheckInArgs;
use super::out::{outln, print_json};
use crate::command::CheckIn;
use crate::config::Config;
use crate::socket;

/// Message for a head unit that does not answer.
pub(super) const NOT_RUNNING: &str =
    "the head unit does not run on this data folder; start it with `dashpoint run`";

/// Checks the member in for today.
pub(super) fn check_in(args: &CheckInArgs) -> anyhow::Result<ExitCode> {
    let config = Config::load(&args.place.config)?;
    let answer = runtime()?.block_on(socket::check_in(&config.data));
    let answer = answer.context(NOT_RUNNING)?;
    let done = matches!(answer, CheckIn::Done { .. } | CheckIn::NothingMore);
    if args.output.json {
        print_json(&answer)?;
    } else if done {
        say(answer, args.output.language);
    } else {
        bail!("{}", refusal(answer));
    }
    Ok(if done {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

const fn refusal(answer: CheckIn) -> &'static str {
    match answer {
        CheckIn::Done { .. } | CheckIn::NothingMore => "",
        CheckIn::Guest => "nobody's membership is at the wheel",
        CheckIn::NotNow => "it cannot be signed or written now; the head unit's log says why",
    }
}

fn say(answer: CheckIn, language: Language) {
    match answer {
        CheckIn::Done { points } => {
            outln!("{} +{points}", language.choose("checked in", "签到成功"));
        }
        CheckIn::NothingMore => outln!(
            "{}",
            language.choose(
                "checked in already, or today's cap is reached",
                "今日已签到或已达上限"
            )
        ),
        CheckIn::Guest | CheckIn::NotNow => {}
    }
}

/// Makes the runtime of a command that asks a running head unit.
pub(super) fn runtime() -> anyhow::Result<Runtime> {
    Ok(Builder::new_current_thread().enable_all().build()?)
}
