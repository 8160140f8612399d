//! Another car of the member. The head unit of this story has never heard of it: only the cloud knows both.

use anyhow::{Context, bail};
use dashpoint_cloud::{AskIds, CloudCore, GrantedIds, PostOutcome};
use dashpoint_membership::{
    BindingId, Chain, ChainStart, Charge, ClockQuality, CoarseTime, CompiledPolicy, Current,
    DeviceId, EntryHash, Epoch, EventTime, Evidence, EvidenceDigest, Grade, Header, LedgerVersion,
    MemberId, Meter, MeterInterval, Policies, Seq, ServerTime, Subject, VehicleId, Verdict, fold,
};
use dashpoint_wire::message::{EnrolRequest, EnrolState, EntriesRequest};
use dashpoint_wire::{PublicKey, Signed, SigningKey};
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// The byte that names and key are made of, so that a story is the same each time.
const NUMBER: u8 = 0x2c;

/// A car that charges and signs, with its own key and chain.
#[derive(Debug)]
pub struct SecondCar {
    key: SigningKey,
    cloud_key: PublicKey,
    device: DeviceId,
    binding: BindingId,
    member: MemberId,
    epoch: Epoch,
    start: Chain,
    seq: Seq,
    head: EntryHash,
    receipt_at: ServerTime,
    policies: Policies,
    charged_wh: u64,
}

/// A charge.
#[derive(Debug, Clone, Copy)]
pub struct SecondCarCharge {
    /// Time of its end.
    pub at: Timestamp,
    /// Energy of the charge, in watt-hours.
    pub energy_wh: u64,
    /// Share that is renewable, in thousandths.
    pub renewable_permille: u16,
}

impl SecondCar {
    /// Enrols with the cloud as a head unit does.
    ///
    /// # Errors
    /// An error of the cloud.
    pub fn enrol(core: &mut CloudCore, member: MemberId, now: ServerTime) -> anyhow::Result<Self> {
        let key = SigningKey::from_seed(&[NUMBER; 32]);
        let asked = AskIds {
            id: [NUMBER; 16],
            code: "SECNDCAR".to_owned(),
        };
        let code = asked.code.clone();
        let request = EnrolRequest {
            key: key.public(),
            vehicle: VehicleId::from_bytes([NUMBER; 16]),
            vin_last4: "0002".to_owned(),
            driver: None,
        };
        core.ask(&request, asked, now)?;
        let ids = GrantedIds {
            device: DeviceId::from_bytes([NUMBER; 16]),
            binding: BindingId::from_bytes([NUMBER; 16]),
        };
        core.approve(&code, member, ids, now)?;
        let Some(EnrolState::Approved { grant, policy, .. }) =
            core.enrol_state([NUMBER; 16], now)?
        else {
            bail!("the second car was not enrolled");
        };
        let cloud_key = core.public_key();
        let grant = grant.verify(&cloud_key, &ids.device)?;
        let policy = policy.verify(&cloud_key, &())?.into_parts().1;
        Ok(Self {
            key,
            cloud_key,
            device: ids.device,
            binding: ids.binding,
            member,
            epoch: grant.body().epoch,
            start: grant.body().chain,
            seq: Seq::new(0),
            head: grant.hash(),
            receipt_at: grant.body().issued,
            policies: Policies::new(CompiledPolicy::compile(policy)?),
            charged_wh: 0,
        })
    }

    /// Charges, signs an entry for it, and hands it to the cloud; the points that the cloud pays.
    ///
    /// # Errors
    /// An error of the cloud, and an entry that it does not take.
    pub fn charge(
        &mut self,
        core: &mut CloudCore,
        zone: &TimeZone,
        charged: SecondCarCharge,
        system: ServerTime,
    ) -> anyhow::Result<Verdict> {
        let now = core.now(system)?;
        let statement = core.statement(self.member, LedgerVersion::new(0), now)?;
        let place = ChainStart {
            epoch: self.epoch,
            chain: self.start,
        };
        let at = ServerTime::from_unix_s(charged.at.as_second());
        let statement = statement.into_parts().1;
        let mut folded = fold(&statement, self.device, place, &[], &self.policies, at);
        let (header, subject) = (self.header(zone, charged.at)?, self.subject(charged));
        let (entry, _) = folded.mint(&self.policies, header, subject, at);
        let signed = Signed::sign(entry, &self.key, &self.device)?;
        let request = EntriesRequest {
            epoch: self.epoch,
            from: signed.body().seq,
            last_receipt: None,
            entries: vec![signed.to_raw()],
        };
        core.advance_posted_clock(self.device, &request, now)?;
        let now = core.now(system)?;
        let posted = core.post_entries(self.device, &request, now)?;
        let PostOutcome::Settled(response) = posted else {
            bail!("the cloud did not take the second car's entry: {posted:?}");
        };
        let receipt = response.receipt.verify(&self.cloud_key, &self.device)?;
        self.receipt_at = receipt.body().server_time;
        self.seq = signed.body().seq;
        self.head = signed.hash();
        self.charged_wh += charged.energy_wh;
        let verdict = response.verdicts.into_iter().next();
        Ok(verdict.context("an answer without a verdict")?.verdict)
    }

    fn header(&self, zone: &TimeZone, at: Timestamp) -> anyhow::Result<Header> {
        let offset_s = zone.to_offset(at).seconds();
        Ok(Header {
            epoch: self.epoch,
            seq: self.seq.next(),
            prev: self.head,
            binding: self.binding,
            time: EventTime {
                at: CoarseTime::containing_unix_s(at.as_second()),
                utc_offset_min: i16::try_from(offset_s / 60)?,
                quality: ClockQuality::Synced,
            },
            receipt_at: self.receipt_at,
        })
    }

    fn subject(&self, charged: SecondCarCharge) -> Subject {
        Subject::Earn {
            evidence: Evidence::Charge(Charge {
                charged: MeterInterval::of_first(
                    Meter::Charged,
                    self.charged_wh,
                    self.charged_wh + charged.energy_wh,
                ),
                started: None,
                renewable_permille: charged.renewable_permille,
                grade: Grade::Metered,
                current: Current::Dc,
            }),
            digest: EvidenceDigest::from_bytes([NUMBER; 32]),
        }
    }
}
