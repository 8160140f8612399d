//! Folds the car's own entries onto the statement that does not contain them yet.

use std::collections::BTreeMap;

use super::settle::settle;
use crate::account::{Account, Settlement};
use crate::chain::{Arrival, Chain};
use crate::entry::Entry;
use crate::ids::{BindingId, DeviceId, EntryRef, Epoch, Seq};
use crate::points::Points;
use crate::policy::Policies;
use crate::statement::Statement;
use crate::time::ServerTime;
use crate::zone::Zone;

/// Start of the present epoch of a device's chain, as its grant says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChainStart {
    /// The epoch.
    pub epoch: Epoch,
    /// The state of the chain that it goes on from.
    pub chain: Chain,
}

/// A member's account as this device expects it to become.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fold {
    /// The account with the device's own entries in it.
    pub account: Account,
    /// The chain after them.
    pub chain: Chain,
    /// Results that the device expects of each of them, in order.
    pub settlements: Vec<Settlement>,
    pub(super) confirmed: Confirmed,
    pub(super) device: DeviceId,
    pub(super) zone: Zone,
}

/// Sums of the statement's lots: added up once, since a member of years has thousands and the screen looks often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Confirmed {
    pub balance: Points,
    pub expiring: BTreeMap<ServerTime, Points>,
}

/// A fold as it stood, for an entry that may not become durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoldMark {
    account: Account,
    chain: Chain,
    settlements: usize,
}

/// Folds the device's own entries onto a statement: those of the present epoch after the last one it contains.
///
/// `start` is what the grant of the present epoch says; it counts while the statement covers none of that epoch.
/// Entries of earlier epochs are never folded: the cloud has them, or they were signed again. A statement that covers
/// a later epoch than `start` says that this disk is an old copy; then nothing is folded until the car has caught up.
#[must_use]
pub fn fold(
    statement: &Statement,
    device: DeviceId,
    start: ChainStart,
    own: &[Entry],
    policies: &Policies,
    now: ServerTime,
) -> Fold {
    fold_mine(statement, device, start, own, |_| true, policies, now)
}

/// Does what [`fold`] does on a device that several members share.
///
/// Entries under bindings that are not the member's only count for the chain, which all of them share.
#[must_use]
pub fn fold_mine(
    statement: &Statement,
    device: DeviceId,
    start: ChainStart,
    own: &[Entry],
    is_mine: impl Fn(&BindingId) -> bool,
    policies: &Policies,
    now: ServerTime,
) -> Fold {
    let cover = statement.covers.get(&device);
    let (epoch, after, chain) = match cover {
        Some(cover) if cover.epoch >= start.epoch => (cover.epoch, cover.through, cover.chain),
        Some(_) | None => (start.epoch, Seq::new(0), start.chain),
    };
    let mut fold = Fold {
        account: statement.account.clone(),
        chain,
        settlements: Vec::new(),
        confirmed: Confirmed {
            balance: statement.account.balance(),
            expiring: statement.account.expiring(),
        },
        device,
        zone: Zone::of_member(&statement.profile.zone),
    };
    for entry in own {
        if entry.epoch != epoch || entry.epoch != start.epoch || entry.seq <= after {
            continue;
        }
        if is_mine(&entry.binding) {
            fold.push(policies, entry, now);
        } else {
            fold.chain.count(entry, arrival(now, entry.receipt_at));
        }
    }
    fold
}

impl Fold {
    /// Takes the next entry of the device and gives what it expects of it.
    pub fn push(&mut self, policies: &Policies, entry: &Entry, now: ServerTime) -> Settlement {
        let at = EntryRef {
            device: self.device,
            epoch: entry.epoch,
            seq: entry.seq,
        };
        let arrival = arrival(now, entry.receipt_at);
        let settlement = settle(
            &mut self.account,
            &mut self.chain,
            &self.zone,
            policies,
            at,
            entry,
            arrival,
        );
        self.settlements.push(settlement.clone());
        settlement
    }

    /// Returns the present state, to go back to.
    #[must_use]
    pub fn mark(&self) -> FoldMark {
        FoldMark {
            account: self.account.clone(),
            chain: self.chain,
            settlements: self.settlements.len(),
        }
    }

    /// Goes back to where it stood: what was pushed since is taken out again.
    pub fn go_back(&mut self, mark: FoldMark) {
        self.account = mark.account;
        self.chain = mark.chain;
        self.settlements.truncate(mark.settlements);
    }
}

/// The earliest arrival that the car can expect: its own clock may be behind what the cloud has told it.
pub(super) fn arrival(now: ServerTime, receipt_at: ServerTime) -> Arrival {
    Arrival {
        at: now.max(receipt_at),
        receipt_at,
    }
}
