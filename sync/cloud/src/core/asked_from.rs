//! Places for requests to be enrolled that wait: each address has few, and one that has many gives way to one that has fewer.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use crate::error::CloudError;
use crate::peer::Peer;
use crate::shares::Shares;

/// Requests that may wait at a time: a stranger can ask, and cannot fill the disk.
pub(super) const WAITING_MAX: usize = 1_000;
/// Requests of one address that may wait at a time.
pub(super) const OF_ONE_ADDRESS: usize = 10;

type RequestId = [u8; 16];

/// Addresses that requests came from, as long as they wait. Those from before the start count as of one caller, and so do
/// those that came by no network.
#[derive(Debug, Clone, Default)]
pub(super) struct AskedFrom(BTreeMap<RequestId, Peer>);

impl AskedFrom {
    /// Finds a place for one more request among those that wait, which are given oldest first; returns the request that ends
    /// for it, if one has to: the oldest of the caller who has the most by its networks, when that is at least two more than this
    /// one has.
    ///
    /// # Errors
    /// [`CloudError::TooManyWaiting`] when the address has all that it may have, or when nobody has more than it would have.
    pub fn place(
        &mut self,
        waits: &[RequestId],
        peer: Option<Peer>,
    ) -> Result<Option<RequestId>, CloudError> {
        let still: BTreeSet<_> = waits.iter().collect();
        self.0.retain(|id, _| still.contains(id));
        let mut shares = Shares::default();
        for id in waits {
            shares.add(self.of(id), 1);
        }
        if peer.is_some() && shares.of_address(peer) >= OF_ONE_ADDRESS {
            return Err(CloudError::TooManyWaiting);
        }
        if waits.len() < WAITING_MAX {
            return Ok(None);
        }
        let oldest_first = waits.iter().enumerate();
        let most = oldest_first.max_by_key(|(place, id)| {
            let holdings = shares.holdings(self.of(id));
            (holdings, Reverse(*place))
        });
        most.filter(|(_, id)| shares.gives_way(self.of(id), peer))
            .map(|(_, id)| Some(*id))
            .ok_or(CloudError::TooManyWaiting)
    }

    fn of(&self, id: &RequestId) -> Option<Peer> {
        self.0.get(id).copied()
    }

    /// Keeps the address of a request that waits from now on.
    pub fn keep(&mut self, id: RequestId, peer: Option<Peer>) {
        if let Some(peer) = peer {
            self.0.insert(id, peer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: usize) -> RequestId {
        let mut id = [0; 16];
        id[..8].copy_from_slice(&number.to_be_bytes());
        id
    }

    /// Each of a provider of its own.
    fn peer_of(number: usize) -> Peer {
        let [.., c, d] = number.to_be_bytes();
        Peer::V4([c, d, 0, 1].into())
    }

    /// Each of an address of one site.
    fn neighbour(number: usize) -> Peer {
        Peer::V6([0x2001, 0xdb8, 7, u16::try_from(number).unwrap()])
    }

    #[test]
    fn many_addresses_of_one_site_keep_nobody_else_out() {
        let honest = Peer::V6([0x2001, 0xdb8, 8, 1]);
        let flood = (1..WAITING_MAX).map(|number| Some(neighbour(number)));
        let (mut asked_from, mut waits) = of([Some(honest)].into_iter().chain(flood));
        let newcomers = [
            peer_of(1),
            peer_of(2),
            Peer::V6([0x2001, 0xdb8, 9, 1]),
            honest,
        ];
        for (number, newcomer) in (5_000..).zip(newcomers) {
            let ends = asked_from.place(&waits, Some(newcomer)).unwrap().unwrap();
            assert!(asked_from.0[&ends].networks()[1] == neighbour(1).networks()[1]);
            waits.retain(|id| *id != ends);
            waits.push(id(number));
            asked_from.keep(id(number), Some(newcomer));
        }
        // One more of the site takes a place from nobody.
        let more = asked_from.place(&waits, Some(neighbour(5_000)));
        assert!(matches!(more, Err(CloudError::TooManyWaiting)));
    }

    /// Requests that wait, the n-th of the n-th caller.
    fn of(callers: impl IntoIterator<Item = Option<Peer>>) -> (AskedFrom, Vec<RequestId>) {
        let mut asked_from = AskedFrom::default();
        let waits = callers
            .into_iter()
            .enumerate()
            .map(|(number, peer)| {
                asked_from.keep(id(number), peer);
                id(number)
            })
            .collect();
        (asked_from, waits)
    }

    #[test]
    fn an_address_has_its_share_and_the_next_one_its_own() {
        let (mut asked_from, mut waits) = of([Some(peer_of(1)); OF_ONE_ADDRESS]);
        let more = asked_from.place(&waits, Some(peer_of(1)));
        assert!(matches!(more, Err(CloudError::TooManyWaiting)));
        assert_eq!(asked_from.place(&waits, Some(peer_of(2))).unwrap(), None);
        assert_eq!(asked_from.place(&waits, None).unwrap(), None);
        // One of them was answered.
        waits.remove(3);
        assert_eq!(asked_from.place(&waits, Some(peer_of(1))).unwrap(), None);
        assert_eq!(asked_from.0.len(), waits.len());
    }

    #[test]
    fn the_oldest_of_who_has_the_most_ends_for_who_has_none() {
        let honest = [Some(peer_of(500)), None, Some(peer_of(501))];
        let flood = (3..WAITING_MAX).map(|number| Some(peer_of(number / OF_ONE_ADDRESS)));
        let (mut asked_from, waits) = of(honest.into_iter().chain(flood));
        let ends = asked_from
            .place(&waits, Some(peer_of(502)))
            .unwrap()
            .unwrap();
        let flooded = asked_from.0[&ends];
        assert!(!honest.contains(&Some(flooded)));
        let its_first = waits
            .iter()
            .find(|id| asked_from.0.get(*id) == Some(&flooded));
        assert_eq!(its_first, Some(&ends));
        // Who floods takes a place from nobody.
        let more = asked_from.place(&waits, Some(peer_of(40)));
        assert!(matches!(more, Err(CloudError::TooManyWaiting)));
    }

    #[test]
    fn nobody_ends_for_one_who_would_have_as_many() {
        let (mut asked_from, waits) = of((0..WAITING_MAX).map(|number| Some(peer_of(number))));
        let more = asked_from.place(&waits, Some(peer_of(5_000)));
        assert!(matches!(more, Err(CloudError::TooManyWaiting)));
    }

    #[test]
    fn those_from_before_a_start_give_way() {
        let (mut asked_from, waits) = of([None; WAITING_MAX]);
        let ends = asked_from.place(&waits, Some(peer_of(1))).unwrap();
        assert_eq!(ends, Some(id(0)));
        let more = asked_from.place(&waits, None);
        assert!(matches!(more, Err(CloudError::TooManyWaiting)));
    }
}
