//! Enrolment: a head unit asks, a person says yes or no, the cloud issues certificate, binding and first epoch.

use dashpoint_membership::{BindingId, DeviceId, LedgerVersion, MemberId, ServerTime, VehicleId};
use dashpoint_wire::message::{EnrolRequest, EnrolState};
use dashpoint_wire::{Binding, DeviceCertificate, Raw};
use serde::Serialize;

use super::CloudCore;
use super::desk::Desk;
use super::epochs::head_of;
use crate::error::CloudError;
use crate::store::bindings::{self, Bound};
use crate::store::devices::{self, Device};
use crate::store::enrolments::{self, Answer, Enrolment};
use crate::store::{grants, members};

/// How long a code is good for, in seconds.
const CODE_S: i64 = 300;
/// How long an unanswered or refused request is remembered after that, so that the car learns what happened, in seconds.
const REMEMBER_S: i64 = 86_400;
/// Requests that may wait at a time: a stranger can ask, and cannot fill the disk.
const WAITING_MAX: usize = 1_000;
/// How long certificates and bindings are good for: the life of a car, in seconds.
const VALID_S: i64 = 20 * 366 * 86_400;
/// Longest tail of a VIN that is shown.
const VIN_TAIL_MAX: usize = 4;

/// New names of one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskIds {
    /// Random; the car alone knows it.
    pub id: [u8; 16],
    /// What a person types or scans: eight random digits and capitals that nobody mistakes for each other.
    pub code: String,
}

/// New names of what an approval issues.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GrantedIds {
    /// Random.
    pub device: DeviceId,
    /// Random.
    pub binding: BindingId,
}

/// A head unit that waits for an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Waiting {
    /// What a person types or scans.
    pub code: String,
    /// The vehicle.
    pub vehicle: VehicleId,
    /// Last four characters of its VIN.
    pub vin_last4: String,
    /// First instant at which the code is no longer good.
    pub expires: ServerTime,
}

/// What an approval made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Approved {
    /// The device, a new one or the one that holds the key already.
    pub device: DeviceId,
    /// The binding.
    pub binding: BindingId,
    /// Whose.
    pub member: MemberId,
}

impl CloudCore {
    /// Takes a request to be enrolled; returns when its code ends.
    ///
    /// # Errors
    /// [`CloudError::TooManyWaiting`].
    pub fn ask(
        &mut self,
        request: &EnrolRequest,
        ids: AskIds,
        now: ServerTime,
    ) -> Result<ServerTime, CloudError> {
        self.work(now, |desk| {
            enrolments::forget(desk.db, now.plus_s(-REMEMBER_S))?;
            if enrolments::waiting(desk.db, now)?.len() >= WAITING_MAX {
                return Err(CloudError::TooManyWaiting);
            }
            let expires = now.plus_s(CODE_S);
            let tail: String = request
                .vin_last4
                .chars()
                .filter(char::is_ascii_alphanumeric)
                .take(VIN_TAIL_MAX)
                .collect();
            enrolments::insert(
                desk.db,
                &Enrolment {
                    id: ids.id,
                    code: ids.code,
                    key: request.key,
                    vehicle: request.vehicle,
                    vin_last4: tail,
                    driver: request.driver,
                    asked: now,
                    expires,
                    answer: Answer::Waiting,
                },
            )?;
            Ok(expires)
        })
    }

    /// The head unit that waits with a code; `None` when none does.
    ///
    /// # Errors
    /// [`CloudError`] when the database fails.
    pub fn waiting_with(&self, code: &str, now: ServerTime) -> Result<Option<Waiting>, CloudError> {
        Ok(open(enrolments::by_code(&self.db, code)?, now).map(waiting))
    }

    /// All head units that wait, oldest first.
    ///
    /// # Errors
    /// [`CloudError`] when the database fails.
    pub fn waiting(&self, now: ServerTime) -> Result<Vec<Waiting>, CloudError> {
        let waits = enrolments::waiting(&self.db, now)?;
        Ok(waits.into_iter().map(waiting).collect())
    }

    /// Says yes: the head unit earns for this member. A key that is enrolled already keeps its device and chain, and gets
    /// one more binding.
    ///
    /// # Errors
    /// [`CloudError::NoCode`], [`CloudError::NoMember`].
    pub fn approve(
        &mut self,
        code: &str,
        member: MemberId,
        ids: GrantedIds,
        now: ServerTime,
    ) -> Result<Approved, CloudError> {
        self.work(now, |desk| {
            let asked = open(enrolments::by_code(desk.db, code)?, now)
                .ok_or_else(|| CloudError::NoCode(code.to_owned()))?;
            members::profile(desk.db, member)?.ok_or(CloudError::NoMember(member))?;
            let device = match devices::by_key(desk.db, &asked.key)? {
                Some(device) if device.revoked.is_some() => {
                    return Err(CloudError::AlreadyRevoked(device.id));
                }
                Some(device) => device.id,
                None => desk.enrol(&asked, ids.device)?,
            };
            desk.bind(&asked, device, member, ids.binding)?;
            enrolments::answer(desk.db, asked.id, Answer::Approved(ids.binding))?;
            Ok(Approved {
                device,
                binding: ids.binding,
                member,
            })
        })
    }

