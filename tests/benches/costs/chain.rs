//! Entries of a life with a car, minted and signed as the head unit does, without the samples behind them.

use dashpoint_membership::Entry;
use dashpoint_membership::{
    Account, BindingId, ChainStart, Charge, ClockQuality, CoarseTime, CompiledPolicy, Current,
    DeviceId, DrivingTime, EntryHash, Epoch, EventTime, Evidence, EvidenceDigest, Factor,
    FactorSeen, Fold, Grade, Header, Meter, MeterInterval, Policies, Seq, ServerTime, Subject,
    Trip, fold, score_x100,
};
use dashpoint_wire::{ChainPoint, Signed, SigningKey};

use super::enrolled::{Enrolled, device_key};

/// Entries a day: four trips to a charging session.
pub const A_DAY: i64 = 10;

/// The signing side of a car.
pub struct Life {
    key: SigningKey,
    device: DeviceId,
    binding: BindingId,
    policies: Policies,
    fold: Fold,
    epoch: Epoch,
    seq: Seq,
    prev: EntryHash,
    at_s: i64,
    odometer_m: u64,
    charged_wh: u64,
    random: u64,
    /// The receipt that the car holds.
    pub receipt_at: ServerTime,
}

impl Life {
    /// From the enrolment on.
    pub fn begin(enrolled: &Enrolled) -> Self {
        let policy = CompiledPolicy::compile(enrolled.policy.body().clone()).unwrap();
        let policies = Policies::new(policy);
        let grant = enrolled.grant.body();
        let start = ChainStart {
            epoch: grant.epoch,
            chain: grant.chain,
        };
        let statement = enrolled.statement.body();
        let fold = fold(
            statement,
            enrolled.device,
            start,
            &[],
            &policies,
            grant.issued,
        );
        Self {
            key: device_key(),
            device: enrolled.device,
            binding: enrolled.binding.body().id,
            policies,
            fold,
            epoch: grant.epoch,
            seq: Seq::new(0),
            prev: enrolled.grant.hash(),
            at_s: grant.issued.as_unix_s(),
            odometer_m: 12_345_678,
            charged_wh: 2_345_678,
            random: 1,
            receipt_at: grant.issued,
        }
    }

    /// What the member's account has become.
    pub const fn account(&self) -> &Account {
        &self.fold.account
    }

    /// The chain after the last entry.
    pub const fn chain(&self) -> dashpoint_membership::Chain {
        self.fold.chain
    }

    /// The last entry.
    pub const fn head(&self) -> ChainPoint {
        ChainPoint {
            epoch: self.epoch,
            seq: self.seq,
            hash: self.prev,
        }
    }

    /// The time after the last entry.
    pub const fn now(&self) -> ServerTime {
        ServerTime::from_unix_s(self.at_s)
    }

    /// Makes the next entry.
    pub fn next(&mut self) -> Signed<Entry> {
        self.at_s += 86_400 / A_DAY;
        let evidence = if self.seq.get() % 5 == 4 {
            self.charge()
        } else {
            self.trip()
        };
        let subject = Subject::Earn {
            evidence,
            digest: EvidenceDigest::from_bytes(self.bytes()),
        };
        let header = Header {
            epoch: self.epoch,
            seq: self.seq.next(),
            prev: self.prev,
            binding: self.binding,
            time: EventTime {
                at: CoarseTime::containing_unix_s(self.at_s),
                utc_offset_min: 480,
                quality: ClockQuality::Synced,
            },
            receipt_at: self.receipt_at,
        };
        let now = ServerTime::from_unix_s(self.at_s);
        let (entry, _) = self.fold.mint(&self.policies, header, subject, now);
        // Only the account goes on from entry to entry here; what is confirmed is not pending, what is old expires.
        self.fold.settlements.clear();
        if self.seq.get().is_multiple_of(50) {
            drop(self.fold.account.expire(now));
        }
        let signed = Signed::sign(entry, &self.key, &self.device).unwrap();
        self.seq = signed.body().seq;
        self.prev = signed.hash();
        signed
    }

    fn trip(&mut self) -> Evidence {
        let metres = 1_500 + self.below(30_000);
        let driving_s = u32::try_from(metres / 12 + 120).unwrap();
        let from = self.odometer_m;
        self.odometer_m += metres;
        let driving = DrivingTime::rounded_up(u64::from(driving_s) * 1_000);
        let base_ms = driving.at_most_s() * 1_000;
        let seen = [
            Factor::HardBraking,
            Factor::AggressiveTurning,
            Factor::LateNight,
            Factor::ExcessiveSpeed,
        ];
        let factors: Vec<FactorSeen> = seen
            .into_iter()
            .map(|factor| FactorSeen {
                factor,
                against_ms: self.below(base_ms / 60),
                base_ms,
            })
            .collect();
        let model = &self.policies.newest().policy().score;
        Evidence::Trip(Trip {
            odometer: MeterInterval::of_first(Meter::Odometer, from, self.odometer_m),
            started: CoarseTime::containing_unix_s(self.at_s - i64::from(driving_s)),
            driving,
            missed_s: 0,
            used_wh: u32::try_from(metres / 6).unwrap(),
            regained_wh: u32::try_from(metres / 40).unwrap(),
            assisted_percent: None,
            braking_resolution_s: None,
            score_x100: score_x100(model, &factors),
            factors,
        })
    }

    fn charge(&mut self) -> Evidence {
        let from = self.charged_wh;
        self.charged_wh += 4_000 + self.below(30_000);
        Evidence::Charge(Charge {
            charged: MeterInterval::of_first(Meter::Charged, from, self.charged_wh),
            started: Some(CoarseTime::containing_unix_s(self.at_s - 7_200)),
            renewable_permille: u16::try_from(300 + self.below(700)).unwrap(),
            grade: Grade::Metered,
            current: Current::Ac,
        })
    }

    /// SplitMix64: the same life in every run.
    fn below(&mut self, below: u64) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % below.max(1)
    }

    fn bytes(&mut self) -> [u8; 32] {
        std::array::from_fn(|_| u8::try_from(self.below(256)).unwrap())
    }
}
