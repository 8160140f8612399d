//! Entries of head units that were replaced after a backup: nobody sends them again, so a restore takes them out of the
//! database that it replaces, and judges them as if their head unit sent them.

use std::collections::BTreeMap;

use dashpoint_membership::{
    DeviceId, Entry, EntryHash, Epoch, MemberId, Points, PolicyVersion, Seq, ServerTime,
};
use dashpoint_wire::{Binding, DeviceCertificate, EpochGrant, Raw, Signed};
use serde::Serialize;

use super::CloudCore;
use super::clock_guard;
use super::proof::ShownEnrolment;
use super::settler::Settler;
use super::unit_of_work::UnitOfWork;
use crate::clock::ClockKind;
use crate::error::CloudError;
use crate::store::devices::{self, Device, Head};
use crate::store::intervals::FREED_UNPAID;
use crate::store::left_behind::{LeftBehind, LeftEntry};
use crate::store::{bindings, bundles, cloud_row, grants, receipts, uses};

/// Entries that are settled together, as in one request of a car.
const AT_ONCE: usize = 256;

/// Outcome of a restore for a head unit that was shut out after the backup, and not as a fraud: it stays shut out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BroughtOver {
    /// The head unit.
    pub device: DeviceId,
    /// Entries of after the backup that were taken over.
    pub entries: usize,
    /// Points that they are worth now.
    pub points: Points,
    /// Points that they were worth before.
    pub points_before: Points,
    /// Entries that were not taken over, by member.
    pub left_out: Vec<LeftOut>,
    /// The reason for it, when there are any.
    pub because: Option<StaysBehind>,
}

/// Entries of one member that do not come back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// The member; `None` for entries of nobody.
    pub member: Option<MemberId>,
    /// Their number.
    pub entries: usize,
    /// Points that they were worth.
    pub points: Points,
}

/// The reason why entries do not come back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum StaysBehind {
    /// They are of a member whom the backup does not know.
    NoMember(MemberId),
    /// They name a policy that is not here and was in the database before.
    NoPolicy(PolicyVersion),
    /// They do not follow what the backup has of the head unit, or are not what it signed.
    NotItsChain,
    /// The cloud refused them.
    Refused(String),
}

impl CloudCore {
    /// Takes what the replaced database has of head units that were shut out, and this one lacks; `posted` is the posted clock
    /// of that database. What one of them cannot bring stays out, and the others go on.
    pub(crate) fn bring_over(
        &mut self,
        left: &[LeftBehind],
        posted: ServerTime,
        now: ServerTime,
    ) -> Result<Vec<BroughtOver>, CloudError> {
        let life = cloud_row::find(&self.db)?.ok_or(CloudError::ForeignDatabase)?;
        let at = match life.clock {
            ClockKind::Posted => life.posted_now.max(posted),
            ClockKind::System => clock_guard::believed(&life, now),
        };
        self.unguarded(at, |unit, _| {
            cloud_row::post_now(unit.db, posted)?;
            left.iter().map(|one| unit.bring_one_over(one)).collect()
        })
    }
}

/// Entries of one head unit that were taken over so far.
#[derive(Default)]
struct TakenOver {
    entries: usize,
    points: i64,
    because: Option<StaysBehind>,
}

