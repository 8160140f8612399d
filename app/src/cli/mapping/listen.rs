//! Listens to a live broker for `dashpoint check-mapping --listen`.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail};
use dashpoint_membership::{DEFAULT_POLICY_TOML, Policy};
use dashpoint_telematics::Settings;
use dashpoint_ui::locale::Language;
use tokio::runtime::Builder;
use tokio::signal::ctrl_c;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, timeout_at};

use crate::bus::{Bus, BusConfig, BusInput, BusLogin, Mapping, TlsFiles, client_config};
use crate::cli::args::BrokerArgs;
use crate::clock::system_unix_ms;
use crate::survey::{BusSurvey, SurveyedSignal};

/// Inputs that wait for the survey.
const INPUTS_MAX: usize = 1_024;
/// Interval of the progress.
const PROGRESS_EVERY: Duration = Duration::from_secs(10);
/// Time within which a broker that is there lets a client in.
const CONNECT_MAX: Duration = Duration::from_secs(10);

/// The broker that the arguments name.
pub(super) fn bus_config(args: &BrokerArgs, mapping: Mapping) -> anyhow::Result<BusConfig> {
    let (host, port) = args.broker.clone();
    let login = match (&args.user, &args.password_file) {
        (Some(user), Some(file)) => Some(login(user, file)?),
        (Some(_) | None, _) => None,
    };
    let tls = args.ca.as_ref().map(|ca| TlsFiles {
        ca: ca.clone(),
        own: args.cert.clone().zip(args.key.clone()),
    });
    Ok(BusConfig {
        host,
        port,
        mapping,
        tls: tls.as_ref().map(client_config).transpose()?,
        login,
    })
}

fn login(user: &str, file: &Path) -> anyhow::Result<BusLogin> {
    let expected = || {
        format!(
            "{}: expected the password in its first line",
            file.display()
        )
    };
    let login = BusLogin::read(user.to_owned(), file).with_context(expected)?;
    login.with_context(expected)
}

/// Result of listening, with its length.
pub(super) struct Listened {
    pub(super) signals: Vec<SurveyedSignal>,
    pub(super) time: Duration,
}

/// Listens for so long, or until Ctrl-C, with its progress on standard error.
pub(super) fn listen(
    config: BusConfig,
    time: Duration,
    language: Language,
) -> anyhow::Result<Listened> {
    let policy: Policy = toml::from_str(DEFAULT_POLICY_TOML)?;
    let mut survey = BusSurvey::new(Settings::new(&policy, 0));
    let broker = format!("{}:{}", config.host, config.port);
    let routes = config.mapping.routes().iter();
    let mapped = routes.filter(|route| route.topic.is_some()).count();
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let listened = runtime.block_on(async {
        let (sender, mut inputs) = mpsc::channel(INPUTS_MAX);
        let (_seen, seen) = watch::channel(None);
        let bus = Bus::start(config, sender, seen);
        let begins = Instant::now();
        tokio::select! {
            () = take_for(time, &mut inputs, &mut survey, |survey| {
                tell(survey, mapped, begins.elapsed(), time, language);
            }) => {}
            // What was heard until then is told.
            _ = ctrl_c() => {}
        }
        let listened = begins.elapsed().min(time);
        bus.stop().await;
        listened
    });
    if !survey.has_connected() {
        bail!(match language {
            Language::English => format!("no connection to the broker at {broker}"),
            Language::Chinese => format!("无法连接 {broker} 的消息代理"),
        });
    }
    Ok(Listened {
        signals: survey.finish(),
        time: listened,
    })
}

/// Hands the inputs to the survey for so long, however many wait.
async fn take_for(
    time: Duration,
    inputs: &mut mpsc::Receiver<BusInput>,
    survey: &mut BusSurvey,
    tell: impl Fn(&BusSurvey),
) {
    let begins = Instant::now();
    let (ends, mut tells) = (begins + time, begins + PROGRESS_EVERY);
    while Instant::now() < ends {
        match timeout_at(ends.min(tells), inputs.recv()).await {
            Ok(Some(input)) => survey.handle(input, system_unix_ms()),
            Ok(None) => return,
            Err(_) => {}
        }
        if Instant::now() >= tells {
            tells += PROGRESS_EVERY;
            tell(survey);
        }
        if !survey.has_connected() && begins.elapsed() >= CONNECT_MAX {
            return;
        }
    }
}

#[expect(
    clippy::print_stderr,
    reason = "progress, beside the output of the command"
)]
fn tell(survey: &BusSurvey, mapped: usize, elapsed: Duration, time: Duration, language: Language) {
    let (signals, messages) = survey.progress();
    let (elapsed_s, time_s) = (elapsed.as_secs(), time.as_secs());
    let line = match language {
        Language::English => {
            format!("{elapsed_s} of {time_s} s: {signals} of {mapped} signals, {messages} messages")
        }
        Language::Chinese => {
            format!("{elapsed_s}/{time_s} 秒：{signals}/{mapped} 个信号，{messages} 条消息")
        }
    };
    eprintln!("{line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inputs_that_wait_do_not_prolong_it() {
        let policy: Policy = toml::from_str(DEFAULT_POLICY_TOML).unwrap();
        let mut survey = BusSurvey::new(Settings::new(&policy, 0));
        let (sender, mut inputs) = mpsc::channel(INPUTS_MAX);
        while sender.try_send(BusInput::Connected).is_ok() {}
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(take_for(Duration::ZERO, &mut inputs, &mut survey, |_| ()));
        assert_eq!(inputs.len(), INPUTS_MAX);
    }
}
