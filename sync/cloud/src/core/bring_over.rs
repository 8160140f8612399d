//! Entries of head units that were replaced after a backup: nobody sends them again, so a restore takes them out of the
//! database that it replaces, and judges them as if their head unit sent them.

use std::collections::BTreeMap;

use dashpoint_membership::{
    DeviceId, Entry, EntryHash, Epoch, MemberId, PolicyVersion, Seq, ServerTime,
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
use crate::store::left_behind::{self, Left, LeftBehind, LeftEntry, Worth};
use crate::store::{
    bindings, bundles, cloud_row, grants, receipts, take_awaited, take_openings, uses,
};

/// Points that each entry of one head unit had brought.
type WorthByPlace = BTreeMap<(Epoch, Seq), Worth>;

/// Entries that are settled together, as in one request of a car; no more of them are in memory.
const AT_ONCE: u32 = 256;

/// Everything that a restore takes over from the replaced database.
pub(crate) struct TakenFrom {
    /// Head units that were shut out after the backup, with what came over of each.
    pub brought_over: Vec<BroughtOver>,
    /// Entries that the other head units send again, of which it is kept what became of them.
    pub awaited: usize,
}

/// Outcome of a restore for a head unit that was shut out after the backup, and not as a fraud: it stays shut out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BroughtOver {
    /// The head unit.
    pub device: DeviceId,
    /// Entries of after the backup that were taken over.
    pub entries: usize,
    /// Points that they brought at the restore.
    pub worth: Worth,
    /// Points that they had brought up to the end of the database before.
    pub worth_before: Worth,
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
    /// Points that they had brought up to the end of the database before.
    pub worth: Worth,
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

impl StaysBehind {
    /// Returns whether the entries come over once what they need is there, and the backup with it is restored.
    const fn can_come(&self) -> bool {
        match self {
            Self::NoMember(_) | Self::NoPolicy(_) | Self::Refused(_) => true,
            Self::NotItsChain => false,
        }
    }
}

impl CloudCore {
    /// Takes what the replaced database has of head units that were shut out, and this one lacks; `posted` is the posted clock
    /// of that database. What one of them cannot bring stays out, and the others go on. Of the entries that the other head units
    /// send again it takes what became of them.
    pub(crate) fn bring_over(
        &mut self,
        left: &Left<'_>,
        posted: ServerTime,
        now: ServerTime,
    ) -> Result<TakenFrom, CloudError> {
        let life = cloud_row::find(&self.db)?.ok_or(CloudError::ForeignDatabase)?;
        let at = match life.clock {
            ClockKind::Posted => life.posted_now.max(posted),
            ClockKind::System => clock_guard::believed(&life, now),
        };
        self.unguarded(at, |unit, _| {
            cloud_row::post_now(unit.db, posted)?;
            // First, so that nobody is paid for what is awaited.
            take_awaited::take_over(left.db, unit.db)?;
            take_openings::take_over(left.db, unit.db)?;
            let over = left.units.iter().map(|one| unit.bring_one_over(left, one));
            let brought_over: Result<Vec<BroughtOver>, _> =
                over.filter_map(Result::transpose).collect();
            let brought_over = brought_over?;
            let can_come = brought_over
                .iter()
                .filter(|over| over.because.as_ref().is_some_and(StaysBehind::can_come));
            let mut spared: Vec<DeviceId> = can_come.map(|over| over.device).collect();
            // What it spared itself.
            spared.extend(take_awaited::spared(left.db)?);
            let awaited = take_awaited::keep_living(left.db, unit.db, &spared)?;
            // What an operator freed there of entries that did not come is free for those that came second.
            unit.pay_losers(take_awaited::vehicles_with_freed(unit.db)?)?;
            unit.settle_openings()?;
            Ok(TakenFrom {
                brought_over,
                awaited,
            })
        })
    }
}

/// Entries of one head unit that were taken over so far.
#[derive(Clone)]
struct TakenOver {
    entries: usize,
    worth: Worth,
    before: Worth,
    /// Place of the last one.
    through: (Epoch, Seq),
    because: Option<StaysBehind>,
}

impl UnitOfWork<'_> {
    /// Brings all over that can be of one head unit, or nothing when the cloud refuses something of it; `None` when nothing of it is
    /// lacking, or it is a fraud's.
    fn bring_one_over(
        &self,
        old: &Left<'_>,
        left: &LeftBehind,
    ) -> Result<Option<BroughtOver>, CloudError> {
        let id = left.device.id;
        if devices::is_fraud(self.db, id)? || devices::is_barred_fraud(self.db, id)? {
            return Ok(None);
        }
        let here = devices::find(self.db, id)?;
        let start = (Epoch::new(0), Seq::new(0));
        let after = here
            .as_ref()
            .map_or(start, |here| (here.head.epoch, here.head.seq));
        let is_shut_out = here.is_some_and(|here| here.revoked.is_some());
        if is_shut_out && left_behind::entries_after(old.db, id, after, 1)?.is_empty() {
            return Ok(None);
        }
        let nothing = TakenOver {
            entries: 0,
            worth: Worth::NONE,
            before: Worth::NONE,
            through: after,
            because: None,
        };
        let worth = left_behind::worth_of(old.db, id)?;
        self.db.execute_batch("SAVEPOINT head_unit")?;
        let taken = match self.bring(old, left, &worth, nothing.clone()) {
            Ok(taken) => taken,
            Err(failed) if failed.is_the_disks() => return Err(failed),
            Err(failed) => {
                self.db.execute_batch("ROLLBACK TO head_unit")?;
                TakenOver {
                    because: Some(StaysBehind::Refused(failed.to_string())),
                    ..nothing
                }
            }
        };
        self.shut_out_again(left)?;
        self.db.execute_batch("RELEASE head_unit")?;
        let left_out = left_out(old, id, taken.through, &worth)?;
        Ok(Some(BroughtOver {
            device: id,
            entries: taken.entries,
            worth: taken.worth,
            worth_before: taken.before,
            because: taken.because.filter(|_| !left_out.is_empty()),
            left_out,
        }))
    }

    fn bring(
        &self,
        old: &Left<'_>,
        left: &LeftBehind,
        worth: &WorthByPlace,
        mut taken: TakenOver,
    ) -> Result<TakenOver, CloudError> {
        let id = left.device.id;
        self.put_back_enrolment(left)?;
        for at in &left.receipts {
            receipts::keep(self.db, id, *at)?;
        }
        loop {
            let batch = left_behind::entries_after(old.db, id, taken.through, AT_ONCE)?;
            if batch.is_empty() {
                return Ok(taken);
            }
            for run in batch.chunk_by(|one, next| one.epoch == next.epoch) {
                let Some(first) = run.first() else { continue };
                let (last, entries) = (taken.through, taken.entries);
                if self.enter(id, first.epoch)? {
                    self.settle_left(old, left, run, &mut taken)?;
                } else {
                    taken.because = Some(StaysBehind::NotItsChain);
                }
                let (came, _) = run.split_at(taken.entries - entries);
                taken.through = came.last().map_or(last, |one| (one.epoch, one.seq));
                let before = came
                    .iter()
                    .filter_map(|one| worth.get(&(one.epoch, one.seq)));
                taken.before = before.fold(taken.before, |sum, one| sum.plus(*one));
                if taken.because.is_some() {
                    return Ok(taken);
                }
            }
        }
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
        drop(self.put_back(id, &shown, self.server_epoch)?);
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
        // A car begins an epoch with the chain of its grant; here the chain goes on as the entries before have left it, which were
        // judged anew.
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
        old: &Left<'_>,
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
            taken.because = self.stays_behind(old, left, entry.body())?;
            if taken.because.is_some() {
                break;
            }
            let verdict = settler.take(&entry)?;
            taken.entries += 1;
            taken.worth = taken.worth.plus(Worth::of(&verdict));
            (head.seq, head.hash) = (entry.body().seq, entry.hash());
        }
        settler.finish()?;
        Ok(())
    }

    /// The thing that an entry names, the database before had, and this one lacks: without it the entry would be rejected for
    /// ever.
    fn stays_behind(
        &self,
        old: &Left<'_>,
        left: &LeftBehind,
        entry: &Entry,
    ) -> Result<Option<StaysBehind>, CloudError> {
        if bindings::find(self.db, entry.binding)?.is_none() {
            // Those for members who are not here were verified, and not put back: one that cannot be read names none.
            let named = |raw: &Vec<u8>| Raw::<Binding>::from(raw.clone()).claimed().ok();
            let mut bound = left.bindings.iter().filter_map(named);
            if let Some(bound) = bound.find(|bound| bound.id == entry.binding) {
                return Ok(Some(StaysBehind::NoMember(bound.member)));
            }
        }
        let is_lacking = bundles::policy(self.db, entry.policy)?.is_none();
        let is_lacking = is_lacking && old.policies.contains(&entry.policy);
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

/// Adds up, by member, what a head unit has after a place.
fn left_out(
    old: &Left<'_>,
    device: DeviceId,
    after: (Epoch, Seq),
    worth: &WorthByPlace,
) -> Result<Vec<LeftOut>, CloudError> {
    let mut of: BTreeMap<Option<MemberId>, LeftOut> = BTreeMap::new();
    let mut through = after;
    loop {
        let batch = left_behind::entries_after(old.db, device, through, AT_ONCE)?;
        let Some(last) = batch.last() else {
            return Ok(of.into_values().collect());
        };
        through = (last.epoch, last.seq);
        for one in &batch {
            let left_out = of.entry(one.member).or_insert(LeftOut {
                member: one.member,
                entries: 0,
                worth: Worth::NONE,
            });
            left_out.entries += 1;
            let brought = worth.get(&(one.epoch, one.seq)).copied();
            left_out.worth = left_out.worth.plus(brought.unwrap_or(Worth::NONE));
        }
    }
}
