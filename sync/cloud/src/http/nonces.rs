//! Nonces for devices whose clock is wrong: each is accepted once, for two minutes.

use std::collections::{BTreeMap, VecDeque};

use dashpoint_membership::{DeviceId, ServerTime};
use dashpoint_wire::Nonce;

/// Nonces that are out at a time. They go to enrolled devices only; past the bound the oldest device's are forgotten, and
/// that device asks again.
const DEVICES_MAX: usize = 4_096;
/// Nonces that one device may have out: its requests may cross.
const EACH_MAX: usize = 4;
/// Lifetime of a nonce, in seconds.
const VALID_S: i64 = 120;

/// The nonces that are out.
#[derive(Debug, Default)]
pub(super) struct Nonces {
    out: BTreeMap<DeviceId, VecDeque<(Nonce, ServerTime)>>,
    /// Devices in the order they were first given one.
    order: VecDeque<DeviceId>,
}

impl Nonces {
    /// Gives a device a nonce.
    pub fn give(&mut self, device: DeviceId, nonce: Nonce, now: ServerTime) {
        if !self.out.contains_key(&device) {
            if self.order.len() >= DEVICES_MAX
                && let Some(oldest) = self.order.pop_front()
            {
                self.out.remove(&oldest);
            }
            self.order.push_back(device);
        }
        let held = self.out.entry(device).or_default();
        if held.len() >= EACH_MAX {
            held.pop_front();
        }
        held.push_back((nonce, now));
    }

    /// Takes a nonce back; `true` once, while it is good.
    pub fn take(&mut self, device: DeviceId, nonce: Nonce, now: ServerTime) -> bool {
        let Some(held) = self.out.get_mut(&device) else {
            return false;
        };
        let before = held.len();
        held.retain(|(_, given)| now < given.plus_s(VALID_S));
        let good = held.iter().position(|(kept, _)| *kept == nonce);
        if let Some(place) = good {
            held.remove(place);
        }
        if held.is_empty() && before > 0 {
            self.out.remove(&device);
            self.order.retain(|kept| *kept != device);
        }
        good.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: i64) -> ServerTime {
        ServerTime::from_unix_s(seconds)
    }

    #[test]
    fn a_nonce_is_taken_once_by_its_device_in_time() {
        let (mine, other) = (DeviceId::from_bytes([1; 16]), DeviceId::from_bytes([2; 16]));
        let mut nonces = Nonces::default();
        nonces.give(mine, [7; 16], at(0));
        assert!(!nonces.take(other, [7; 16], at(1)));
        assert!(!nonces.take(mine, [8; 16], at(1)));
        assert!(nonces.take(mine, [7; 16], at(1)));
        assert!(!nonces.take(mine, [7; 16], at(1)));
        nonces.give(mine, [9; 16], at(0));
        assert!(!nonces.take(mine, [9; 16], at(VALID_S)));
        assert!(nonces.out.is_empty() && nonces.order.is_empty());
    }

    #[test]
    fn what_is_out_is_bounded() {
        let mut nonces = Nonces::default();
        for number in 0..=u8::MAX {
            nonces.give(DeviceId::from_bytes([1; 16]), [number; 16], at(0));
        }
        assert_eq!(
            nonces.out.values().map(VecDeque::len).sum::<usize>(),
            EACH_MAX
        );
        for number in 0..5_000_u32 {
            let mut id = [0; 16];
            id[..4].copy_from_slice(&number.to_be_bytes());
            nonces.give(DeviceId::from_bytes(id), [0; 16], at(0));
        }
        assert_eq!(nonces.out.len(), DEVICES_MAX);
        assert_eq!(nonces.order.len(), DEVICES_MAX);
    }
}
