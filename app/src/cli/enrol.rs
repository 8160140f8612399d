//! `dashpoint enrol`: shows a code and waits until the member has approved it.

use std::io::IsTerminal;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use dashpoint_membership::{DeviceId, DriverTag, MemberId, ServerTime};
use dashpoint_store::{CheckDepth, Store, StoreError};
use dashpoint_sync::enrol::{Applicant, ask_request, read_ticket};
use dashpoint_ui::locale::Language;
use dashpoint_wire::NameSalt;
use dashpoint_wire::message::{EnrolRequest, EnrolTicket};
use qrcode::QrCode;
use qrcode::render::unicode::Dense1x2;
use serde::Serialize;

use super::args::{EnrolArgs, Output};
use super::code_waits::CodeShown;
use super::out::outln;
use crate::books::{Books, certificate};
use crate::bus::wait_for_vin;
use crate::config::{Config, is_vin};
use crate::data_folder::{open_reader, open_store};
use crate::enrolment::{EnrolmentEnd, WaitsFor, ask, decision, keep};
use crate::error::UsageError;
use crate::keys::{EnrolledWithoutKey, KeyStore};
use crate::names::{DriverName, salted_vehicle_id};
use crate::net;
use crate::screen::ShownCode;

/// Time that the bus may take to publish the VIN.
const VIN_PATIENCE: Duration = Duration::from_secs(5);

/// A line of `enrol --json`.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
enum EnrolNews<'a> {
    /// There is a code.
    Code {
        code: &'a str,
        approve_url: &'a str,
        vin_last4: &'a str,
        expires_unix_s: i64,
    },
    /// There is no decision yet.
    Waiting {
        /// The person whose word is missing.
        #[serde(rename = "for")]
        waits_for: WaitsFor,
    },
    /// The head unit is enrolled.
    Enrolled {
        device: DeviceId,
        member: MemberId,
        vehicle: String,
    },
}

/// Enrols the head unit.
pub(super) fn enrol(args: &EnrolArgs) -> anyhow::Result<ExitCode> {
    let config = Config::load(&args.place.config)?;
    let salt = config.cloud.salt.ok_or(UsageError::NoSalt)?;
    let driver = args.driver.as_deref();
    let driver = driver.map(|text| parse_driver(text, &salt)).transpose()?;
    let keys = KeyStore::open(&config.data)?;
    let store = match open_store(&config.data, &keys, CheckDepth::Ends) {
        Err(error) if is_in_use(&error) => return Err(beside_owner(&config, args.output.language)),
        opened => opened?,
    };
    if Books::is_enrolled(store.read())? {
        let certificate = certificate(store.read(), &config.cloud.key)?;
        if let Err(error) = keys.certified_key(&certificate.body().key) {
            return Err(EnrolledWithoutKey(error).into());
        }
        bail!(enrolled_already(args.output.language));
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let vin = vin(&config).await?;
        let request = EnrolRequest {
            key: keys.device_key_or_new()?.public(),
            vehicle: salted_vehicle_id(&salt, &vin),
            vin_last4: vin[vin.len() - 4..].to_owned(),
            driver,
        };
        enrol_with(&config, store, &request, &args.output).await
    })?;
    Ok(ExitCode::SUCCESS)
}

fn is_in_use(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<StoreError>()
        .is_some_and(StoreError::is_in_use)
}

/// Returns what a person can do while another program owns the folder: a head unit that runs asks for the yes by itself.
fn beside_owner(config: &Config, language: Language) -> anyhow::Error {
    let reader = open_reader(config);
    // A folder that cannot be read tells neither: the owner's window does.
    let reader = reader.as_ref().ok();
    if reader.is_some_and(|reader| Books::is_enrolled(reader).unwrap_or(false)) {
        return anyhow!(enrolled_already(language));
    }
    let code = match reader.map_or(Ok(CodeShown::None), CodeShown::read) {
        Ok(CodeShown::Waits { code, .. }) => code,
        Err(error) => return error.into(),
        Ok(CodeShown::Expired) => {
            return anyhow!(language.choose(
                "a head unit is open on this data folder, and the code on its screen has expired: press New code there; or close \
                 it, and run `dashpoint enrol` again",
                "已有车机程序在使用此数据目录，其屏幕上的绑定码已过期：请在屏幕上点“换新码”；也可先关闭该程序，再运行 `dashpoint enrol`",
            ));
        }
        Ok(CodeShown::None) => {
            return anyhow!(language.choose(
                "a head unit is open on this data folder and enrols by itself: its window shows the code as soon as the cloud \
                 answers; or close it, and run `dashpoint enrol` again",
                "已有车机程序在使用此数据目录，并会自行绑定：云端应答后，其窗口即显示绑定码；也可先关闭该程序，再运行 `dashpoint enrol`",
            ));
        }
    };
    match language {
        Language::English => anyhow!(
            "the code {code} waits for the yes already: approve that one; or close the program that shows it, and run \
             `dashpoint enrol` again"
        ),
        Language::Chinese => anyhow!(
            "绑定码 {code} 已在等待确认：请确认该绑定码；也可先关闭显示它的程序，再运行 `dashpoint enrol`"
        ),
    }
}

