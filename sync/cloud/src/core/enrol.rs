//! Enrolment: a head unit asks, a person says yes or no, the cloud issues certificate, binding and first epoch.

use dashpoint_membership::{BindingId, DeviceId, LedgerVersion, MemberId, ServerTime, VehicleId};
use dashpoint_wire::message::{EnrolRequest, EnrolState};
use dashpoint_wire::{Binding, DeviceCertificate, PublicKey, Raw};
use rusqlite::Connection;
use serde::{Serialize, Serializer};

use super::CloudCore;
use super::epochs::head_of;
use super::unit_of_work::UnitOfWork;
use crate::error::CloudError;
use crate::peer::Peer;
use crate::random::spoken_code;
use crate::store::bindings::{self, Bound};
use crate::store::devices::{self, Device};
use crate::store::enrolments::{self, Enrolment, EnrolmentAnswer};
use crate::store::{claims, clock_leap, grants, members, receipts};

/// Lifetime of a code, in seconds.
const CODE_S: i64 = 300;
/// Time that a request waits for the agreement of one of the vehicle's members once its own member has said yes, in
/// seconds: he may be somewhere else.
const CONSENT_S: i64 = 3_600;
/// Requests of one member that may wait for others' word at a time.
const CLAIMS_MAX: u32 = 4;
/// Time for which a request is remembered after that, so that the car learns the outcome, in seconds.
const REMEMBER_S: i64 = 86_400;
/// Lifetime of certificates and bindings: the life of a car, in seconds.
const VALID_S: i64 = 20 * 366 * 86_400;
/// Longest tail of a VIN that is shown.
const VIN_TAIL_MAX: usize = 4;

/// New names of one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskIds {
    /// Random; the car alone knows it.
    pub id: [u8; 16],
    /// The code that a person types or scans: eight random digits and capitals that are not mistaken for each other.
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
    /// The code that a person types or scans; in two halves where people and programs read it.
    #[serde(serialize_with = "spoken")]
    pub code: String,
    /// The vehicle.
    pub vehicle: VehicleId,
    /// Last four characters of its VIN: as its first head unit said them, once another member's word is awaited.
    pub vin_last4: String,
    /// First instant at which the code is no longer good.
    #[serde(rename = "expires_unix_s")]
    pub expires: ServerTime,
    /// The member who has said yes, when the vehicle earns for others: one of them or the operator has to agree.
    pub claimed_by: Option<MemberId>,
}

/// Result of an approval.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Approved {
    /// The device, a new one or the one that holds the key already.
    pub device: DeviceId,
    /// The binding.
    pub binding: BindingId,
    /// The member.
    pub member: MemberId,
}

/// Result of a member's yes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", untagged)]
pub enum Approval {
    /// The head unit earns for the member.
    Enrolled(Approved),
    /// The vehicle earns for others: the request waits for the word of one of them, or of the operator.
    Waits(Waiting),
}

impl Waiting {
    /// Returns the code as people read it, in two halves.
    #[must_use]
    pub fn spoken_code(&self) -> String {
        spoken_code(&self.code)
    }
}

fn spoken<S: Serializer>(code: &str, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&spoken_code(code))
}

impl CloudCore {
    /// Takes a request to be enrolled; returns when its code ends.
    ///
    /// # Errors
    /// [`CloudError::WeakKey`], [`CloudError::KeyOfAnotherVehicle`], [`CloudError::TooManyWaiting`].
    pub fn ask(
        &mut self,
        request: &EnrolRequest,
        ids: AskIds,
        now: ServerTime,
    ) -> Result<ServerTime, CloudError> {
        self.ask_from(None, request, ids, now)
    }

