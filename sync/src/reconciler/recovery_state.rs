//! State of a recovery when car and cloud hold different chains, and its next step.

use std::collections::BTreeSet;

use dashpoint_membership::{Entry, EntryBody, EntryHash, Epoch, Seq, ServerEpoch};
use dashpoint_wire::{ChainPoint, EpochGrant, Signed};

/// Most epochs that are walked through. Each one was a restored disk, or the turn of one of two clones: a car has a handful, and
/// clones that ran for weeks have thousands, each worth a request.
const EPOCHS_MAX: u32 = 10_000;

/// The way back, step by step. It survives failures of the network.
#[derive(Debug)]
pub struct Recovery {
    /// The head of the cloud's chain.
    pub(super) cloud: ChainPoint,
    /// The last point that both have, as far as the car knows.
    pub(super) base: ChainPoint,
    /// The life of the cloud's database that is known to have had the base and all before it.
    life: Option<ServerEpoch>,
    /// The last life of the cloud's database that was known when fetching began.
    fetched_since: ServerEpoch,
    pub(super) step: RecoveryStep,
    /// Hashes of the entries that the cloud had after the base, and of the originals of its carries.
    remote: BTreeSet<EntryHash>,
    /// Own entries after the base, those of the chain first.
    pub(super) local: Vec<LocalEntry>,
    /// The head up to which they were read.
    pub(super) head: ChainPoint,
    pub(super) grant: Option<Signed<EpochGrant>>,
}

/// An own entry that the cloud may lack.
#[derive(Debug)]
pub(super) struct LocalEntry {
    pub(super) point: ChainPoint,
    /// Hash of the very first entry that said it.
    original: EntryHash,
}

impl LocalEntry {
    pub(super) fn of(entry: &Signed<Entry>) -> Self {
        Self {
            point: ChainPoint {
                epoch: entry.body().epoch,
                seq: entry.body().seq,
                hash: entry.hash(),
            },
            original: original(entry),
        }
    }
}

/// The next step of a recovery.
#[derive(Debug, Clone, Copy)]
pub enum RecoveryStep {
    /// Fetch own entries from the cloud, after this one; its hash is `None` where nobody can know it.
    Fetch(Epoch, Seq, Option<EntryHash>),
    /// Read own entries from the store, after this one.
    ReadOwn(Epoch, Seq),
    /// Read own entries that stand beside the chain.
    ReadStrays,
    /// Ask for a grant, unless it is there.
    Grant,
}

impl Recovery {
    pub(super) fn new(
        cloud: ChainPoint,
        base: ChainPoint,
        life: Option<ServerEpoch>,
        newest_life: ServerEpoch,
    ) -> Self {
        let step = if cloud.seq == Seq::new(0) && cloud.epoch <= base.epoch {
            RecoveryStep::ReadOwn(base.epoch, base.seq)
        } else {
            RecoveryStep::Fetch(base.epoch, base.seq, Some(base.hash))
        };
        Self {
            cloud,
            base,
            life,
            fetched_since: newest_life,
            step,
            remote: BTreeSet::new(),
            local: Vec::new(),
            head: base,
            grant: None,
        }
    }

    /// Takes own entries that the cloud sent; they verified and follow the step's point. Returns the step after them,
    /// which is taken once they are durable.
    pub(super) fn take_page(
        &mut self,
        epoch: Epoch,
        after: Seq,
        entries: &[Signed<Entry>],
        more: bool,
    ) -> RecoveryStep {
        let mut last = after;
        for entry in entries {
            last = entry.body().seq;
            self.remote.insert(entry.hash());
            self.remote.insert(original(entry));
        }
        if more {
            RecoveryStep::Fetch(epoch, last, entries.last().map(Signed::hash))
        } else if epoch < self.cloud.epoch {
            self.enter_epoch(epoch.next())
        } else {
            self.read_own()
        }
    }

    /// The step into an epoch of the cloud's that comes after the base.
    fn enter_epoch(&self, epoch: Epoch) -> RecoveryStep {
        if epoch == self.cloud.epoch && self.cloud.seq == Seq::new(0) {
            self.read_own()
        } else {
            RecoveryStep::Fetch(epoch, Seq::new(0), None)
        }
    }

    pub(super) const fn read_own(&self) -> RecoveryStep {
        RecoveryStep::ReadOwn(self.base.epoch, self.base.seq)
    }

    /// Begins with the first entry of the base's epoch: what seemed common is not.
    pub(super) fn rebase(&mut self) {
        self.base.seq = Seq::new(0);
        self.life = None;
        self.step = RecoveryStep::Fetch(self.base.epoch, Seq::new(0), None);
    }

    /// Begins with the very first entry: a cloud that was restored may lack what it once gave a receipt for.
    pub(super) fn start_over(&mut self, cloud: ChainPoint, life: ServerEpoch) {
        self.cloud = cloud;
        self.fetched_since = life;
        self.remote.clear();
        self.base.epoch = Epoch::new(1);
        self.local.clear();
        self.rebase();
        if cloud.epoch == self.base.epoch {
            self.step = self.enter_epoch(cloud.epoch);
        }
    }

    /// Begins with the base, up to a head that the cloud reached meanwhile; false when that cannot be.
    pub(super) fn fetch_up_to(&mut self, cloud: ChainPoint) -> bool {
        let is_after_base = (cloud.epoch, cloud.seq) > (self.base.epoch, self.base.seq);
        if cloud == self.cloud || !is_after_base || !is_near(cloud.epoch, self.base.epoch) {
            return false;
        }
        self.cloud = cloud;
        self.remote.clear();
        self.local.clear();
        self.step = RecoveryStep::Fetch(self.base.epoch, self.base.seq, Some(self.base.hash));
        true
    }

    /// Own entries that the cloud lacks, oldest first; what was said in several epochs only once.
    pub(super) fn lacking(&self) -> Vec<ChainPoint> {
        let mut said = self.remote.clone();
        self.local
            .iter()
            .filter(|own| !self.remote.contains(&own.point.hash) && said.insert(own.original))
            .map(|own| own.point)
            .collect()
    }

    /// Returns whether everything that the grant builds on has been fetched.
    pub(super) fn reaches(&self, follows: ChainPoint) -> bool {
        follows.seq == Seq::new(0)
            || follows == self.base
            || self.remote.contains(&follows.hash)
            || self.local.iter().any(|own| own.point == follows)
    }

    /// Returns whether the cloud has the base, and all before it, in its present server epoch.
    pub(super) fn is_well_based(&self, grant: &EpochGrant) -> bool {
        self.starts_at_the_first()
            || grant.follows == Some(self.base)
            || self.life == Some(grant.server_epoch)
    }

    /// Returns whether the cloud may have gone back since it sent the fetched entries: it lacks some of them then.
    pub(super) fn may_be_outlived(&self, grant: &EpochGrant) -> bool {
        !self.remote.is_empty() && grant.server_epoch > self.fetched_since
    }

    fn starts_at_the_first(&self) -> bool {
        self.base.epoch <= Epoch::new(1) && self.base.seq == Seq::new(0)
    }
}

/// Returns whether the cloud's epoch is so near to the base that the epochs between can be fetched one by one.
pub(super) const fn is_near(cloud: Epoch, base: Epoch) -> bool {
    cloud.get() <= base.get().saturating_add(EPOCHS_MAX)
}

/// Hash of the very first entry that said what this one says.
fn original(entry: &Signed<Entry>) -> EntryHash {
    match entry.body().body {
        EntryBody::Fresh(_) => entry.hash(),
        EntryBody::Carry { original, .. } => original,
    }
}
