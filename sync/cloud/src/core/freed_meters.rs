//! Units of a vehicle's meters that were taken from entries.

use std::collections::BTreeMap;

use dashpoint_membership::{DeviceId, Meter, MeterInterval, MeterNumber};

/// Units that were taken from entries at any time, whoever holds them now.
#[derive(Debug, Default)]
pub(super) struct FreedMeters {
    all: BTreeMap<(Meter, MeterNumber), DisjointRanges>,
    by_device: BTreeMap<(DeviceId, Meter, MeterNumber), DisjointRanges>,
}

impl FreedMeters {
    pub(super) fn new(mut freed: Vec<(DeviceId, MeterInterval)>) -> Self {
        freed.sort_unstable_by_key(|(_, interval)| interval.from);
        let mut meters = Self::default();
        for (device, interval) in freed {
            let MeterInterval { meter, number, .. } = interval;
            let own = meters.by_device.entry((device, meter, number));
            own.or_default().append(interval);
            let all = meters.all.entry((meter, number));
            all.or_default().append(interval);
        }
        meters
    }

    /// Returns whether some of these units were taken from any entry.
    pub(super) fn touch(&self, wanted: MeterInterval) -> bool {
        let of_meter = self.all.get(&(wanted.meter, wanted.number));
        of_meter.is_some_and(|ranges| ranges.touch(wanted))
    }

    /// Returns whether some of these units were taken from an entry of this device.
    pub(super) fn touch_own(&self, device: DeviceId, wanted: MeterInterval) -> bool {
        let own = self.by_device.get(&(device, wanted.meter, wanted.number));
        own.is_some_and(|ranges| ranges.touch(wanted))
    }
}

/// Ranges `from..to` without a common unit, ascending: one search finds the only one that can reach into another range.
#[derive(Debug, Default)]
struct DisjointRanges(Vec<(u64, u64)>);

impl DisjointRanges {
    /// Adds a range that begins no lower than those before it.
    fn append(&mut self, interval: MeterInterval) {
        match self.0.last_mut() {
            Some((_, to)) if *to >= interval.from => *to = (*to).max(interval.to),
            Some(_) | None => self.0.push((interval.from, interval.to)),
        }
    }

    fn touch(&self, wanted: MeterInterval) -> bool {
        let below = self.0.partition_point(|(from, _)| *from < wanted.to);
        let last = below.checked_sub(1).and_then(|last| self.0.get(last));
        last.is_some_and(|(_, to)| *to > wanted.from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metres(from: u64, to: u64) -> MeterInterval {
        MeterInterval::of_first(Meter::Odometer, from, to)
    }

    #[test]
    fn units_are_found_as_by_looking_at_each_stretch() {
        let device = |number: u64| DeviceId::from_bytes([number as u8; 16]);
        let stretches: Vec<_> = (0_u64..40)
            .map(|n| {
                let from = n * 7919 % 301;
                (device(n % 3), metres(from, from + 1 + n * 31 % 17))
            })
            .collect();
        let freed = FreedMeters::new(stretches.clone());
        for from in 0..330 {
            for length in [1, 2, 5, 60] {
                let wanted = metres(from, from + length);
                let touched = |stretch: &MeterInterval| stretch.overlaps(&wanted);
                let any = stretches.iter().any(|(_, stretch)| touched(stretch));
                assert_eq!(freed.touch(wanted), any, "{wanted:?}");
                for number in 0..3 {
                    let own = stretches
                        .iter()
                        .any(|(of, stretch)| *of == device(number) && touched(stretch));
                    assert_eq!(freed.touch_own(device(number), wanted), own, "{wanted:?}");
                }
                let meter = Meter::Charged;
                assert!(!freed.touch(MeterInterval { meter, ..wanted }));
                let number = MeterNumber::FIRST.next();
                assert!(!freed.touch(MeterInterval { number, ..wanted }));
            }
        }
    }
}
