//! The documents that go into a proof of enrolment: what entries name first, the newest of the rest, within the size of a request.

use std::collections::{BTreeMap, BTreeSet};

use dashpoint_membership::{BindingId, Entry, Policy, PolicyVersion};
use dashpoint_store::{StoreError, StoreReader};
use dashpoint_wire::message::EnrolmentProof;
use dashpoint_wire::{Binding, MAX_BINDINGS, MAX_POLICIES, MAX_PROOF, Raw, Signable};

use dashpoint_sync::DeviceIdentity;

/// Newest entries that are asked what they name.
const ENTRIES_MAX: u32 = 1_000;

/// Gathers what the cloud signed for this car; `None` when it was never enrolled.
pub(super) fn gather(
    read: &StoreReader,
    identity: &DeviceIdentity,
) -> Result<Option<EnrolmentProof>, StoreError> {
    let (Some(certificate), Some(epoch)) = (read.certificate()?, read.newest_epoch()?) else {
        return Ok(None);
    };
    let grant = epoch.raw;
    let named = Named::by(read.newest_entries(ENTRIES_MAX)?, identity);
    let bindings: Vec<(BindingId, Raw<Binding>)> = read.bindings()?;
    let policies: Vec<(PolicyVersion, Raw<Policy>)> = read.policies()?.into_iter().rev().collect();
    let mut room = MAX_PROOF.saturating_sub(certificate.as_bytes().len() + grant.as_bytes().len());
    // Policies first: they are few, and each is named by many entries.
    let policies = choose(policies, &named.policies, MAX_POLICIES, &mut room);
    let bindings = choose(bindings, &named.bindings, MAX_BINDINGS, &mut room);
    Ok(Some(EnrolmentProof {
        certificate,
        grant,
        bindings,
        policies: (!policies.is_empty()).then_some(policies),
    }))
}

/// Bindings and policies that entries name, those of the newest first.
#[derive(Debug, Default)]
struct Named {
    bindings: Vec<BindingId>,
    policies: Vec<PolicyVersion>,
}

impl Named {
    fn by(newest_first: Vec<Raw<Entry>>, identity: &DeviceIdentity) -> Self {
        let mut named = Self::default();
        let (mut bindings, mut policies) = (BTreeSet::new(), BTreeSet::new());
        for raw in newest_first {
            let Ok(entry) = raw.verify(&identity.device_key, &identity.device) else {
                continue;
            };
            let entry = entry.body();
            if bindings.insert(entry.binding) {
                named.bindings.push(entry.binding);
            }
            if policies.insert(entry.policy) {
                named.policies.push(entry.policy);
            }
        }
        named
    }
}

/// Chooses documents while there is room: those that are named, in that order, then the others as they come.
fn choose<K: Ord + Copy, T: Signable>(
    all: Vec<(K, Raw<T>)>,
    named: &[K],
    most: usize,
    room: &mut usize,
) -> Vec<Raw<T>> {
    let order: Vec<K> = all.iter().map(|(id, _)| *id).collect();
    let mut held: BTreeMap<K, Raw<T>> = all.into_iter().collect();
    let mut chosen = Vec::new();
    for id in named.iter().chain(&order) {
        let Some(raw) = held.remove(id) else {
            continue;
        };
        let size = raw.as_bytes().len();
        if chosen.len() < most && size <= *room {
            *room -= size;
            chosen.push(raw);
        }
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(size: usize) -> Raw<Policy> {
        Raw::from(vec![0; size])
    }

    #[test]
    fn what_is_named_comes_first_and_the_room_is_kept() {
        let all = || {
            (1..=9)
                .rev()
                .map(|version| (version, raw(100 + version)))
                .collect()
        };
        for (named, most, room, expected) in [
            (&[][..], 4, 10_000, &[109, 108, 107, 106][..]),
            (&[2, 5], 4, 10_000, &[102, 105, 109, 108]),
            // One that is not held, and one that is named twice.
            (&[77, 3, 3], 2, 10_000, &[103, 109]),
            (&[9, 1], 4, 250, &[109, 101]),
            (&[9, 1], 4, 205, &[109]),
            (&[], 4, 0, &[]),
        ] {
            let mut left = room;
            let chosen = choose(all(), named, most, &mut left);
            let sizes: Vec<usize> = chosen.iter().map(|raw| raw.as_bytes().len()).collect();
            assert_eq!(sizes, expected, "{named:?}");
            assert_eq!(left, room - sizes.iter().sum::<usize>());
        }
    }
}