    /// Says no.
    ///
    /// # Errors
    /// [`CloudError::NoCode`].
    pub fn refuse(&mut self, code: &str, now: ServerTime) -> Result<(), CloudError> {
        self.work(now, |desk| {
            let asked = open(enrolments::by_code(desk.db, code)?, now)
                .ok_or_else(|| CloudError::NoCode(code.to_owned()))?;
            enrolments::answer(desk.db, asked.id, Answer::Refused)
        })
    }

    /// What the head unit is told of its request; `None` when there is no such request.
    ///
    /// # Errors
    /// [`CloudError`] when the database fails.
    pub fn enrol_state(
        &mut self,
        id: [u8; 16],
        now: ServerTime,
    ) -> Result<Option<EnrolState>, CloudError> {
        self.work(now, |desk| {
            let Some(asked) = enrolments::find(desk.db, id)? else {
                return Ok(None);
            };
            Ok(Some(match asked.answer {
                Answer::Waiting if now < asked.expires => EnrolState::Waiting,
                Answer::Waiting => EnrolState::Expired,
                Answer::Refused => EnrolState::Refused,
                Answer::Approved(binding) => desk.welcome(binding)?,
            }))
        })
    }
}

impl Desk<'_> {
    fn enrol(&self, asked: &Enrolment, device: DeviceId) -> Result<DeviceId, CloudError> {
        let valid_until = self.now.plus_s(VALID_S);
        let certificate = DeviceCertificate {
            device,
            vehicle: asked.vehicle,
            key: asked.key,
            issued: self.now,
            valid_until,
        };
        let grant = self.first_grant(device)?;
        devices::insert(
            self.db,
            &Device {
                id: device,
                vehicle: asked.vehicle,
                vin_last4: asked.vin_last4.clone(),
                key: asked.key,
                certificate: self.sign(certificate, &device)?.raw().to_vec(),
                enrolled: self.now,
                valid_until,
                revoked: None,
                forked: None,
                head: head_of(&grant),
            },
        )?;
        let epoch = grant.body().epoch;
        grants::insert(self.db, device, epoch, grant.raw(), self.now, None)?;
        Ok(device)
    }

    fn bind(
        &self,
        asked: &Enrolment,
        device: DeviceId,
        member: MemberId,
        id: BindingId,
    ) -> Result<(), CloudError> {
        let binding = Binding {
            id,
            device,
            member,
            driver: asked.driver,
            valid_from: self.now,
            valid_until: self.now.plus_s(VALID_S),
        };
        let signed = self.sign(binding, &device)?;
        let (raw, binding) = signed.into_parts();
        bindings::insert(
            self.db,
            &Bound {
                id,
                device,
                member,
                driver: binding.driver,
                valid_from: binding.valid_from,
                valid_until: binding.valid_until,
                raw,
            },
        )
    }

    /// Everything that an approved head unit needs to earn with no network from then on.
    fn welcome(&self, binding: BindingId) -> Result<EnrolState, CloudError> {
        let missing =
            || CloudError::Wire(dashpoint_wire::WireError::Unsound("a binding is missing"));
        let bound = bindings::find(self.db, binding)?.ok_or_else(missing)?;
        let device = self.device(bound.device)?;
        let grant = grants::find(self.db, device.id, device.head.epoch)?.ok_or_else(missing)?;
        let policy = self.policy().version();
        Ok(EnrolState::Approved {
            device: device.id,
            certificate: Raw::from(device.certificate),
            binding: Raw::from(bound.raw),
            grant: Raw::from(grant),
            policy: self.policy_bytes(policy)?,
            catalogue: self.catalogue_bytes()?.1,
            statement: self.statement(bound.member, LedgerVersion::new(0))?.into(),
        })
    }
}

fn open(asked: Option<Enrolment>, now: ServerTime) -> Option<Enrolment> {
    asked.filter(|asked| asked.answer == Answer::Waiting && now < asked.expires)
}

fn waiting(asked: Enrolment) -> Waiting {
    Waiting {
        code: asked.code,
        vehicle: asked.vehicle,
        vin_last4: asked.vin_last4,
        expires: asked.expires,
    }
}
