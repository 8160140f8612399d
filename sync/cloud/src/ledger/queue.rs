//! Work that waits for the ledger's thread, in turns: nobody waits behind all that somebody else has sent.

use std::collections::{BTreeMap, VecDeque};

use dashpoint_membership::DeviceId;

use crate::peer::Peer;
use crate::shares::Shares;

/// Jobs that may wait in all. Past it a caller who has fewer of them, by its networks first, takes the place of one who has more.
const ALL_MAX: usize = 256;
/// Jobs of one device that may wait: a car sends one request after another.
const DEVICE_MAX: usize = 4;
/// Jobs of one address that name no device and may wait.
const NO_DEVICE_MAX: usize = 64;
/// Quick jobs that are done before a long one has its turn.
const QUICK_IN_A_ROW: u32 = 8;

/// The cost of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Weight {
    /// A look at a few rows.
    Quick,
    /// A batch of entries, a page of them, or a run over members.
    Long,
}

/// Caller and cost of a job, which decide about its turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Turn {
    pub weight: Weight,
    /// The cloud itself when it is nobody.
    pub peer: Option<Peer>,
    /// The device that the request names, which is not verified yet.
    pub device: Option<DeviceId>,
}

/// Waiting jobs. Quick ones go first, though never more than a few in a row while a long one waits; among them each
/// address has its turn, and within one address each device that its requests name.
#[derive(Debug)]
pub(super) struct Queue<J> {
    quick: Round<Option<Peer>, Round<Option<DeviceId>, VecDeque<J>>>,
    long: Round<Option<Peer>, Round<Option<DeviceId>, VecDeque<J>>>,
    in_a_row: u32,
}

/// There is no place for the job.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Full;

impl<J> Queue<J> {
    pub const fn new() -> Self {
        Self {
            quick: Round::new(),
            long: Round::new(),
            in_a_row: 0,
        }
    }

    /// Takes a job; returns the one that had to leave for it.
    pub fn push(&mut self, turn: Turn, job: J) -> Result<Option<J>, Full> {
        let side = match turn.weight {
            Weight::Quick => &self.quick,
            Weight::Long => &self.long,
        };
        let of_device = side
            .get(&turn.peer)
            .and_then(|round| round.get(&turn.device));
        let most = match (turn.peer, turn.device) {
            (None, _) => ALL_MAX,
            (Some(_), Some(_)) => DEVICE_MAX,
            (Some(_), None) => NO_DEVICE_MAX,
        };
        if of_device.is_some_and(|jobs| jobs.len() >= most) {
            return Err(Full);
        }
        let mut left = None;
        if self.len() >= ALL_MAX {
            left = self.take_last(self.busiest(turn.peer).ok_or(Full)?);
        }
        let side = match turn.weight {
            Weight::Quick => &mut self.quick,
            Weight::Long => &mut self.long,
        };
        side.get_or_insert(turn.peer)
            .get_or_insert(turn.device)
            .push_back(job);
        Ok(left)
    }

    /// The next job.
    pub fn pop(&mut self) -> Option<J> {
        let long_is_due = self.in_a_row >= QUICK_IN_A_ROW && !self.long.is_empty();
        if !long_is_due && let Some(job) = next(&mut self.quick) {
            self.in_a_row = self.in_a_row.saturating_add(1);
            return Some(job);
        }
        self.in_a_row = 0;
        next(&mut self.long).or_else(|| next(&mut self.quick))
    }

    /// Forgets all of it.
    pub fn clear(&mut self) -> Vec<J> {
        std::iter::from_fn(|| self.pop()).collect()
    }

    fn len(&self) -> usize {
        [&self.quick, &self.long]
            .iter()
            .map(|side| side.values().map(jobs).sum::<usize>())
            .sum()
    }

