//! `dashpoint enrol`: shows a code and waits until the member has approved it.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use dashpoint_membership::{
    Catalogue, DeviceId, DriverTag, MemberId, Policy, ServerTime, Statement,
};
use dashpoint_store::Store;
use dashpoint_sync::driver::Transport;
use dashpoint_sync::{Credential, HttpRequest, Method};
use dashpoint_wire::message::{EnrolRequest, EnrolState, EnrolTicket};
use dashpoint_wire::{
    Binding, Cbor, DeviceCertificate, EpochGrant, PublicKey, Signed, decode, encode,
};
use data_encoding::HEXLOWER;
use qrcode::QrCode;
use qrcode::render::unicode::Dense1x2;
use serde::Serialize;

use super::args::{EnrolArgs, Language};
use super::run::{open_store, transport};
use super::status::print_json;
use super::words::pick;
use crate::books::{Books, DEVICE_META, driver_tag, vehicle_id};
use crate::bus::wait_for_vin;
use crate::clock::system_unix_ms;
use crate::config::{Config, is_vin};
use crate::error::UsageError;
use crate::keys::KeyStore;

/// How long the bus may take to tell the VIN.
const VIN_PATIENCE: Duration = Duration::from_secs(5);
/// How often the cloud is asked for the member's decision.
const ASK_EVERY: Duration = Duration::from_secs(1);

/// What `enrol --json` prints at the end.
#[derive(Debug, Serialize)]
struct EnrolReport {
    device: DeviceId,
    member: MemberId,
    vehicle: String,
}

/// Everything that an approval brings, verified.
struct Enrolment {
    certificate: Signed<DeviceCertificate>,
    binding: Signed<Binding>,
    grant: Signed<EpochGrant>,
    policy: Signed<Policy>,
    catalogue: Signed<Catalogue>,
    statement: Signed<Statement>,
}

/// Enrols the head unit.
pub(super) fn enrol(args: &EnrolArgs) -> anyhow::Result<ExitCode> {
    let config = Config::load(&args.place.config)?;
    let driver = args.driver.as_deref().map(parse_driver).transpose()?;
    let keys = KeyStore::open(&config.data)?;
    let store = open_store(&config.data, &keys)?;
    if Books::is_enrolled(store.read())? {
        bail!("this head unit is enrolled already; give it another data folder to enrol it anew");
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let report = runtime.block_on(async {
        let vin = vin(&config).await?;
        let request = EnrolRequest {
            key: keys.device_key_or_new()?.public(),
            vehicle: vehicle_id(&vin),
            vin_last4: vin[vin.len() - 4..].to_owned(),
            driver,
        };
        enrol_with(&config, store, &request, args.output.lang).await
    })?;
    if args.output.json {
        print_json(&report)?;
    } else {
        say(pick(args.output.lang, "enrolled", "绑定成功"));
    }
    Ok(ExitCode::SUCCESS)
}

async fn enrol_with(
    config: &Config,
    mut store: Store,
    request: &EnrolRequest,
    language: Language,
) -> anyhow::Result<EnrolReport> {
    let transport = transport(&config.cloud, ServerTime::from_unix_s(0))?;
    let ticket: EnrolTicket = ask(
        &transport,
        Method::Post,
        "/v1/enrolments".to_owned(),
        encode(request),
    )
    .await?;
    show(&ticket, request, language)?;
    let path = format!("/v1/enrolments/{}", HEXLOWER.encode(&ticket.id));
    loop {
        match ask(&transport, Method::Get, path.clone(), Vec::new()).await? {
            EnrolState::Waiting => tokio::time::sleep(ASK_EVERY).await,
            EnrolState::Refused => bail!("the member said no; run `dashpoint enrol` to ask again"),
            EnrolState::Expired => {
                bail!("nobody approved the code in time; run `dashpoint enrol` to ask again")
            }
            EnrolState::Approved {
                device,
                certificate,
                binding,
                grant,
                policy,
                catalogue,
                statement,
            } => {
                let key = config.cloud.key;
                let certificate = certificate.verify(&key, &device).context(NOT_THE_CLOUD)?;
                let binding = binding.verify(&key, &device).context(NOT_THE_CLOUD)?;
                let member = binding.body().member;
                let enrolment = Enrolment {
                    grant: grant.verify(&key, &device).context(NOT_THE_CLOUD)?,
                    policy: policy.verify(&key, &()).context(NOT_THE_CLOUD)?,
                    catalogue: catalogue.verify(&key, &()).context(NOT_THE_CLOUD)?,
                    statement: statement.verify(&key, &member).context(NOT_THE_CLOUD)?,
                    certificate,
                    binding,
                };
                return keep(&mut store, &enrolment, &request.key);
            }
        }
    }
}

const NOT_THE_CLOUD: &str = "the answer is not signed with the key that cloud.key names";

/// Sends one request of the enrolment and reads its answer.
async fn ask<T: Cbor>(
    transport: &Transport,
    method: Method,
    path: String,
    body: Vec<u8>,
) -> anyhow::Result<T> {
    let request = HttpRequest {
        method,
        path,
        body,
        credential: Credential::None,
    };
    let answer = transport
        .send(&request, None, system_unix_ms().div_euclid(1_000))
        .await
        .context("the cloud cannot be reached; enrolment needs it")?;
    match answer.status {
        200 | 201 => Ok(decode(&answer.body).context("the cloud's answer cannot be read")?),
        429 => bail!("the cloud has too many enrolments waiting; try again in a few minutes"),
        status => bail!("the cloud refused the enrolment with status {status}"),
    }
}

/// Commits an enrolment: who we are first, the epoch last, so that an interrupted one counts as none.
fn keep(store: &mut Store, enrolment: &Enrolment, key: &PublicKey) -> anyhow::Result<EnrolReport> {
    let certificate = enrolment.certificate.body();
    if certificate.key != *key {
        bail!("the cloud certified another key than this head unit's");
    }
    store.put_meta(DEVICE_META, certificate.device.as_bytes())?;
    store.put_certificate(&enrolment.certificate)?;
    store.put_binding(&enrolment.binding)?;
    store.put_policy(&enrolment.policy)?;
    store.put_catalogue(&enrolment.catalogue)?;
    store.put_statement(&enrolment.statement)?;
    store.begin_epoch(&enrolment.grant, &[])?;
    Ok(EnrolReport {
        device: certificate.device,
        member: enrolment.binding.body().member,
        vehicle: certificate.vehicle.to_string(),
    })
}

async fn vin(config: &Config) -> anyhow::Result<String> {
    if let Some(vin) = &config.vin {
        return Ok(vin.clone());
    }
    let told = wait_for_vin(config.bus.clone(), VIN_PATIENCE).await;
    Ok(told.filter(|vin| is_vin(vin)).ok_or(UsageError::NoVin)?)
}

fn parse_driver(text: &str) -> Result<DriverTag, UsageError> {
    match text.split_once('/') {
        Some((issuer, subject)) if !subject.is_empty() => Ok(driver_tag(issuer, subject)),
        Some(_) | None => Err(UsageError::Driver(text.to_owned())),
    }
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

#[expect(clippy::print_stdout, reason = "the output of the command")]
fn say(line: &str) {
    println!("{line}");
}
