//! The locks of a database file and of its shared memory, as SQLite's file format describes them.

use std::collections::{BTreeMap, BTreeSet};

/// Names one open handle.
pub(crate) type Owner = u64;

/// Level of a lock on a database file; higher includes lower.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    None,
    Shared,
    Reserved,
    Pending,
    Exclusive,
}

/// Locks on one database file, by owner.
#[derive(Debug, Default)]
pub(crate) struct FileLocks(BTreeMap<Owner, Level>);

impl FileLocks {
    pub(crate) fn held(&self, owner: Owner) -> Level {
        self.0.get(&owner).copied().unwrap_or(Level::None)
    }

    /// Raises an owner's lock; `false` when another one is in the way. An exclusive lock that must wait for readers
    /// stays pending, so that no new ones come.
    pub(crate) fn raise(&mut self, owner: Owner, wanted: Level) -> bool {
        if self.held(owner) >= wanted {
            return true;
        }
        let others = self.highest_other(owner);
        let granted = match wanted {
            Level::None => true,
            Level::Shared => others < Level::Pending,
            Level::Reserved | Level::Pending => others < Level::Reserved,
            Level::Exclusive => {
                if others < Level::Reserved {
                    self.0.insert(owner, Level::Pending);
                }
                others == Level::None
            }
        };
        if granted {
            self.0.insert(owner, wanted);
        }
        granted
    }

    pub(crate) fn lower(&mut self, owner: Owner, to: Level) {
        if to == Level::None {
            self.0.remove(&owner);
        } else if self.held(owner) > to {
            self.0.insert(owner, to);
        }
    }

    pub(crate) fn reserved(&self) -> bool {
        self.0.values().any(|level| *level >= Level::Reserved)
    }

    fn highest_other(&self, owner: Owner) -> Level {
        let others = self.0.iter().filter(|(other, _)| **other != owner);
        others.map(|(_, level)| *level).max().unwrap_or(Level::None)
    }
}

/// One slot of the shared memory's locks.
#[derive(Debug, Default)]
pub(crate) struct Slot {
    shared: BTreeSet<Owner>,
    exclusive: Option<Owner>,
}

impl Slot {
    pub(crate) fn may_share(&self, owner: Owner) -> bool {
        self.exclusive.is_none_or(|holder| holder == owner)
    }

    pub(crate) fn may_own(&self, owner: Owner) -> bool {
        self.may_share(owner) && self.shared.iter().all(|holder| *holder == owner)
    }

    pub(crate) fn share(&mut self, owner: Owner) {
        self.shared.insert(owner);
    }

    pub(crate) fn own(&mut self, owner: Owner) {
        self.exclusive = Some(owner);
    }

    pub(crate) fn release(&mut self, owner: Owner) {
        self.shared.remove(&owner);
        self.exclusive = self.exclusive.filter(|holder| *holder != owner);
    }
}