    /// Takes a request of an address, which has a share of the places for those that wait.
    ///
    /// # Errors
    /// As for [`Self::ask`].
    pub(crate) fn ask_from(
        &mut self,
        peer: Option<Peer>,
        request: &EnrolRequest,
        ids: AskIds,
        now: ServerTime,
    ) -> Result<ServerTime, CloudError> {
        if request.key.is_weak() {
            return Err(CloudError::WeakKey);
        }
        let id = ids.id;
        // A copy, which takes the place of the known ones when all went well.
        let mut asked_from = self.asked_from.clone();
        let asked = self.work(now, |unit| {
            unit.holder_of_key(&request.key, request.vehicle)?;
            // A clock that leapt says of none that it ended a day ago.
            if clock_leap::find(unit.db)?.is_none() {
                unit.forget_requests()?;
            }
            let waits = enrolments::unclaimed(unit.db, unit.now)?;
            if let Some(gives_way) = asked_from.place(&waits, peer)? {
                enrolments::end(unit.db, gives_way, unit.now)?;
            }
            let expires = unit.now.plus_s(CODE_S);
            let tail: String = request
                .vin_last4
                .chars()
                .filter(char::is_ascii_alphanumeric)
                .take(VIN_TAIL_MAX)
                .collect();
            enrolments::insert(
                unit.db,
                &Enrolment {
                    id: ids.id,
                    code: ids.code,
                    key: request.key,
                    vehicle: request.vehicle,
                    vin_last4: tail,
                    driver: request.driver,
                    asked: unit.now,
                    expires,
                    answer: EnrolmentAnswer::Waiting,
                },
            )?;
            Ok(expires)
        });
        if asked.is_ok() {
            asked_from.keep(id, peer);
            self.asked_from = asked_from;
        }
        asked
    }

    /// The head unit that waits with a code; `None` when none does.
    ///
    /// # Errors
    /// [`CloudError`] when the database fails.
    pub fn waiting_with(&self, code: &str, now: ServerTime) -> Result<Option<Waiting>, CloudError> {
        let now = self.believed(now)?;
        let asked = open(enrolments::by_code(&self.db, code)?, now);
        asked.map(|asked| waiting(&self.db, asked)).transpose()
    }

    /// Forgets the requests that ended a day ago, with their codes, keys and ends of VINs.
    ///
    /// # Errors
    /// [`CloudError`] when the database fails.
    pub(crate) fn forget_requests(&mut self, now: ServerTime) -> Result<(), CloudError> {
        self.work_by_clock(now, |unit| unit.forget_requests())
    }

    /// All head units that wait, oldest first.
    ///
    /// # Errors
    /// [`CloudError`] when the database fails.
    pub fn waiting(&self, now: ServerTime) -> Result<Vec<Waiting>, CloudError> {
        let waits = enrolments::waiting(&self.db, self.believed(now)?)?;
        waits
            .into_iter()
            .map(|asked| waiting(&self.db, asked))
            .collect()
    }

    /// Says yes in a member's name. The head unit earns for this member at once when the vehicle earns for nobody yet, or
    /// for this very member; otherwise it waits for [`CloudCore::consent`]. A key that is enrolled already keeps its device
    /// and chain, and gets one more binding.
    ///
    /// # Errors
    /// [`CloudError::NoCode`], [`CloudError::NoMember`], [`CloudError::AlreadyRevoked`],
    /// [`CloudError::KeyOfAnotherVehicle`]; [`CloudError::Claimed`] when another member said yes before;
    /// [`CloudError::TooManyWaiting`] when the member has too many requests that wait for others.
    pub fn approve(
        &mut self,
        code: &str,
        member: MemberId,
        ids: GrantedIds,
        now: ServerTime,
    ) -> Result<Approval, CloudError> {
        self.work(now, |unit| {
            let asked = unit.open_request(code)?;
            members::profile(unit.db, member)?.ok_or(CloudError::NoMember(member))?;
            unit.holder_of_key(&asked.key, asked.vehicle)?;
            let holders = bindings::holders(unit.db, asked.vehicle, unit.now)?;
            let is_free = holders.is_empty() || holders.contains(&member);
            match claims::find(unit.db, asked.id)? {
                Some(claimant) if claimant != member => Err(CloudError::Claimed(code.to_owned())),
                Some(_) | None if is_free => {
                    Ok(Approval::Enrolled(unit.let_in(&asked, member, ids)?))
                }
                Some(_) => Ok(Approval::Waits(waiting(unit.db, asked)?)),
                None => Ok(Approval::Waits(unit.claim(asked, member)?)),
            }
        })
    }

