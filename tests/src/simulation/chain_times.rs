//! The times of a device's chain, worked out anew from the outside by the words of the protocol (7.2).

use std::collections::BTreeSet;

use dashpoint_membership::{Entry, EntryBody, ServerTime};

use super::doubt::DoubtTimes;

/// Seconds by which a time of the chain may be ahead of an arrival and bind it.
const AHEAD_S_MAX: i64 = 3_600;
/// Seconds before its arrival that an entry counts for at most: 92 days.
const LATE_S_MAX: i64 = 92 * 86_400;
/// Times of receipts that the cloud keeps up to now, and as many beyond it.
const KEPT_MAX: usize = 128;

/// Times of one chain, and those of the receipts and grants that the cloud keeps for it.
#[derive(Debug, Clone)]
pub(super) struct ChainTimes {
    enrolled: ServerTime,
    cap_time: ServerTime,
    receipt_at: ServerTime,
    /// The `receipt_at` with which the present epoch began.
    before_epoch: ServerTime,
    receipts: BTreeSet<ServerTime>,
    grants: BTreeSet<ServerTime>,
}

impl ChainTimes {
    /// A chain that its first grant begins.
    pub fn begin(at: ServerTime) -> Self {
        Self {
            enrolled: at,
            cap_time: at,
            receipt_at: at,
            before_epoch: at,
            receipts: BTreeSet::new(),
            grants: BTreeSet::from([at]),
        }
    }

    /// The cloud opens an epoch.
    pub fn grant(&mut self, at: ServerTime) {
        // The same grant is given again while its epoch is empty.
        if self.grants.insert(at) {
            self.before_epoch = self.receipt_at;
        }
    }

    /// The newest receipt that the car is known to have had when it made an entry that is judged now (section 8).
    pub fn held(&self, entry: &Entry, now: ServerTime) -> ServerTime {
        let chain = match entry.body {
            EntryBody::Fresh(_) => self.receipt_at,
            EntryBody::Carry { .. } => self.before_epoch,
        };
        if entry.receipt_at > now {
            self.enrolled.min(now)
        } else {
            let chain = Some(chain).filter(|chain| *chain <= now);
            chain.map_or(entry.receipt_at, |chain| chain.max(entry.receipt_at))
        }
    }

    /// The time at which the device was enrolled.
    pub const fn enrolled(&self) -> ServerTime {
        self.enrolled
    }

    /// The cloud hears of a receipt that it signed once.
    pub fn hear(&mut self, at: ServerTime) {
        self.receipts.insert(at);
    }

    /// The cloud signs a receipt, and forgets those that no entry can name as new any more.
    pub fn sign(&mut self, at: ServerTime) {
        self.receipts.insert(at);
        if self.receipt_at <= at {
            self.receipts = self.receipts.split_off(&self.receipt_at);
        }
        let beyond = self.receipts.split_off(&at.plus_s(1));
        self.receipts = newest(&self.receipts)
            .chain(newest(&beyond))
            .copied()
            .collect();
    }

    /// Counts an entry that is judged at a time, and returns the time that it counts for.
    pub fn count(&mut self, entry: &Entry, now: ServerTime) -> ServerTime {
        let named = entry.receipt_at;
        let last = if self.receipt_at > now {
            self.enrolled.min(now)
        } else {
            self.receipt_at
        };
        let receipt = if named <= last {
            named
        } else {
            self.newest_up_to(named.min(now)).unwrap_or(last).max(last)
        };
        let held = if named > now { receipt } else { named };
        let event = ServerTime::from_unix_s(entry.time.at.as_unix_s());
        let event = event.max(held).min(now).max(now.plus_s(-LATE_S_MAX));
        let believed = |time: &ServerTime| *time <= now.plus_s(AHEAD_S_MAX);
        let later = |known: ServerTime, found: ServerTime| {
            Some(known)
                .filter(believed)
                .map_or(found, |known| known.max(found))
        };
        self.cap_time = later(self.cap_time, event);
        self.receipt_at = later(self.receipt_at, receipt);
        self.cap_time
    }

    fn newest_up_to(&self, at: ServerTime) -> Option<ServerTime> {
        let newest = |times: &BTreeSet<ServerTime>| times.range(..=at).next_back().copied();
        newest(&self.receipts).max(newest(&self.grants))
    }
}

/// One chain as far as it was seen: at a request over which the cloud broke down it may have signed a receipt, or not.
#[derive(Debug, Clone)]
pub(super) struct SeenChain {
    /// Without the receipts that nobody saw, and with them.
    ways: [ChainTimes; 2],
    unseen: BTreeSet<ServerTime>,
    /// The time of an unseen answer whose entries are being found again.
    found: Option<ServerTime>,
}

impl SeenChain {
    /// A chain that its first grant begins.
    pub fn begin(at: ServerTime) -> Self {
        Self {
            ways: [ChainTimes::begin(at), ChainTimes::begin(at)],
            unseen: BTreeSet::new(),
            found: None,
        }
    }

    /// The cloud opens an epoch.
    pub fn grant(&mut self, at: ServerTime) {
        self.ways.iter_mut().for_each(|way| way.grant(at));
    }

    /// The cloud is shown a grant that it signed once.
    pub fn remind(&mut self, at: ServerTime) {
        for way in &mut self.ways {
            way.grants.insert(at);
        }
    }

    /// The cloud hears of a receipt that it signed once.
    pub fn hear(&mut self, at: Option<ServerTime>) {
        if let Some(at) = at {
            self.ways.iter_mut().for_each(|way| way.hear(at));
        }
    }

    /// The cloud signs a receipt.
    pub fn sign(&mut self, at: ServerTime) {
        self.close();
        self.ways.iter_mut().for_each(|way| way.sign(at));
    }

    /// The cloud breaks down over a request.
    pub fn lose_sight(&mut self, at: ServerTime) {
        self.unseen.insert(at);
        self.ways[1].sign(at);
    }

    /// Finds again what was settled at that time; `false` when the cloud broke down over no request then.
    pub fn see(&mut self, at: ServerTime) -> bool {
        if self.found != Some(at) {
            self.close();
            self.found = Some(at);
        }
        self.unseen.contains(&at)
    }

    /// Counts an entry that is judged at a time, and returns the time that it counts for, in both ways.
    pub fn count(&mut self, entry: &Entry, now: ServerTime) -> [ServerTime; 2] {
        if self.found != Some(now) {
            self.close();
        }
        let [without, with] = &mut self.ways;
        [without.count(entry, now), with.count(entry, now)]
    }

    /// The times that a doubt about an entry is measured by, in both ways.
    pub fn times(&self, entry: &Entry, now: ServerTime) -> [DoubtTimes; 2] {
        [&self.ways[0], &self.ways[1]].map(|way| DoubtTimes {
            enrolled: way.enrolled(),
            held: way.held(entry, now),
            now,
        })
    }

    /// The unseen answer has no more entries: its receipt was signed after them.
    fn close(&mut self) {
        if let Some(found) = self.found.take() {
            self.ways.iter_mut().for_each(|way| way.sign(found));
        }
    }
}

fn newest(times: &BTreeSet<ServerTime>) -> impl Iterator<Item = &ServerTime> {
    times.iter().rev().take(KEPT_MAX)
}
