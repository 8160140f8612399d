//! Shares of callers in what is bounded: whoever has the most gives way, by provider first, then by network, then by address.

use std::collections::BTreeMap;

use crate::peer::{Peer, Prefix};

/// What the networks around a caller hold, the widest first. The greater one gives way to the smaller.
pub(crate) type Holdings = [usize; Prefix::WIDTHS];

/// Counts what callers hold, by each of the networks around their addresses.
///
/// Who has many addresses of one network has no more than the network's share: a newcomer from elsewhere finds a place
/// however few each of the addresses holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Shares(BTreeMap<Option<Prefix>, usize>);

impl Shares {
    /// Counts one more of a caller; nobody is a caller of its own.
    pub fn add(&mut self, peer: Option<Peer>, more: usize) {
        for network in networks(peer) {
            *self.0.entry(network).or_insert(0) += more;
        }
    }

    /// Counts one less of a caller.
    pub fn remove(&mut self, peer: Option<Peer>) {
        for network in networks(peer) {
            if let Some(count) = self.0.get_mut(&network) {
                *count -= 1;
                if *count == 0 {
                    self.0.remove(&network);
                }
            }
        }
    }

    /// Returns what the networks around a caller hold.
    pub fn holdings(&self, peer: Option<Peer>) -> Holdings {
        networks(peer).map(|network| self.0.get(&network).copied().unwrap_or(0))
    }

    /// Returns what the address of a caller holds.
    pub fn of_address(&self, peer: Option<Peer>) -> usize {
        let [.., address] = self.holdings(peer);
        address
    }

    /// Checks whether one caller has to give way to another: in the widest network that they do not share, it has more than the
    /// other would have with one more.
    pub fn gives_way(&self, holder: Option<Peer>, newcomer: Option<Peer>) -> bool {
        let apart = networks(holder)
            .into_iter()
            .zip(networks(newcomer))
            .position(|(one, other)| one != other);
        apart.is_some_and(|width| self.holdings(holder)[width] > self.holdings(newcomer)[width] + 1)
    }
}

fn networks(peer: Option<Peer>) -> [Option<Prefix>; Prefix::WIDTHS] {
    match peer {
        Some(peer) => peer.networks().map(Some),
        None => [None; Prefix::WIDTHS],
    }
}