impl UnitOfWork<'_> {
    /// Brings all over that can be of one head unit, or nothing when the cloud refuses something of it.
    fn bring_one_over(&self, left: &LeftBehind) -> Result<BroughtOver, CloudError> {
        self.db.execute_batch("SAVEPOINT head_unit")?;
        let taken = match self.bring(left) {
            Ok(taken) => taken,
            Err(failed) if failed.is_the_disks() => return Err(failed),
            Err(failed) => {
                self.db.execute_batch("ROLLBACK TO head_unit")?;
                TakenOver {
                    because: Some(StaysBehind::Refused(failed.to_string())),
                    ..TakenOver::default()
                }
            }
        };
        self.shut_out_again(left)?;
        self.db.execute_batch("RELEASE head_unit")?;
        let (came, stayed) = left.entries.split_at(taken.entries);
        let before: i64 = came.iter().map(worth).sum();
        Ok(BroughtOver {
            device: left.device.id,
            entries: taken.entries,
            points: Points::new(taken.points),
            points_before: Points::new(before),
            left_out: by_member(stayed),
            because: taken.because.filter(|_| !stayed.is_empty()),
        })
    }

    fn bring(&self, left: &LeftBehind) -> Result<TakenOver, CloudError> {
        let id = left.device.id;
        self.put_back_enrolment(left)?;
        for at in &left.receipts {
            receipts::keep(self.db, id, *at)?;
        }
        let mut taken = TakenOver::default();
        for run in left.entries.chunk_by(|one, next| one.epoch == next.epoch) {
            let Some(first) = run.first() else { continue };
            if !self.enter(id, first.epoch)? {
                taken.because = Some(StaysBehind::NotItsChain);
                break;
            }
            for batch in run.chunks(AT_ONCE) {
                self.settle_left(left, batch, &mut taken)?;
                if taken.because.is_some() {
                    return Ok(taken);
                }
            }
        }
        Ok(taken)
    }

    /// Writes what was signed for the head unit, as its own proof does; bindings for members who are not here stay out.
    fn put_back_enrolment(&self, left: &LeftBehind) -> Result<(), CloudError> {
        let id = left.device.id;
        let cloud = self.key.public();
        let refused = |refused| CloudError::NotProven {
            device: id,
            refused,
        };
        let signed = |raw: &Vec<u8>| Signed::<EpochGrant>::verify(raw.clone(), &cloud, &id);
        let granted: Result<Vec<_>, _> = left.grants.iter().map(signed).collect();
        let mut granted = granted.map_err(refused)?.into_iter();
        let known = bindings::signed(self.db, id)?;
        let lacking = left.bindings.iter().filter(|raw| !known.contains(*raw));
        let bound: Result<Vec<_>, _> = lacking
            .map(|raw| Signed::<Binding>::verify(raw.clone(), &cloud, &id))
            .collect();
        let certificate = left.device.certificate.clone();
        let Some(first) = granted.next() else {
            return Err(CloudError::NoDevice(id));
        };
        let shown = ShownEnrolment {
            certificate: Signed::<DeviceCertificate>::verify(certificate, &cloud, &id)
                .map_err(refused)?,
            grant: first,
            bindings: bound.map_err(refused)?,
            policies: Vec::new(),
        };
        // Members who are not here are told with the entries that are theirs.
        let _lacking: Option<CloudError> = self.put_back(id, &shown, self.server_epoch)?;
        for grant in granted {
            let (epoch, issued) = (grant.body().epoch, grant.body().issued);
            if grants::find(self.db, id, epoch)?.is_none() {
                grants::insert(self.db, id, epoch, grant.raw(), issued, None)?;
                receipts::keep(self.db, id, issued)?;
            }
        }
        devices::name_vin(self.db, id, &left.device.vin_last4)?;
        if let Some(at) = left.device.forked {
            devices::mark_forked(self.db, id, at)?;
        }
        Ok(())
    }

    /// Moves the head of a device into an epoch that it was granted; `false` when none of that number was.
    fn enter(&self, device: DeviceId, epoch: Epoch) -> Result<bool, CloudError> {
        let head = self.device(device)?.head;
        if head.epoch == epoch {
            return Ok(true);
        }
        let Some(raw) = grants::find(self.db, device, epoch)? else {
            return Ok(false);
        };
        let grant = Raw::<EpochGrant>::from(raw);
        let entered = Head {
            epoch,
            seq: Seq::new(0),
            hash: grant.hash(),
            chain: head.chain,
        };
        devices::move_head(self.db, device, &entered)?;
        Ok(true)
    }

    /// Judges and settles entries of one epoch, up to the first that has to stay behind.
    fn settle_left(
        &self,
        left: &LeftBehind,
        batch: &[LeftEntry],
        taken: &mut TakenOver,
    ) -> Result<(), CloudError> {
        let device = self.device(left.device.id)?;
        let mut head = device.head;
        let mut settler = Settler::new(self, &device);
        for one in batch {
            let Some(entry) = next_of(&device, &head, one) else {
                taken.because = Some(StaysBehind::NotItsChain);
                break;
            };
            taken.because = self.stays_behind(left, entry.body())?;
            if taken.because.is_some() {
                break;
            }
            // Judged anew, it would be paid before whoever was paid in its place sends again.
            let verdict = match one.rejected {
                Some(reason) => settler.reject_again(&entry, reason)?,
                None => settler.take(&entry)?,
            };
            taken.entries += 1;
            taken.points += verdict.paid().points.get();
            (head.seq, head.hash) = (entry.body().seq, entry.hash());
        }
        settler.finish()?;
        Ok(())
    }

    /// The thing that an entry names, the database before had, and this one lacks: without it the entry would be rejected for
    /// ever.
    fn stays_behind(
        &self,
        left: &LeftBehind,
        entry: &Entry,
    ) -> Result<Option<StaysBehind>, CloudError> {
        if bindings::find(self.db, entry.binding)?.is_none() {
            // They were verified when they were put back: one that cannot be read is nobody's.
            let named = |raw: &Vec<u8>| Raw::<Binding>::from(raw.clone()).claimed().ok();
            let mut bound = left.bindings.iter().filter_map(named);
            if let Some(bound) = bound.find(|bound| bound.id == entry.binding) {
                return Ok(Some(StaysBehind::NoMember(bound.member)));
            }
        }
        let is_lacking = bundles::policy(self.db, entry.policy)?.is_none();
        let is_lacking = is_lacking && left.policies.contains(&entry.policy);
        Ok(is_lacking.then_some(StaysBehind::NoPolicy(entry.policy)))
    }

    /// Lets the word stand that shut the head unit out, with its own time: as then it holds no stretch that is paid nothing.
    fn shut_out_again(&self, left: &LeftBehind) -> Result<(), CloudError> {
        let id = left.device.id;
        if devices::find(self.db, id)?.is_none() {
            // It is kept out as one that is not known.
            return Ok(());
        }
        devices::revoke(self.db, id, left.revoked)?;
        uses::delete_all_of(self.db, id)?;
        let then = UnitOfWork {
            now: left.revoked,
            ..*self
        };
        then.free_all(&self.unpaid(id)?, true, FREED_UNPAID)?;
        self.judge_losers_anew(id)?;
        Ok(())
    }
}

/// The entry, when the device signed it and it is the next one of its chain.
fn next_of(device: &Device, head: &Head, one: &LeftEntry) -> Option<Signed<Entry>> {
    let entry = Signed::<Entry>::verify(one.raw.clone(), &device.key, &device.id).ok()?;
    let body = entry.body();
    let place: (Epoch, Seq, EntryHash) = (body.epoch, body.seq, body.prev);
    (place == (head.epoch, head.seq.next(), head.hash)).then_some(entry)
}

fn worth(entry: &LeftEntry) -> i64 {
    entry.verdict.paid().points.get()
}

fn by_member(entries: &[LeftEntry]) -> Vec<LeftOut> {
    let mut of: BTreeMap<Option<MemberId>, (usize, i64)> = BTreeMap::new();
    for entry in entries {
        let (count, points) = of.entry(entry.member).or_default();
        *count += 1;
        *points += worth(entry);
    }
    let left_out = of.into_iter().map(|(member, (entries, points))| LeftOut {
        member,
        entries,
        points: Points::new(points),
    });
    left_out.collect()
}
