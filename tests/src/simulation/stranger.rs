//! A stranger who knows a car's VIN: he enrols a head unit of his own for it, and claims the way that it will go.

use dashpoint_cloud::{Approval, AskIds, CloudError, GrantedIds, NewMember, PostOutcome, Word};
use dashpoint_membership::{
    BindingId, ClockQuality, CoarseTime, DeviceId, DrivingTime, Entry, EntryBody, Epoch, EventTime,
    Evidence, EvidenceDigest, MemberId, Meter, MeterInterval, Seq, ServerTime, Transaction, Trip,
    Verdict, score_x100,
};
use dashpoint_wire::message::{EnrolRequest, EnrolState, EntriesRequest};
use dashpoint_wire::{EpochGrant, Signed, SigningKey};

use super::planted::Planted;
use super::violation::Violation;
use super::world::SimulatedWorld;

/// Strangers of one world at most.
const STRANGERS_MAX: u8 = 6;
/// Metres that one claims, two hours of driving.
const CLAIM_M: u64 = 200_000;

/// A stranger with his head unit.
struct Stranger {
    key: SigningKey,
    device: DeviceId,
    binding: BindingId,
    member: MemberId,
}

impl Stranger {
    fn new(number: u8) -> Self {
        let bytes = [0xa0 + number; 16];
        Self {
            key: SigningKey::from_seed(&[0xa0 + number; 32]),
            device: DeviceId::from_bytes(bytes),
            binding: BindingId::from_bytes(bytes),
            member: MemberId::from_bytes(bytes),
        }
    }

    /// Claims a stretch of the odometer, as a head unit would that had been driven there.
    fn claim(&self, grant: &Signed<EpochGrant>, trip: Trip, now: ServerTime) -> Entry {
        let at = CoarseTime::containing_unix_s(now.as_unix_s());
        Entry {
            epoch: grant.body().epoch,
            seq: Seq::new(1),
            prev: grant.hash(),
            binding: self.binding,
            time: EventTime {
                at,
                utc_offset_min: 480,
                quality: ClockQuality::Synced,
            },
            receipt_at: grant.body().issued,
            policy: dashpoint_membership::PolicyVersion::new(2),
            body: EntryBody::Fresh(Transaction::Earn {
                evidence: Evidence::Trip(trip),
                digest: EvidenceDigest::from_bytes([0xa0; 32]),
                awards: Vec::new(),
            }),
        }
    }
}

impl SimulatedWorld {
    /// Now and then somebody enrols with the VIN of a car, while its own head unit is let in.
    pub(super) fn what_strangers_do(&mut self, number: usize) -> Result<(), Violation> {
        let vehicle = self.cars[number].vehicle_id;
        let mut there = self.cars.iter().filter(|car| car.vehicle_id == vehicle);
        let is_taken = there.all(|car| !car.shut_out);
        if !self.plays(&[Planted::StrangerLetIn])
            || self.strangers >= STRANGERS_MAX
            || !is_taken
            || self.cloud_waits()
            || !self.mischief.permille(25)
        {
            return Ok(());
        }
        self.strangers += 1;
        let stranger = Stranger::new(self.strangers);
        self.tally.fault("stranger with the VIN");
        self.tell(&format!("car {number}: a stranger enrols with its VIN"));
        match self.enrol_stranger(number, &stranger)? {
            Some(EnrolState::Approved { grant, .. }) => {
                let grant = grant.verify(&self.cloud.public_key(), &stranger.device);
                let grant = grant.map_err(|e| Violation::new(format!("a grant: {e}")))?;
                self.claim_as(number, &stranger, &grant)
            }
            Some(_) | None => {
                self.tally.event("stranger not let in");
                self.post_as(&stranger, Epoch::new(1), Vec::new())
            }
        }
    }

