//! Limits the number of open connections, and chooses the one to close when there are too many.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::peer::{Peer, Prefix};
use crate::shares::Shares;

/// Limits on the number of open connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ConnectionCounts {
    /// In all.
    pub all: usize,
    /// From one address.
    pub each: usize,
}

/// Names a connection.
pub(super) type ConnectionId = u64;

/// The decision on a new connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Admittance {
    /// It is open; when it took another one's place, that one has to be closed.
    Open {
        id: ConnectionId,
        closes: Option<ConnectionId>,
    },
    /// Each open connection is being served: the new one is closed.
    Refused,
}

/// The open connections, each of which waits or is being served.
///
/// One waits while the cloud waits for its caller: idle, in the middle of a request, or taking an answer. When the count
/// of its address is reached, a new connection takes the place of the one of that address that has waited longest; when
/// the count of all is reached, of the one that has waited longest at the address with the most connections, by its networks
/// first. So neither one address, nor many of one network, nor many idle connections shut out somebody else.
#[derive(Debug)]
pub(super) struct ConnectionTable {
    counts: ConnectionCounts,
    open: BTreeMap<ConnectionId, OpenConnection>,
    shares: Shares,
    /// The number of the next event: an order, not a time.
    next: u64,
}

#[derive(Debug)]
struct OpenConnection {
    /// Nobody when it comes from a trusted proxy, which speaks for many.
    from: Option<Peer>,
    /// Since which event it waits; `None` while it is being served.
    waits: Option<u64>,
}

impl ConnectionTable {
    pub fn new(counts: ConnectionCounts) -> Self {
        Self {
            counts,
            open: BTreeMap::new(),
            shares: Shares::default(),
            next: 0,
        }
    }

    /// Decides on a new connection.
    pub fn admit(&mut self, from: Option<Peer>) -> Admittance {
        let is_full_for_it = from.is_some() && self.shares.of_address(from) >= self.counts.each;
        let closes = if is_full_for_it {
            Some(self.longest_waiting(|open| open.from == from))
        } else if self.open.len() >= self.counts.all {
            Some(self.spare())
        } else {
            None
        };
        match closes {
            Some(None) => return Admittance::Refused,
            Some(Some(victim)) => self.remove(victim),
            None => {}
        }
        let id = self.event();
        self.open.insert(
            id,
            OpenConnection {
                from,
                waits: Some(id),
            },
        );
        if from.is_some() {
            self.shares.add(from, 1);
        }
        Admittance::Open {
            id,
            closes: closes.flatten(),
        }
    }

    /// Takes the longest waiting connection of the busiest address out, when the system has no room for a new one.
    pub fn make_room(&mut self) -> Option<ConnectionId> {
        let spare = self.spare()?;
        self.remove(spare);
        Some(spare)
    }

    /// Notes that a connection is being served from now on.
    pub fn serve(&mut self, id: ConnectionId) {
        if let Some(open) = self.open.get_mut(&id) {
            open.waits = None;
        }
    }

    /// Notes that a connection waits from now on.
    pub fn wait(&mut self, id: ConnectionId) {
        let now = self.event();
        if let Some(open) = self.open.get_mut(&id) {
            open.waits = Some(now);
        }
    }

    /// Forgets a connection; one that is gone already stays so.
    pub fn remove(&mut self, id: ConnectionId) {
        let from = self.open.remove(&id).and_then(|open| open.from);
        if from.is_some() {
            self.shares.remove(from);
        }
    }

