//! The state of the car's own chain.

use dashpoint_membership::{Cover, EntryHash, Epoch, Seq, ServerEpoch};
use dashpoint_wire::{ChainPoint, Raw, Receipt};

/// The state of the car's own chain: its head, and the last entry that the cloud has.
#[derive(Debug, Clone)]
pub struct LocalChain {
    /// The newest own entry.
    pub head: ChainPoint,
    /// The last entry with a verdict; what comes after it waits. Of the head's epoch, never after the head.
    pub acked: ChainPoint,
    /// Hash of the grant of the head's epoch.
    pub grant: EntryHash,
    /// The life of the cloud's database that had everything up to `acked`: a later one may have lost some of it.
    pub life: ServerEpoch,
    /// Shown to the cloud, so that a restored one learns how far it was.
    pub last_receipt: Option<Raw<Receipt>>,
    /// Own entries of this epoch or a later one stand beside the chain: it ends here, and a new epoch says them again.
    pub forked: bool,
    /// The newest entry that a receipt proves for the cloud's chain and that this disk does not hold: the disk went
    /// back.
    pub lost: Option<ChainPoint>,
}

impl LocalChain {
    /// The chain up to `head`, of which nothing is known to have arrived.
    pub fn new(head: ChainPoint, grant: EntryHash, life: ServerEpoch) -> Self {
        Self {
            head,
            acked: ChainPoint {
                epoch: head.epoch,
                seq: Seq::new(0),
                hash: grant,
            },
            grant,
            life,
            last_receipt: None,
            forked: false,
            lost: None,
        }
    }

    /// Takes up the newest receipt that the disk holds.
    pub fn resume(&mut self, receipt: &Receipt, raw: Raw<Receipt>) {
        let through = ChainPoint {
            epoch: receipt.epoch,
            seq: receipt.through,
            hash: receipt.head,
        };
        self.last_receipt = Some(raw);
        if through.epoch == self.head.epoch && through.seq <= self.head.seq {
            self.acked = through;
            self.life = receipt.server_epoch;
        } else if through.epoch >= self.head.epoch {
            self.lost = Some(through);
        }
    }

    /// The epoch that is written to.
    pub const fn epoch(&self) -> Epoch {
        self.head.epoch
    }

    /// Entries that wait.
    pub const fn waiting(&self) -> u64 {
        self.head.seq.get().saturating_sub(self.acked.seq.get())
    }

    /// Verdicts up to here are durable. Those before were given in the life of the cloud's database that was known until
    /// now: in another one they may have come out otherwise, so all of the epoch is asked for again.
    pub fn judged(&mut self, through: ChainPoint, life: ServerEpoch) {
        let all_of_this_life = self.life == life || self.acked.seq == Seq::new(0);
        self.acked = if all_of_this_life {
            through
        } else {
            self.start()
        };
        self.life = life;
    }

    /// Returns whether a statement contains own entries that have no verdict here: the answer was lost, or another disk
    /// with this key has gone on.
    pub fn is_behind(&self, cover: &Cover) -> bool {
        let known = (self.acked.epoch, self.acked.seq);
        let covered = (cover.epoch, cover.through);
        covered > known || (covered == known && cover.head != self.acked.hash)
    }

    /// A new entry is durable.
    pub fn committed(&mut self, point: ChainPoint) {
        if point.epoch == self.head.epoch && point.seq > self.head.seq {
            self.head = point;
        }
    }

    /// The point before the first entry of the epoch.
    pub const fn start(&self) -> ChainPoint {
        ChainPoint {
            epoch: self.head.epoch,
            seq: Seq::new(0),
            hash: self.grant,
        }
    }
}