    fn enrol_stranger(
        &mut self,
        number: usize,
        stranger: &Stranger,
    ) -> Result<Option<EnrolState>, Violation> {
        let now = self.now();
        let new = NewMember {
            id: stranger.member,
            name: "Stranger".to_owned(),
            zone: "Asia/Shanghai".to_owned(),
        };
        let request = EnrolRequest {
            key: stranger.key.public(),
            vehicle: self.cars[number].vehicle_id,
            vin_last4: "4711".to_owned(),
            driver: None,
        };
        let asked = AskIds {
            id: *stranger.binding.as_bytes(),
            code: format!("STRANGE{}", self.strangers),
        };
        let ids = GrantedIds {
            device: stranger.device,
            binding: stranger.binding,
        };
        let word = if self.planted == Some(Planted::StrangerLetIn) {
            let reason = "whoever asks".to_owned();
            Word::Operator { reason }
        } else {
            Word::Member(stranger.member)
        };
        let state = self.cloud.with(now, |core| {
            // Again after a power cut.
            let known = core.member_lines()?;
            if known.iter().all(|line| line.member != new.id) {
                core.add_member(&new, now)?;
            }
            if core.enrol_state(asked.id, now)?.is_none() {
                core.ask(&request, asked.clone(), now)?;
            }
            match core.approve(&asked.code, new.id, ids, now) {
                Ok(Approval::Waits(_)) => {
                    // His own word is not that of the vehicle's member.
                    match core.consent(&asked.code, &word, ids, now) {
                        Ok(_) | Err(CloudError::NotOfTheVehicle(_)) => {}
                        Err(error) => return Err(error),
                    }
                }
                Ok(Approval::Enrolled(_)) | Err(CloudError::NoCode(_)) => {}
                Err(error) => return Err(error),
            }
            core.enrol_state(asked.id, now)
        })?;
        Ok(state)
    }

    fn claim_as(
        &mut self,
        number: usize,
        stranger: &Stranger,
        grant: &Signed<EpochGrant>,
    ) -> Result<(), Violation> {
        let from = self.cars[number].vehicle.odometer_m as u64;
        let now = self.now();
        let trip = Trip {
            odometer: MeterInterval::of_first(Meter::Odometer, from, from + CLAIM_M),
            started: CoarseTime::containing_unix_s(now.as_unix_s() - 7_200),
            driving: DrivingTime::Minutes(120),
            missed_s: 0,
            used_wh: 30_000,
            regained_wh: 0,
            assisted_percent: None,
            braking_resolution_s: None,
            score_x100: score_x100(&self.policies[0].score, &[]),
            factors: Vec::new(),
        };
        let claim = stranger.claim(grant, trip, now);
        let signed = Signed::sign(claim, &stranger.key, &stranger.device);
        let signed = signed.map_err(|e| Violation::new(format!("a claim: {e}")))?;
        self.post_as(stranger, grant.body().epoch, vec![signed.raw().to_vec()])
    }

    /// No metre of the vehicle is settled, paid or held back, whatever a stranger says.
    fn post_as(
        &mut self,
        stranger: &Stranger,
        epoch: Epoch,
        entries: Vec<Vec<u8>>,
    ) -> Result<(), Violation> {
        let now = self.now();
        let request = EntriesRequest {
            epoch,
            from: Seq::new(1),
            last_receipt: None,
            entries: entries.into_iter().map(dashpoint_wire::Raw::from).collect(),
        };
        let posted = self.cloud.with(now, |core| {
            match core.post_entries(stranger.device, &request, now) {
                Ok(PostOutcome::Settled(response)) => Ok(response.verdicts),
                Ok(PostOutcome::Diverged(_) | PostOutcome::NotAuthentic(_))
                | Err(CloudError::NoDevice(_)) => Ok(Vec::new()),
                Err(error) => Err(error),
            }
        })?;
        let settled = posted
            .iter()
            .find(|said| !matches!(said.verdict, Verdict::Rejected { .. }));
        settled.map_or(Ok(()), |said| {
            Err(Violation::new(format!(
                "a stranger settled metres of the vehicle: {:?}",
                said.verdict
            )))
        })
    }
}
