//! Proofs of enrolment that devices were asked for, and what they did not show.

use std::collections::BTreeMap;

use dashpoint_membership::DeviceId;

use crate::lacking::Lacking;

/// Devices that are remembered. One that is forgotten is asked once more.
const DEVICES_MAX: usize = 65_536;

/// The newest thing that each device was asked to show, since this program started.
#[derive(Debug, Default)]
pub(super) struct AskedProofs {
    of: BTreeMap<DeviceId, Asked>,
}

#[derive(Debug)]
struct Asked {
    lacking: Lacking,
    /// The device has shown its proof since it was asked.
    has_answered: bool,
}

impl AskedProofs {
    /// Takes note that a device is asked to show something.
    pub fn ask(&mut self, device: DeviceId, lacking: Lacking) {
        let asks_again = self
            .of
            .get(&device)
            .is_some_and(|asked| asked.lacking == lacking);
        if asks_again {
            return;
        }
        if self.of.len() >= DEVICES_MAX && !self.of.contains_key(&device) {
            self.of.pop_first();
        }
        let asked = Asked {
            lacking,
            has_answered: false,
        };
        self.of.insert(device, asked);
    }

    /// Takes note that a device has shown all that it holds.
    pub fn answer(&mut self, device: DeviceId) {
        if let Some(asked) = self.of.get_mut(&device) {
            asked.has_answered = true;
        }
    }

    /// The newest thing that a device was asked for, when it has shown its proof since: what is lacking then, it does not
    /// hold.
    pub fn answered(&self, device: DeviceId) -> Option<Lacking> {
        let asked = self.of.get(&device)?;
        asked.has_answered.then_some(asked.lacking)
    }
}