async fn enrol_with(
    config: &Config,
    mut store: Store,
    request: &EnrolRequest,
    output: &Output,
) -> anyhow::Result<()> {
    let language = output.language;
    let transport = net::connect(&config.cloud, ServerTime::from_unix_s(0))?;
    let me = Applicant {
        key: request.key,
        vehicle: request.vehicle,
        cloud_key: config.cloud.key,
    };
    let ticket = read_ticket(&ask(&transport, &ask_request(request)).await?)?;
    if !output.json && std::io::stdout().is_terminal() {
        show_qr(&ticket)?;
    }
    let code = EnrolNews::Code {
        code: &ticket.code,
        approve_url: &ticket.approve_url,
        vin_last4: &request.vin_last4,
        expires_unix_s: ticket.expires.as_unix_s(),
    };
    tell(&code, output);
    ShownCode::of(&ticket, &request.vin_last4).put(&mut store)?;
    let decided = decision(&transport, &ticket, &me, |waits_for| {
        tell(&EnrolNews::Waiting { waits_for }, output);
    })
    .await;
    ShownCode::forget(&mut store)?;
    match decided {
        Ok(EnrolmentEnd::Enrolled(enrolled)) => {
            keep(&mut store, &enrolled)?;
            let certificate = enrolled.certificate.body();
            let enrolled = EnrolNews::Enrolled {
                device: certificate.device,
                member: enrolled.binding.body().member,
                vehicle: certificate.vehicle.to_string(),
            };
            tell(&enrolled, output);
            Ok(())
        }
        Ok(EnrolmentEnd::Refused) => bail!(language.choose(
            "the answer was no; run `dashpoint enrol` to ask again",
            "对方未同意；请运行 `dashpoint enrol` 重新申请",
        )),
        Ok(EnrolmentEnd::Expired) => bail!(language.choose(
            "nobody approved the code in time; run `dashpoint enrol` to ask again",
            "绑定码已过期，无人确认；请运行 `dashpoint enrol` 重新申请",
        )),
        Ok(EnrolmentEnd::OutOfReach) => bail!(language.choose(
            "the cloud could not be reached until the code ran out; run `dashpoint enrol` to ask again",
            "绑定码过期前无法连接云端；请运行 `dashpoint enrol` 重新申请",
        )),
        Err(error) if error.is_forgotten() => bail!(language.choose(
            "the cloud does not know the code any more; run `dashpoint enrol` to ask again",
            "云端已不认得该绑定码；请运行 `dashpoint enrol` 重新申请",
        )),
        Err(error) => Err(error).context(language.choose(
            NOT_USABLE,
            "云端的应答无法使用；cloud.key 是否为该云端的公钥？",
        )),
    }
}

const fn enrolled_already(language: Language) -> &'static str {
    language.choose(
        "this head unit is enrolled already; give it another data folder to enrol it anew",
        "本车机已绑定；如需重新绑定，请换用其他数据目录",
    )
}

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

/// Shows the address as a QR code, on a terminal.
fn show_qr(ticket: &EnrolTicket) -> anyhow::Result<()> {
    let code =
        QrCode::new(&ticket.approve_url).context("the address does not fit into a QR code")?;
    outln!("{}", code.render::<Dense1x2>().quiet_zone(true).build());
    Ok(())
}

/// Tells the news: to people in their language, to programs as one line of JSON.
fn tell(news: &EnrolNews<'_>, output: &Output) {
    if output.json {
        outln!("{}", serde_json::to_string(news).unwrap_or_default());
    } else {
        words(news, output.language);
    }
}

/// Says for whom, and what to do next. The statement has the name: until it comes, the member goes by the start of the id.
fn enrolled(member: &str, language: Language) -> String {
    let member = member.get(..8).unwrap_or(member);
    match language {
        Language::English => format!(
            "enrolled for member {member}; `dashpoint run` starts the head unit, and `dashpoint status` names the member once \
             it has met the cloud"
        ),
        Language::Chinese => format!(
            "已绑定会员 {member}；用 `dashpoint run` 启动车机，与云端对账后 `dashpoint status` 显示会员姓名"
        ),
    }
}

fn words(news: &EnrolNews<'_>, language: Language) {
    match news {
        EnrolNews::Code {
            code,
            approve_url,
            vin_last4,
            expires_unix_s: _,
        } => {
            outln!(
                "{}  {approve_url}",
                language.choose("scan, or open", "扫码或打开")
            );
            outln!("{}  {code}", language.choose("code", "绑定码"));
            outln!("{}  …{vin_last4}", language.choose("car", "车辆"));
        }
        EnrolNews::Waiting { waits_for } => {
            let line = match waits_for {
                WaitsFor::Member => language.choose("waiting for the member's yes", "等待会员确认"),
                WaitsFor::Consent => language.choose("the member has said yes; this vehicle earns for somebody already: waiting for a member of the vehicle to \
                     agree on the same page, or for the operator (`dashpoint-cloud device consent`)",
                    "会员已同意；本车已为其他会员积分：等待其中一位在同一页面同意，或由运营方同意（`dashpoint-cloud device consent`）",
                ),
                WaitsFor::Cloud => language.choose("the cloud cannot be reached; trying on while the code is good",
                    "无法连接云端，绑定码有效期内持续重试",
                ),
            };
            outln!("{line}");
        }
        EnrolNews::Enrolled { member, .. } => outln!("{}", enrolled(&member.to_string(), language)),
    }
}