    /// The address with the most jobs, by its networks first, when it has to give way to a newcomer; never the cloud itself.
    fn busiest(&self, newcomer: Option<Peer>) -> Option<Option<Peer>> {
        let mut shares = Shares::default();
        for (peer, devices) in self.quick.iter().chain(self.long.iter()) {
            shares.add(*peer, jobs(devices));
        }
        let peers = self.quick.keys().chain(self.long.keys()).copied();
        let busiest = peers
            .filter(Option::is_some)
            .max_by_key(|peer| (shares.holdings(*peer), *peer));
        busiest.filter(|busiest| shares.gives_way(*busiest, newcomer))
    }

    /// Takes the newest job of an address out, of the device that has the most.
    fn take_last(&mut self, peer: Option<Peer>) -> Option<J> {
        let side = if self.long.get(&peer).is_some() {
            &mut self.long
        } else {
            &mut self.quick
        };
        let devices = side.get_mut(&peer)?;
        let device = devices
            .iter()
            .max_by_key(|(_, jobs)| jobs.len())
            .map(|(device, _)| *device)?;
        let job = devices.get_mut(&device)?.pop_back();
        if devices.get(&device).is_some_and(VecDeque::is_empty) {
            devices.remove(&device);
        }
        if devices.is_empty() {
            side.remove(&peer);
        }
        job
    }
}

fn jobs<J>(devices: &Round<Option<DeviceId>, VecDeque<J>>) -> usize {
    devices.values().map(VecDeque::len).sum()
}

fn next<J>(side: &mut Round<Option<Peer>, Round<Option<DeviceId>, VecDeque<J>>>) -> Option<J> {
    side.turn(|devices| {
        let job = devices.turn(|jobs| (jobs.pop_front(), jobs.is_empty()));
        (job.flatten(), devices.is_empty())
    })
    .flatten()
}

/// Values that have their turns in a round, each under a key.
#[derive(Debug)]
struct Round<K, V> {
    values: BTreeMap<K, V>,
    order: VecDeque<K>,
}

impl<K: Ord + Copy, V> Round<K, V> {
    const fn new() -> Self {
        Self {
            values: BTreeMap::new(),
            order: VecDeque::new(),
        }
    }

    /// Gives the next one its turn; one that says that it is used up leaves the round.
    fn turn<R>(&mut self, work: impl FnOnce(&mut V) -> (R, bool)) -> Option<R> {
        let key = self.order.pop_front()?;
        let (done, is_over) = work(self.values.get_mut(&key)?);
        if is_over {
            self.values.remove(&key);
        } else {
            self.order.push_back(key);
        }
        Some(done)
    }

    fn remove(&mut self, key: &K) {
        self.values.remove(key);
        self.order.retain(|other| other != key);
    }

    fn get(&self, key: &K) -> Option<&V> {
        self.values.get(key)
    }

    fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        self.values.get_mut(key)
    }

    fn keys(&self) -> impl Iterator<Item = &K> {
        self.values.keys()
    }

    fn values(&self) -> impl Iterator<Item = &V> {
        self.values.values()
    }

    fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.values.iter()
    }

    fn is_empty(&self) -> bool {
        self.values.is_empty()
    }
}

impl<K: Ord + Copy, V: Default> Round<K, V> {
    /// The value of a key; a new one has its turn after all others.
    fn get_or_insert(&mut self, key: K) -> &mut V {
        if !self.values.contains_key(&key) {
            self.order.push_back(key);
        }
        self.values.entry(key).or_default()
    }
}