    /// Says no.
    ///
    /// # Errors
    /// [`CloudError::NoCode`].
    pub fn refuse(&mut self, code: &str, now: ServerTime) -> Result<(), CloudError> {
        self.work(now, |unit| {
            let asked = unit.open_request(code)?;
            enrolments::answer(unit.db, asked.id, EnrolmentAnswer::Refused)
        })
    }

    /// Returns the state of a request for the head unit; `None` when there is no such request.
    ///
    /// # Errors
    /// [`CloudError`] when the database fails.
    pub fn enrol_state(
        &mut self,
        id: [u8; 16],
        now: ServerTime,
    ) -> Result<Option<EnrolState>, CloudError> {
        self.look(now, |unit| {
            let Some(asked) = enrolments::find(unit.db, id)? else {
                return Ok(None);
            };
            Ok(Some(match asked.answer {
                EnrolmentAnswer::Waiting if unit.now >= asked.expires => EnrolState::Expired,
                EnrolmentAnswer::Waiting if claims::find(unit.db, id)?.is_some() => {
                    EnrolState::AwaitingConsent
                }
                EnrolmentAnswer::Waiting => EnrolState::Waiting,
                EnrolmentAnswer::Refused => EnrolState::Refused,
                EnrolmentAnswer::Approved(binding) => unit.welcome(binding)?,
            }))
        })
    }
}

impl UnitOfWork<'_> {
    fn forget_requests(&self) -> Result<(), CloudError> {
        enrolments::forget(self.db, self.now.plus_s(-REMEMBER_S))
    }

    /// The request that waits with a code.
    pub(super) fn open_request(&self, code: &str) -> Result<Enrolment, CloudError> {
        open(enrolments::by_code(self.db, code)?, self.now)
            .ok_or_else(|| CloudError::NoCode(code.to_owned()))
    }

    /// The device that has the key already; `None` for a new key.
    fn holder_of_key(
        &self,
        key: &PublicKey,
        vehicle: VehicleId,
    ) -> Result<Option<DeviceId>, CloudError> {
        match devices::by_key(self.db, key)? {
            Some(device) if device.vehicle != vehicle => Err(CloudError::KeyOfAnotherVehicle),
            Some(device) => Ok(Some(device.id)),
            None => Ok(None),
        }
    }

    /// Keeps a member's yes until somebody of the vehicle agrees; an older one for the same vehicle ends.
    fn claim(&self, asked: Enrolment, member: MemberId) -> Result<Waiting, CloudError> {
        claims::withdraw(self.db, member, asked.vehicle)?;
        if claims::waiting_of(self.db, member, self.now)? >= CLAIMS_MAX {
            return Err(CloudError::TooManyWaiting);
        }
        let expires = asked.expires.max(self.now.plus_s(CONSENT_S));
        claims::insert(self.db, asked.id, member, self.now, expires)?;
        waiting(self.db, Enrolment { expires, ..asked })
    }

    /// Issues what an approved request gets.
    pub(super) fn let_in(
        &self,
        asked: &Enrolment,
        member: MemberId,
        ids: GrantedIds,
    ) -> Result<Approved, CloudError> {
        let device = match self.holder_of_key(&asked.key, asked.vehicle)? {
            Some(device) if self.device(device)?.revoked.is_some() => {
                return Err(CloudError::AlreadyRevoked(device));
            }
            Some(device) => device,
            None => self.enrol(asked, ids.device)?,
        };
        self.bind(asked, device, member, ids.binding)?;
        enrolments::answer(self.db, asked.id, EnrolmentAnswer::Approved(ids.binding))?;
        Ok(Approved {
            device,
            binding: ids.binding,
            member,
        })
    }

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
        receipts::keep(self.db, device, self.now)?;
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
            statement: self
                .statement(bound.member, LedgerVersion::new(0), Some(device.id))?
                .into(),
        })
    }
}

