//! Places for requests to be enrolled that wait: each address has few, and one that has many gives way to one that has fewer.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use crate::error::CloudError;
use crate::peer::Peer;

/// Requests that may wait at a time: a stranger can ask, and cannot fill the disk.
pub(super) const WAITING_MAX: usize = 1_000;
/// Requests of one address that may wait at a time.
pub(super) const OF_ONE_ADDRESS: usize = 10;

type RequestId = [u8; 16];

/// Addresses that requests came from, as long as they wait. Those from before the start count as of one caller, and so do
/// those that came by no network.
#[derive(Debug, Clone, Default)]
pub(super) struct AskedFrom(BTreeMap<RequestId, Peer>);

/// Requests of one caller that wait.
struct Share {
    /// Place of the oldest among all that wait.
    oldest: usize,
    count: usize,
}

impl AskedFrom {
    /// Finds a place for one more request among those that wait, which are given oldest first; returns the request that ends
    /// for it, if one has to: the oldest of the caller who has the most, and at least two more than this one.
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
        let mut shares: BTreeMap<Option<Peer>, Share> = BTreeMap::new();
        for (oldest, id) in waits.iter().enumerate() {
            let first = Share { oldest, count: 0 };
            let share = shares.entry(self.0.get(id).copied()).or_insert(first);
            share.count += 1;
        }
        let own = shares.get(&peer).map_or(0, |share| share.count);
        if peer.is_some() && own >= OF_ONE_ADDRESS {
            return Err(CloudError::TooManyWaiting);
        }
        if waits.len() < WAITING_MAX {
            return Ok(None);
        }
        let most = shares
            .values()
            .max_by_key(|share| (share.count, Reverse(share.oldest)));
        most.filter(|most| most.count > own + 1)
            .and_then(|most| waits.get(most.oldest).copied())
            .map(Some)
            .ok_or(CloudError::TooManyWaiting)
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

    fn peer_of(number: usize) -> Peer {
        let [.., c, d] = number.to_be_bytes();
        Peer::V4([10, 0, c, d].into())
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