    fn event(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    fn longest_waiting(&self, among: impl Fn(&OpenConnection) -> bool) -> Option<ConnectionId> {
        let waiting = self.open.iter().filter(|(_, open)| among(open));
        waiting
            .filter_map(|(id, open)| Some((open.waits?, *id)))
            .min()
            .map(|(_, id)| id)
    }

    /// The longest waiting connection of the address whose networks and itself have the most connections, among those with one
    /// that waits. One that a trusted proxy made has as many as itself.
    fn spare(&self) -> Option<ConnectionId> {
        let waiting = self.open.iter().filter_map(|(id, open)| {
            let holdings = match open.from {
                Some(_) => self.shares.holdings(open.from),
                None => [1; Prefix::WIDTHS],
            };
            Some((Reverse(holdings), open.waits?, *id))
        });
        waiting.min().map(|(.., id)| id)
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const fn peer(last: u8) -> Peer {
        Peer::V4(Ipv4Addr::new(192, 0, 2, last))
    }

    fn opened(
        table: &mut ConnectionTable,
        from: Option<Peer>,
    ) -> (ConnectionId, Option<ConnectionId>) {
        match table.admit(from) {
            Admittance::Open { id, closes } => (id, closes),
            Admittance::Refused => panic!("refused"),
        }
    }

    #[test]
    fn a_full_address_gives_up_its_own_longest_idle_one() {
        let mut table = ConnectionTable::new(ConnectionCounts { all: 10, each: 3 });
        let other = opened(&mut table, Some(peer(2))).0;
        let mine: Vec<_> = (0..3)
            .map(|_| opened(&mut table, Some(peer(1))).0)
            .collect();
        table.serve(mine[0]);
        assert_eq!(opened(&mut table, Some(peer(1))).1, Some(mine[1]));
        table.wait(mine[0]);
        assert_eq!(opened(&mut table, Some(peer(1))).1, Some(mine[2]));
        assert!(table.open.contains_key(&other) && table.open.contains_key(&mine[0]));
    }

    #[test]
    fn a_full_cloud_takes_from_the_address_that_has_the_most() {
        let mut table = ConnectionTable::new(ConnectionCounts { all: 6, each: 5 });
        let honest = opened(&mut table, Some(peer(1))).0;
        let flood: Vec<_> = (0..5)
            .map(|_| opened(&mut table, Some(peer(2))).0)
            .collect();
        for victim in &flood[..4] {
            // Newcomers of other addresses, whoever was there first.
            let (newcomer, closes) = opened(&mut table, Some(peer(3)));
            assert_eq!(closes, Some(*victim));
            table.remove(newcomer);
            opened(&mut table, Some(peer(2)));
        }
        assert!(table.open.contains_key(&honest));
    }

    #[test]
    fn many_addresses_of_one_network_close_no_connection_of_another() {
        let mut table = ConnectionTable::new(ConnectionCounts { all: 40, each: 5 });
        let honest = [peer(1), Peer::V6([0x2001, 0xdb8, 8, 1])];
        let honest = honest.map(|from| opened(&mut table, Some(from)).0);
        let mut flood = (0..).map(|number| Some(Peer::V6([0x2001, 0xdb8, 7, number])));
        for from in flood.by_ref().take(38) {
            assert_eq!(opened(&mut table, from).1, None);
        }
        for from in flood.take(500) {
            let (_, closes) = opened(&mut table, from);
            assert!(closes.is_some_and(|closed| !honest.contains(&closed)));
        }
        let (_, closes) = opened(&mut table, Some(Peer::V6([0x2001, 0xdb8, 9, 1])));
        assert!(closes.is_some_and(|closed| !honest.contains(&closed)));
    }

    #[test]
    fn what_is_being_served_stays_and_then_a_newcomer_is_refused() {
        let mut table = ConnectionTable::new(ConnectionCounts { all: 2, each: 2 });
        let ids = [1, 2].map(|last| opened(&mut table, Some(peer(last))).0);
        ids.iter().for_each(|id| table.serve(*id));
        assert_eq!(table.admit(Some(peer(3))), Admittance::Refused);
        assert_eq!(table.make_room(), None);
        table.wait(ids[1]);
        assert_eq!(opened(&mut table, Some(peer(3))).1, Some(ids[1]));
    }

    #[test]
    fn a_trusted_proxy_speaks_for_many_and_has_no_count_of_its_own() {
        let mut table = ConnectionTable::new(ConnectionCounts { all: 4, each: 1 });
        let ids: Vec<_> = (0..4).map(|_| opened(&mut table, None)).collect();
        assert!(ids.iter().all(|(_, closes)| closes.is_none()));
        assert_eq!(opened(&mut table, None).1, Some(ids[0].0));
    }

    /// Whatever comes and goes, the counts hold, are those of what is open, and one that is served is never taken.
    #[test]
    fn the_counts_hold_under_any_order() {
        let mut random = 0x2545_f491_4f6c_dd1d_u64;
        let mut draw = move |below: usize| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            usize::try_from(random % 1_000).unwrap() % below
        };
        let counts = ConnectionCounts { all: 12, each: 5 };
        let mut table = ConnectionTable::new(counts);
        for _ in 0..20_000 {
            let ids: Vec<_> = table.open.keys().copied().collect();
            let some = ids.get(draw(ids.len().max(1))).copied();
            match (draw(5), some) {
                (0, Some(id)) => table.remove(id),
                (1, Some(id)) => table.serve(id),
                (2, Some(id)) => table.wait(id),
                _ => {
                    let served: Vec<_> = ids
                        .iter()
                        .filter(|id| table.open[id].waits.is_none())
                        .copied()
                        .collect();
                    let last = u8::try_from(draw(4)).unwrap();
                    table.admit((last > 0).then(|| peer(last)));
                    assert!(served.iter().all(|id| table.open.contains_key(id)));
                }
            }
            assert!(table.open.len() <= counts.all);
            let mut shares = Shares::default();
            for open in table.open.values().filter(|open| open.from.is_some()) {
                shares.add(open.from, 1);
                assert!(shares.of_address(open.from) <= counts.each);
            }
            assert_eq!(shares, table.shares);
        }
    }
}
