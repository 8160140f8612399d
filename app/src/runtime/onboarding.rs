//! Enrolment on the screen: the head unit is nobody's yet, and shows a code until a member says yes.

use std::time::Duration;

use dashpoint_membership::{DEFAULT_POLICY_TOML, Policy, ServerTime};
use dashpoint_store::Store;
use dashpoint_sync::enrol::{Applicant, ask_request, read_ticket};
use dashpoint_sync_http::Transport;
use dashpoint_telematics::{Marks, Outcome, Sample, Settings, Telematics, VehicleFact};
use dashpoint_ui::locale::Language;
use dashpoint_ui::model::{EnrolmentData, EnrolmentStep};
use dashpoint_wire::message::{EnrolRequest, EnrolTicket};
use std::sync::Arc;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep};

use super::motion_silence::{MotionSilence, SILENCE};
use super::shutdown::Shutdown;
use crate::bus::{Bus, BusInput};
use crate::clock::system_unix_ms;
use crate::command::{Ask, Choice};
use crate::config::{Config, is_vin};
use crate::enrolment::{EnrolmentEnd, WaitsFor, ask, decision, keep};
use crate::error::UsageError;
use crate::keys::KeyStore;
use crate::live::CarState;
use crate::names::salted_vehicle_id;
use crate::net;
use crate::screen::{Choices, Scene, Scenes, ShownCode, put_language, unknown_member};
use crate::window::Backstage;

/// Pause before a cloud that could not be reached is tried again.
const AGAIN_AFTER: Duration = Duration::from_secs(5);
/// Inputs of the bus that wait.
const INPUTS_MAX: usize = 256;

/// Result of the onboarding.
pub(super) enum Onboarding {
    /// The head unit is somebody's now; what its page says.
    Enrolled(EnrolmentData),
    /// The program is to end.
    Ended,
}

/// Shows a code until a member has said yes, or the program is to end.
pub(super) async fn onboard(
    config: &Config,
    keys: &KeyStore,
    store: &mut Store,
    backstage: &mut Backstage,
    shutdown: &mut Shutdown,
) -> anyhow::Result<Onboarding> {
    let (inputs, heard) = mpsc::channel(INPUTS_MAX);
    let (_seen, seen) = watch::channel(None);
    let bus = Bus::start(config.bus.clone(), inputs, seen);
    let (steps, step) = watch::channel(EnrolmentData {
        vin_end: String::new(),
        step: EnrolmentStep::Offline,
    });
    let (vins, vin) = watch::channel(config.vin.clone());
    let choices = Choices::read(store.read());
    let watching = watch_car(config, backstage.scenes.clone(), choices, heard, step, vins);
    let asking = enrol(config, keys, store, &mut backstage.renewals, &steps, vin);
    let (chosen, language) = watch::channel(None);
    let ended = tokio::select! {
        () = shutdown.requested() => Ok(Onboarding::Ended),
        () = watching => Ok(Onboarding::Ended),
        () = hear_language(&mut backstage.asks, chosen) => Ok(Onboarding::Ended),
        enrolled = asking => enrolled.map(|()| Onboarding::Enrolled(steps.borrow().clone())),
    };
    bus.stop().await;
    let language = *language.borrow();
    if let Some(language) = language {
        put_language(store, language)?;
    }
    ShownCode::forget(store)?;
    ended
}

/// Takes the choices of the language; the page has no other.
async fn hear_language(asks: &mut mpsc::Receiver<Ask>, chosen: watch::Sender<Option<Language>>) {
    while let Some(ask) = asks.recv().await {
        if let Ask::Keep(Choice::Language(language)) = ask {
            chosen.send_replace(Some(language));
        }
    }
    std::future::pending::<()>().await;
}

/// Shows the step that the enrolment has reached, and knows whether the car is parked: a code is nothing for a driver.
async fn watch_car(
    config: &Config,
    scenes: Scenes,
    choices: Choices,
    mut heard: mpsc::Receiver<BusInput>,
    mut step: watch::Receiver<EnrolmentData>,
    vins: watch::Sender<Option<String>>,
) {
    let Ok(policy) = toml::from_str::<Policy>(DEFAULT_POLICY_TOML) else {
        return;
    };
    let mut telematics = Telematics::new(Settings::new(&policy, 0), Marks::default());
    let mut car = CarState::default();
    let mut silence = MotionSilence::default();
    let wait = sleep(SILENCE);
    tokio::pin!(wait);
    loop {
        let mut data = unknown_member();
        let enrolment = step.borrow_and_update().clone();
        data.link.online = enrolment.step != EnrolmentStep::Offline;
        data.enrolment = Some(enrolment);
        let scene = Scene {
            data,
            drive: silence.drive(telematics.drive_state()),
            car,
            choices,
            now: now(),
            zone: config.zone.clone(),
        };
        scenes.send_replace(Some(Arc::new(scene)));
        tokio::select! {
            changed = step.changed() => if changed.is_err() { return },
            input = heard.recv() => match input {
                None => return,
                Some(BusInput::Connected) => {
                    silence.connected(true);
                    wait.as_mut().reset(Instant::now() + SILENCE);
                }
                Some(BusInput::Lost) => silence.connected(false),
                Some(BusInput::Sample { signal, value, ts_ms, retained }) => {
                    silence.hear(signal, Some(&value));
                    let sample = Sample {
                        signal,
                        value,
                        ts_ms: ts_ms.unwrap_or_else(system_unix_ms),
                        retained,
                    };
                    // What else the fold makes of it is nobody's: nothing is earned before there is a member.
                    for outcome in telematics.observe(&sample) {
                        let Outcome::VehicleFact(fact) = outcome else {
                            continue;
                        };
                        car.take(&fact);
                        if let VehicleFact::Vin(vin) = fact {
                            vins.send_replace(Some(vin));
                        }
                    }
                }
                Some(BusInput::Refused { signal, .. }) => silence.hear(signal, None),
                Some(BusInput::UnknownTopic) => {}
            },
            () = &mut wait, if silence.waits() => silence.waited(),
        }
    }
}

