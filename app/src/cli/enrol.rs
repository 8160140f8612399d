//! `dashpoint enrol`: shows a code and waits until the member has approved it.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use dashpoint_membership::{DeviceId, DriverTag, MemberId, ServerTime};
use dashpoint_store::{Check, Store};
use dashpoint_sync::enrol::{
    Applicant, Enrolled, Progress, ask_request, poll_request, read_state, read_ticket,
};
use dashpoint_sync_http::Transport;
use dashpoint_wire::NameSalt;
use dashpoint_wire::message::{EnrolRequest, EnrolTicket};
use qrcode::QrCode;
use qrcode::render::unicode::Dense1x2;
use serde::Serialize;

use super::args::{EnrolArgs, Language};
use super::out::outln;
use super::status::print_json;
use super::words::pick;
use crate::books::{Books, certificate};
use crate::bus::wait_for_vin;
use crate::config::{Config, is_vin};
use crate::data_folder::open_store;
use crate::enrolment::{ASK_EVERY, ask, keep};
use crate::error::UsageError;
use crate::keys::KeyStore;
use crate::names::{DriverName, salted_vehicle_id};
use crate::net;
use crate::screen::ShownCode;

/// Time that the bus may take to publish the VIN.
const VIN_PATIENCE: Duration = Duration::from_secs(5);
/// Final output of `enrol --json`.
#[derive(Debug, Serialize)]
struct EnrolReport {
    device: DeviceId,
    member: MemberId,
    vehicle: String,
}

impl EnrolReport {
    fn of(enrolled: &Enrolled) -> Self {
        let certificate = enrolled.certificate.body();
        Self {
            device: certificate.device,
            member: enrolled.binding.body().member,
            vehicle: certificate.vehicle.to_string(),
        }
    }
}

/// Enrols the head unit.
pub(super) fn enrol(args: &EnrolArgs) -> anyhow::Result<ExitCode> {
    let config = Config::load(&args.place.config)?;
    let salt = config.cloud.salt.ok_or(UsageError::NoSalt)?;
    let driver = args.driver.as_deref();
    let driver = driver.map(|text| parse_driver(text, &salt)).transpose()?;
    let keys = KeyStore::open(&config.data)?;
    let store = open_store(&config.data, &keys, Check::Ends)?;
    if Books::is_enrolled(store.read())? {
        let certificate = certificate(store.read(), &config.cloud.key)?;
        if let Err(error) = keys.certified_key(&certificate.body().key) {
            return Err(error).context(WITHOUT_KEY);
        }
        bail!("this head unit is enrolled already; give it another data folder to enrol it anew");
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let report = runtime.block_on(async {
        let vin = vin(&config).await?;
        let request = EnrolRequest {
            key: keys.device_key_or_new()?.public(),
            vehicle: salted_vehicle_id(&salt, &vin),
            vin_last4: vin[vin.len() - 4..].to_owned(),
            driver,
        };
        enrol_with(&config, store, &request, args.output.language).await
    })?;
    if args.output.json {
        print_json(&report)?;
    } else {
        say(pick(args.output.language, "enrolled", "绑定成功"));
    }
    Ok(ExitCode::SUCCESS)
}

async fn enrol_with(
    config: &Config,
    mut store: Store,
    request: &EnrolRequest,
    language: Language,
) -> anyhow::Result<EnrolReport> {
    let transport = net::connect(&config.cloud, ServerTime::from_unix_s(0))?;
    let me = Applicant {
        key: request.key,
        vehicle: request.vehicle,
        cloud_key: config.cloud.key,
    };
    let ticket = read_ticket(&ask(&transport, &ask_request(request)).await?)?;
    show(&ticket, request, language)?;
    ShownCode::of(&ticket, &request.vin_last4).put(&mut store)?;
    let report = decision(&transport, &ticket, &me, &mut store).await;
    ShownCode::forget(&mut store)?;
    report
}

/// Waits for the member's word.
async fn decision(
    transport: &Transport,
    ticket: &EnrolTicket,
    me: &Applicant,
    store: &mut Store,
) -> anyhow::Result<EnrolReport> {
    loop {
        let answer = ask(transport, &poll_request(ticket)).await?;
        match read_state(&answer, me).context(NOT_USABLE)? {
            Progress::Waiting => tokio::time::sleep(ASK_EVERY).await,
            Progress::Refused => bail!("the member said no; run `dashpoint enrol` to ask again"),
            Progress::Expired => {
                bail!("nobody approved the code in time; run `dashpoint enrol` to ask again")
            }
            Progress::Enrolled(enrolled) => {
                keep(store, &enrolled)?;
                return Ok(EnrolReport::of(&enrolled));
            }
        }
    }
}

/// Tells the two ways out of an enrolment whose key is gone.
const WITHOUT_KEY: &str = "this head unit is enrolled already, and its device key is not usable; put the key back, and what \
    waits is signed; if it is lost, give another data folder and enrol anew: what is confirmed stays with the member, and this \
    folder keeps the rest for service";

const NOT_USABLE: &str = "the answer cannot be used; is cloud.key the key of this cloud?";

async fn vin(config: &Config) -> anyhow::Result<String> {
    if let Some(vin) = &config.vin {
        return Ok(vin.clone());
    }
    let told = wait_for_vin(config.bus.clone(), VIN_PATIENCE).await;
    Ok(told.filter(|vin| is_vin(vin)).ok_or(UsageError::NoVin)?)
}

fn parse_driver(text: &str, salt: &NameSalt) -> Result<DriverTag, UsageError> {
    let name = DriverName::parse(text).ok_or_else(|| UsageError::Driver(text.to_owned()))?;
    Ok(name.tag(salt))
}

/// Shows what the member needs: the address as a QR code on a terminal, and always as text.
fn show(ticket: &EnrolTicket, request: &EnrolRequest, language: Language) -> anyhow::Result<()> {
    if std::io::stdout().is_terminal() {
        let code =
            QrCode::new(&ticket.approve_url).context("the address does not fit into a QR code")?;
        say(&code.render::<Dense1x2>().quiet_zone(true).build());
    }
    say(&format!(
        "{}  {}",
        pick(language, "scan, or open", "扫码或打开"),
        ticket.approve_url
    ));
    say(&format!(
        "{}  {}",
        pick(language, "code", "验证码"),
        ticket.code
    ));
    say(&format!(
        "{}  …{}",
        pick(language, "car", "车辆"),
        request.vin_last4
    ));
    say(pick(
        language,
        "waiting for the member's yes",
        "等待会员确认",
    ));
    std::io::stdout().flush().context("nothing can be shown")
}

fn say(line: &str) {
    outln!("{line}");
}
