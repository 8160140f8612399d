//! Listens to a live broker for `dashpoint check-mapping --listen`.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail};
use dashpoint_membership::{DEFAULT_POLICY_TOML, Policy};
use dashpoint_telematics::Settings;
use dashpoint_ui::locale::Language;
use tokio::runtime::Builder;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, timeout_at};

use crate::bus::{Bus, BusConfig, BusLogin, Mapping, TlsFiles, client_config};
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

/// Listens for so long, with its progress on standard error.
pub(super) fn listen(
    config: BusConfig,
    time: Duration,
    language: Language,
) -> anyhow::Result<Vec<SurveyedSignal>> {
    let policy: Policy = toml::from_str(DEFAULT_POLICY_TOML)?;
    let mut survey = BusSurvey::new(Settings::new(&policy, 0));
    let broker = format!("{}:{}", config.host, config.port);
    let routes = config.mapping.routes().iter();
    let mapped = routes.filter(|route| route.topic.is_some()).count();
    let runtime = Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let (sender, mut inputs) = mpsc::channel(INPUTS_MAX);
        let (_seen, seen) = watch::channel(None);
        let bus = Bus::start(config, sender, seen);
        let begins = Instant::now();
        let (ends, mut tells) = (begins + time, begins + PROGRESS_EVERY);
        loop {
            match timeout_at(ends.min(tells), inputs.recv()).await {
                Ok(Some(input)) => survey.handle(input, system_unix_ms()),
                Ok(None) => break,
                Err(_) if Instant::now() >= ends => break,
                Err(_) => {
                    tells += PROGRESS_EVERY;
                    tell(&survey, mapped, begins.elapsed(), time, language);
                }
            }
            if !survey.has_connected() && begins.elapsed() >= CONNECT_MAX {
                break;
            }
        }
        bus.stop().await;
    });
    if !survey.has_connected() {
        bail!(match language {
            Language::English => format!("no connection to the broker at {broker}"),
            Language::Chinese => format!("无法连接 {broker} 的消息代理"),
        });
    }
    Ok(survey.finish())
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