/// Asks, shows the code, waits; again after a no, an expiry or a lost network, when the driver wants a new code.
async fn enrol(
    config: &Config,
    keys: &KeyStore,
    store: &mut Store,
    renewals: &mut mpsc::Receiver<()>,
    steps: &watch::Sender<EnrolmentData>,
    mut vin: watch::Receiver<Option<String>>,
) -> anyhow::Result<()> {
    let salt = config.cloud.salt.ok_or(UsageError::NoSalt)?;
    let transport = net::connect(&config.cloud, ServerTime::from_unix_s(0))?;
    let known = vin.wait_for(|vin| vin.as_deref().is_some_and(is_vin));
    let vin = known.await?.clone().unwrap_or_default();
    let request = EnrolRequest {
        key: keys.device_key_or_new()?.public(),
        vehicle: salted_vehicle_id(&salt, &vin),
        vin_last4: vin[vin.len() - 4..].to_owned(),
        driver: None,
    };
    let show = |step| {
        steps.send_replace(EnrolmentData {
            vin_end: request.vin_last4.clone(),
            step,
        });
    };
    loop {
        let step = match attempt(config, &transport, &request, store, &show).await? {
            Attempt::Enrolled(name) => {
                show(EnrolmentStep::Enrolled { name });
                return Ok(());
            }
            Attempt::Failed(step) => step,
        };
        let comes_back = step == EnrolmentStep::Offline;
        show(step);
        tokio::select! {
            wanted = renewals.recv() => if wanted.is_none() { std::future::pending::<()>().await },
            () = sleep(AGAIN_AFTER), if comes_back => {}
        }
    }
}

/// Result of one code.
enum Attempt {
    /// The member, by name.
    Enrolled(String),
    /// The attempt failed, and the page shows this step.
    Failed(EnrolmentStep),
}

async fn attempt(
    config: &Config,
    transport: &Transport,
    request: &EnrolRequest,
    store: &mut Store,
    show: &impl Fn(EnrolmentStep),
) -> anyhow::Result<Attempt> {
    let me = Applicant {
        key: request.key,
        vehicle: request.vehicle,
        cloud_key: config.cloud.key,
    };
    let Some(ticket) = ticket(transport, request).await else {
        return Ok(Attempt::Failed(EnrolmentStep::Offline));
    };
    ShownCode::of(&ticket, &request.vin_last4).put(store)?;
    let hear = |waits_for| {
        if let Some(step) = step_of(waits_for, &ticket) {
            show(step);
        }
    };
    hear(WaitsFor::Member);
    match decision(transport, &ticket, &me, hear).await {
        Ok(EnrolmentEnd::Refused) => {
            ShownCode::forget(store)?;
            Ok(Attempt::Failed(EnrolmentStep::Refused))
        }
        Ok(EnrolmentEnd::Expired | EnrolmentEnd::OutOfReach) => {
            Ok(Attempt::Failed(EnrolmentStep::Expired))
        }
        Ok(EnrolmentEnd::Enrolled(enrolled)) => {
            let name = enrolled.statement.body().profile.name.clone();
            keep(store, &enrolled)?;
            Ok(Attempt::Enrolled(name))
        }
        Err(error) if error.is_forgotten() => Ok(Attempt::Failed(EnrolmentStep::Expired)),
        Err(error) => {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "the answer cannot be used; is cloud.key the key of this cloud?"
            );
            Ok(Attempt::Failed(EnrolmentStep::Refused))
        }
    }
}

/// Returns the step that the page shows while there is no decision; none where it stays as it is.
fn step_of(waits_for: WaitsFor, ticket: &EnrolTicket) -> Option<EnrolmentStep> {
    match waits_for {
        WaitsFor::Member => Some(EnrolmentStep::Waiting {
            code: ticket.code.clone(),
            url: ticket.approve_url.clone(),
            valid_until: ticket.expires,
        }),
        WaitsFor::Consent => Some(EnrolmentStep::AwaitingConsent),
        // The code may be good still, and the cloud is asked again.
        WaitsFor::Cloud => None,
    }
}

async fn ticket(transport: &Transport, request: &EnrolRequest) -> Option<EnrolTicket> {
    let answer = ask(transport, &ask_request(request)).await;
    let read = answer.and_then(|answer| Ok(read_ticket(&answer)?));
    read.inspect_err(|error| tracing::warn!(%error, "no code yet"))
        .ok()
}

fn now() -> ServerTime {
    ServerTime::from_unix_s(system_unix_ms().div_euclid(1_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_tells_a_missing_consent_from_a_missing_yes_of_the_member() {
        let ticket = EnrolTicket {
            id: [1; 16],
            code: "7K4Q2M00".to_owned(),
            approve_url: "https://members.example/enrol/7K4Q2M00".to_owned(),
            expires: ServerTime::from_unix_s(600),
        };
        let waiting = step_of(WaitsFor::Member, &ticket);
        assert!(matches!(waiting, Some(EnrolmentStep::Waiting { .. })));
        let consent = step_of(WaitsFor::Consent, &ticket);
        assert_eq!(consent, Some(EnrolmentStep::AwaitingConsent));
        assert_eq!(step_of(WaitsFor::Cloud, &ticket), None);
    }
}
