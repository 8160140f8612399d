//! Proofs of enrolment that devices were asked for, and what they did not show.

use std::collections::BTreeMap;

use dashpoint_membership::{DeviceId, EntryHash};

use crate::lacking::Lacking;

/// Devices that are remembered. One that is forgotten is asked once more.
const DEVICES_MAX: usize = 65_536;
/// Things that are remembered of one device, the last ones.
const OF_A_DEVICE_MAX: usize = 8;

/// The last things that each device was asked to show, since this program started.
#[derive(Debug, Default)]
pub(super) struct AskedProofs {
    of: BTreeMap<DeviceId, Asked>,
}

/// A thing that is lacking, and the place in a chain that named it: a copy of the disk, which may hold less, has another.
pub(super) type AskedFor = (Lacking, EntryHash);

#[derive(Debug, Default)]
struct Asked {
    /// Asked for since the device has shown its proof.
    open: Option<AskedFor>,
    /// Not shown when it was asked for, the oldest first.
    not_shown: Vec<AskedFor>,
}

impl AskedProofs {
    /// Takes note that a device is asked to show something.
    pub fn ask(&mut self, device: DeviceId, asked_for: AskedFor) {
        if self.of.len() >= DEVICES_MAX && !self.of.contains_key(&device) {
            self.forget_one();
        }
        self.of.entry(device).or_default().open = Some(asked_for);
    }

    /// Takes note that a device has shown all that it holds.
    pub fn answer(&mut self, device: DeviceId) {
        if let Some(asked) = self.of.get_mut(&device)
            && let Some(asked_for) = asked.open.take()
            && !asked.not_shown.contains(&asked_for)
        {
            if asked.not_shown.len() >= OF_A_DEVICE_MAX {
                asked.not_shown.remove(0);
            }
            asked.not_shown.push(asked_for);
        }
    }

    /// The things that a device was asked for and has shown its proof since: what is lacking of them, it does not hold.
    pub fn answered(&self, device: DeviceId) -> Vec<AskedFor> {
        let asked = self.of.get(&device);
        asked.map_or_else(Vec::new, |asked| asked.not_shown.clone())
    }

    /// Makes room: a device that has answered goes before one that is about to.
    fn forget_one(&mut self) {
        let has_answered = |(_, asked): &(&DeviceId, &Asked)| asked.open.is_none();
        let first = self.of.iter().find(has_answered).or(self.of.iter().next());
        if let Some(device) = first.map(|(device, _)| *device) {
            self.of.remove(&device);
        }
    }
}

#[cfg(test)]
mod tests {
    use dashpoint_membership::PolicyVersion;

    use super::*;

    #[test]
    fn what_was_not_shown_is_remembered_for_some_things_of_each_device() {
        let device = DeviceId::from_bytes([1; 16]);
        let place = EntryHash::from_bytes([9; 32]);
        let thing = |number| (Lacking::Policy(PolicyVersion::new(number)), place);
        let mut asked = AskedProofs::default();
        assert_eq!(asked.answered(device), []);
        // A proof that nobody asked for answers nothing.
        asked.answer(device);
        for number in [1, 2, 1] {
            asked.ask(device, thing(number));
            asked.answer(device);
        }
        assert_eq!(asked.answered(device), [thing(1), thing(2)]);
        asked.ask(device, thing(3));
        assert_eq!(
            asked.answered(device),
            [thing(1), thing(2)],
            "asked, and not yet answered"
        );
        asked.answer(device);
        for number in 4..=9 {
            asked.ask(device, thing(number));
            asked.answer(device);
        }
        let all: Vec<AskedFor> = (2..=9).map(thing).collect();
        assert_eq!(asked.answered(device), all);
    }

    #[test]
    fn who_has_answered_is_forgotten_before_who_has_not() {
        let device = |number: u32| {
            let mut bytes = [0; 16];
            bytes[..4].copy_from_slice(&number.to_be_bytes());
            DeviceId::from_bytes(bytes)
        };
        let place = EntryHash::from_bytes([9; 32]);
        let thing = (Lacking::Policy(PolicyVersion::new(1)), place);
        let mut asked = AskedProofs::default();
        let all = u32::try_from(DEVICES_MAX).unwrap();
        for number in 0..all {
            asked.ask(device(number), thing);
        }
        asked.answer(device(7));
        asked.ask(device(all), thing);
        assert_eq!(asked.of.len(), DEVICES_MAX);
        assert_eq!(asked.answered(device(7)), []);
        asked.answer(device(0));
        assert_eq!(asked.answered(device(0)), [thing]);
    }
}
