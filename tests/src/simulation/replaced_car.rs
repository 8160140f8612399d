//! The head unit of a car whose battery and instrument cluster are replaced, with its chain.

use std::collections::BTreeMap;

use dashpoint_membership::{
    BindingId, Charge, ClockQuality, CoarseTime, Current, DeviceId, DrivingTime, Entry, EntryBody,
    EntryHash, Epoch, EventTime, Evidence, EvidenceDigest, Grade, MemberId, Meter, MeterInterval,
    MeterNumber, MeterOpening, PolicyVersion, Seq, ServerTime, Transaction, Trip, VehicleId,
};
use dashpoint_wire::message::EntriesRequest;
use dashpoint_wire::{Signed, SigningKey};

use super::drivers::Crew;
use super::oracle::EntryOwner;
use super::random::SeededRandom;
use super::violation::Violation;

pub(super) const DAY_S: i64 = 86_400;
/// Bytes of every id of the car.
pub(super) const ID: [u8; 16] = [0xc7; 16];
/// Entries of one request.
const BATCH: usize = 100;

/// One counter of the car.
#[derive(Debug, Clone, Copy)]
pub(super) struct Counter {
    pub number: MeterNumber,
    pub reading: u64,
    /// The last reading of the counter before, and the time since which this one counts; `None` once it was opened.
    pub replaced: Option<(u64, i64)>,
}

/// The car, with the chain of its head unit.
pub(super) struct ReplacedCar {
    pub random: SeededRandom,
    pub key: SigningKey,
    pub crew: Crew,
    pub binding: BindingId,
    pub grant: EntryHash,
    pub receipt_at: ServerTime,
    pub chain: Vec<Signed<Entry>>,
    /// Entries that the cloud has, as far as the car knows.
    pub sent: usize,
    /// The time up to which it has driven and charged.
    pub until_s: i64,
    pub counters: BTreeMap<Meter, Counter>,
}

impl ReplacedCar {
    pub const DEVICE: DeviceId = DeviceId::from_bytes(ID);
    pub const VEHICLE: VehicleId = VehicleId::from_bytes(ID);

    pub fn member(&self) -> MemberId {
        self.crew.members()[0]
    }

    pub fn owner(&self) -> EntryOwner {
        EntryOwner {
            key: self.key.public(),
            vehicle: Self::VEHICLE,
            crew: self.crew.clone(),
            logs: Vec::new(),
        }
    }

    pub fn counter(&mut self, meter: Meter) -> &mut Counter {
        self.counters.entry(meter).or_insert(Counter {
            number: MeterNumber::FIRST,
            reading: 5_000_000,
            replaced: None,
        })
    }

    /// Signs the next entry of the chain, of an event that ended at a time.
    fn sign(&mut self, transaction: Transaction, ended_s: i64) -> Result<(), Violation> {
        let last = self.chain.last();
        let entry = Entry {
            epoch: Epoch::new(1),
            seq: Seq::new(self.chain.len() as u64 + 1),
            prev: last.map_or(self.grant, Signed::hash),
            binding: self.binding,
            time: EventTime {
                at: CoarseTime::containing_unix_s(ended_s),
                utc_offset_min: 480,
                quality: ClockQuality::Synced,
            },
            receipt_at: self.receipt_at,
            policy: PolicyVersion::new(2),
            body: EntryBody::Fresh(transaction),
        };
        let signed = Signed::sign(entry, &self.key, &Self::DEVICE);
        self.chain
            .push(signed.map_err(|e| Violation::new(format!("an entry: {e}")))?);
        Ok(())
    }

    /// Raises a counter; nothing is claimed of one that was replaced and is not opened yet.
    fn rise(&mut self, meter: Meter, units: u64) -> Option<MeterInterval> {
        let counter = self.counter(meter);
        let from = counter.reading;
        counter.reading += units;
        counter.replaced.is_none().then_some(MeterInterval {
            number: counter.number,
            ..MeterInterval::of_first(meter, from, from + units)
        })
    }

    /// Drives for some minutes up to a time.
    pub fn drive(&mut self, minutes: u64, ended_s: i64, score: u16) -> Result<(), Violation> {
        let metres = minutes * self.random.range(400, 1_800);
        let Some(odometer) = self.rise(Meter::Odometer, metres) else {
            return Ok(());
        };
        let minutes = u32::try_from(minutes).unwrap_or(0);
        let evidence = Evidence::Trip(Trip {
            odometer,
            started: CoarseTime::containing_unix_s(ended_s - i64::from(minutes) * 60),
            driving: DrivingTime::Minutes(minutes),
            missed_s: 0,
            used_wh: u32::try_from(metres * 160 / 1_000).unwrap_or(0),
            regained_wh: 0,
            assisted_percent: None,
            braking_resolution_s: None,
            score_x100: score,
            factors: Vec::new(),
        });
        self.earn(evidence, ended_s)
    }

    /// Charges for an hour up to a time.
    pub fn charge(&mut self, ended_s: i64) -> Result<(), Violation> {
        let wh = self.random.range(3_000, 40_000);
        let Some(charged) = self.rise(Meter::Charged, wh) else {
            return Ok(());
        };
        let evidence = Evidence::Charge(Charge {
            charged,
            started: Some(CoarseTime::containing_unix_s(ended_s - 3_600)),
            renewable_permille: 800,
            grade: Grade::Metered,
            current: Current::Dc,
        });
        self.earn(evidence, ended_s)
    }

    fn earn(&mut self, evidence: Evidence, ended_s: i64) -> Result<(), Violation> {
        let transaction = Transaction::Earn {
            evidence,
            digest: EvidenceDigest::from_bytes([0xc7; 32]),
            awards: Vec::new(),
        };
        self.sign(transaction, ended_s)
    }

    /// The workshop replaces a counter: it restarts, or goes on from another car's life.
    pub fn replace(&mut self, meter: Meter, now_s: i64) {
        let fresh = self.random.range(0, 200_000);
        let leaps = self.random.one_in(3);
        let counter = self.counter(meter);
        // What was never opened was never claimed: the last reading that counts stays.
        let last = counter.replaced.map_or(counter.reading, |(last, _)| last);
        counter.reading = if leaps {
            counter.reading + 9_000_000 + fresh
        } else {
            fresh
        };
        counter.replaced = Some((last, now_s));
    }

    /// Opens the counter that was replaced once it has been steady, at times too early, and at times once more.
    pub fn open(&mut self, meter: Meter, now_s: i64) -> Result<bool, Violation> {
        let (hasty, twice) = (self.random.one_in(6), self.random.one_in(3));
        let counter = *self.counter(meter);
        let Some((last, since_s)) = counter.replaced else {
            return Ok(false);
        };
        if now_s - since_s < DAY_S + 3_600 && !hasty {
            return Ok(false);
        }
        let opening = MeterOpening {
            meter,
            number: counter.number.next(),
            last,
            first: counter.reading,
            since: CoarseTime::containing_unix_s(since_s),
        };
        self.sign(Transaction::OpenMeter(opening), now_s)?;
        if twice {
            self.sign(Transaction::OpenMeter(opening), now_s)?;
        }
        *self.counter(meter) = Counter {
            number: opening.number,
            replaced: None,
            ..counter
        };
        Ok(true)
    }

    pub fn request(&self, from: usize) -> EntriesRequest {
        let rest = self.chain.iter().skip(from).take(BATCH);
        EntriesRequest {
            epoch: Epoch::new(1),
            from: Seq::new(from as u64 + 1),
            last_receipt: None,
            entries: rest.map(Signed::to_raw).collect(),
        }
    }
}