fn open(asked: Option<Enrolment>, now: ServerTime) -> Option<Enrolment> {
    asked.filter(|asked| asked.answer == EnrolmentAnswer::Waiting && now < asked.expires)
}

/// Describes a request. The members of the vehicle are shown the end of the VIN that is on record, not the one that somebody else
/// has typed.
fn waiting(db: &Connection, asked: Enrolment) -> Result<Waiting, CloudError> {
    let claimed_by = claims::find(db, asked.id)?;
    let on_record = match claimed_by {
        Some(_) => devices::vin_last4(db, asked.vehicle)?,
        None => None,
    };
    Ok(Waiting {
        claimed_by,
        code: asked.code,
        vehicle: asked.vehicle,
        vin_last4: on_record.unwrap_or(asked.vin_last4),
        expires: asked.expires,
    })
}

#[cfg(test)]
mod tests {
    use super::super::asked_from::{OF_ONE_ADDRESS, WAITING_MAX};
    use super::*;

    #[test]
    fn the_protocol_states_the_limits_of_enrolment() {
        let text = include_str!("../../../PROTOCOL.md").replace(',', "");
        let years = VALID_S / 86_400 / 366;
        for said in [
            format!("good for {CODE_S} s (`expires` of the ticket)"),
            format!("good for {CONSENT_S} s from its own member's yes; {CLAIMS_MAX} of one member"),
            format!("kept for {REMEMBER_S} s after `expires`"),
            format!("{WAITING_MAX} that wait at a time {OF_ONE_ADDRESS} of one address"),
            format!("valid for {years} x 366 days from the approval"),
        ] {
            assert!(text.contains(&said), "PROTOCOL.md does not say {said:?}");
        }
        assert_eq!(VALID_S % (86_400 * 366), 0);
    }

    #[test]
    fn a_flood_of_a_hundred_addresses_closes_enrolment_for_nobody() {
        let db = crate::store::open_in_memory().unwrap();
        let key = dashpoint_wire::SigningKey::from_seed(&[0xc1; 32]);
        let now = ServerTime::from_unix_s(1_795_320_000);
        let mut core = CloudCore::start(db, key, crate::clock::ClockKind::System, now).unwrap();
        let mut asks = 0_u32;
        let mut ask = |core: &mut CloudCore, address: [u8; 4]| {
            asks += 1;
            let mut id = [7; 16];
            id[..4].copy_from_slice(&asks.to_be_bytes());
            let request = EnrolRequest {
                key: dashpoint_wire::SigningKey::from_seed(&[2; 32]).public(),
                vehicle: VehicleId::from_bytes([3; 16]),
                vin_last4: "4711".to_owned(),
                driver: None,
            };
            let ids = AskIds {
                id,
                code: format!("C{asks}"),
            };
            let asked = core.ask_from(Some(Peer::V4(address.into())), &request, ids, now);
            asked.map(|_| id)
        };
        let early = ask(&mut core, [192, 0, 2, 1]).unwrap();
        let mut flood = Vec::new();
        for _ in 0..15 {
            for address in 0..100 {
                flood.extend(ask(&mut core, [10, 0, 0, address]));
            }
        }
        assert_eq!(core.waiting(now).unwrap().len(), WAITING_MAX);
        let state = |core: &mut CloudCore, id| core.enrol_state(id, now).unwrap().unwrap();
        for address in 2..30 {
            let late = ask(&mut core, [192, 0, 2, address]).unwrap();
            assert_eq!(state(&mut core, late), EnrolState::Waiting);
        }
        assert_eq!(core.waiting(now).unwrap().len(), WAITING_MAX);
        assert_eq!(state(&mut core, early), EnrolState::Waiting);
        assert_eq!(state(&mut core, flood[0]), EnrolState::Expired);
    }
}