impl<K: Ord + Copy, V> Default for Round<K, V> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn turn(weight: Weight, peer: u8, device: u8) -> Turn {
        Turn {
            weight,
            peer: Some(Peer::V4(Ipv4Addr::new(192, 0, 2, peer))),
            device: (device > 0).then(|| DeviceId::from_bytes([device; 16])),
        }
    }

    fn popped(queue: &mut Queue<u32>) -> Vec<u32> {
        queue.clear()
    }

    #[test]
    fn one_device_does_not_hold_up_another() {
        let mut queue = Queue::new();
        for job in 0..4 {
            queue.push(turn(Weight::Long, 1, 1), job).unwrap();
        }
        assert_eq!(queue.push(turn(Weight::Long, 1, 1), 4), Err(Full));
        queue.push(turn(Weight::Long, 1, 2), 10).unwrap();
        queue.push(turn(Weight::Long, 2, 3), 20).unwrap();
        assert_eq!(popped(&mut queue), [0, 20, 10, 1, 2, 3]);
    }

    #[test]
    fn quick_ones_go_before_batches_and_do_not_starve_them() {
        let mut queue = Queue::new();
        for job in 0..12 {
            let device = u8::try_from(job + 1).unwrap();
            queue
                .push(turn(Weight::Long, 1, device), 100 + job)
                .unwrap();
        }
        for job in 0..20 {
            queue.push(turn(Weight::Quick, 2, 0), job).unwrap();
        }
        let order = popped(&mut queue);
        assert_eq!(order[..8], [0, 1, 2, 3, 4, 5, 6, 7]);
        assert_eq!((order[8], order[17]), (100, 101));
        assert_eq!(order.len(), 32);
    }

    #[test]
    fn a_full_queue_takes_from_who_has_the_most() {
        let mut queue = Queue::new();
        let mut job = 0;
        for device in 1..=64 {
            for _ in 0..4 {
                queue.push(turn(Weight::Long, 1, device), job).unwrap();
                job += 1;
            }
        }
        assert_eq!(queue.push(turn(Weight::Long, 1, 65), 999), Err(Full));
        let left = queue.push(turn(Weight::Quick, 2, 0), 1_000).unwrap();
        assert!(left.is_some_and(|left| left < 256));
        assert_eq!((queue.len(), queue.pop()), (ALL_MAX, Some(1_000)));
    }

    #[test]
    fn many_addresses_of_one_network_keep_nobody_else_out() {
        let turn = |network: u16, number: u16| Turn {
            weight: Weight::Quick,
            peer: Some(Peer::V6([0x2001, 0xdb8, network, number])),
            device: None,
        };
        let mut queue = Queue::new();
        for job in 0..256 {
            queue.push(turn(7, job), job).unwrap();
        }
        assert_eq!(queue.push(turn(7, 1_000), 1_000), Err(Full));
        for job in 0..100 {
            let left = queue.push(turn(8 + job % 2, job), 2_000 + job);
            assert!(left.unwrap().is_some_and(|left| left < 256));
        }
        assert_eq!(queue.len(), ALL_MAX);
    }

    /// Whatever is pushed and popped, nothing is lost or done twice, a device's jobs keep their order, and the bounds hold.
    #[test]
    fn any_order_keeps_every_job_once() {
        let mut random = 0x9e37_79b9_7f4a_7c15_u64;
        let mut draw = move |below: u64| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            random % below
        };
        let mut queue = Queue::new();
        let (mut inside, mut last) = (BTreeMap::new(), BTreeMap::new());
        for job in 0..30_000_u32 {
            let peer = u8::try_from(draw(6)).unwrap();
            let device = u8::try_from(draw(40)).unwrap();
            let weight = if draw(2) == 0 {
                Weight::Quick
            } else {
                Weight::Long
            };
            if let Ok(left) = queue.push(turn(weight, peer, device), job) {
                inside.insert(job, (peer, device, weight == Weight::Quick));
                assert!(left.is_none_or(|left| inside.remove(&left).is_some()));
            }
            for _ in 0..draw(3) {
                if draw(3) > 0
                    && let Some(done) = queue.pop()
                {
                    let whose = inside.remove(&done).expect("once");
                    let before = last.insert(whose, done);
                    assert!(before < Some(done), "in its order");
                }
            }
            assert_eq!(queue.len(), inside.len());
            assert!(queue.len() <= ALL_MAX);
        }
    }
}
