//! Shares of callers in what is bounded: whoever has the most gives way, by provider first, then by network, then by address.

use std::collections::BTreeMap;

use crate::peer::{Peer, Prefix};

/// Counts of the networks around a caller, the widest first. The greater one gives way to the smaller.
pub(crate) type Holdings = [usize; Prefix::WIDTHS];

/// Counts what callers hold, by each of the networks around their addresses.
///
/// Many addresses of one network have no more than the network's share: a newcomer from elsewhere finds a place however few each
/// of the addresses holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Shares(BTreeMap<Option<Prefix>, usize>);

impl Shares {
    /// Counts so many more of a caller; all without an address are one caller.
    pub fn add(&mut self, peer: Option<Peer>, more: usize) {
        for network in counted(peer) {
            *self.0.entry(network).or_insert(0) += more;
        }
    }

    /// Counts one less of a caller.
    pub fn remove(&mut self, peer: Option<Peer>) {
        for network in counted(peer) {
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

/// Returns the networks of a caller, each once.
fn counted(peer: Option<Peer>) -> impl Iterator<Item = Option<Prefix>> {
    let widths = if peer.is_some() { Prefix::WIDTHS } else { 1 };
    networks(peer).into_iter().take(widths)
}

fn networks(peer: Option<Peer>) -> [Option<Prefix>; Prefix::WIDTHS] {
    match peer {
        Some(peer) => peer.networks().map(Some),
        None => [None; Prefix::WIDTHS],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn callers_without_an_address_are_one_caller_that_is_counted_once() {
        let mut shares = Shares::default();
        shares.add(None, 2);
        shares.add(None, 1);
        assert_eq!(shares.holdings(None), [3; Prefix::WIDTHS]);
        shares.remove(None);
        assert_eq!(shares.of_address(None), 2);
    }
}
