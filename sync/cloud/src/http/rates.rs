//! Rates of callers of the network: by address first, then by the networks around it, then for all of them together.

use std::time::Duration;

use super::throttle::{Rate, Throttle, TooOften};
use crate::peer::{Peer, Prefix};

/// Rates of one address, of the site and of the provider that it belongs to, and of all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rates {
    pub address: Rate,
    pub site: Rate,
    pub provider: Rate,
    pub all: Rate,
}

/// Counts what callers do, so that who has many addresses of one network leaves the greater part of the rate to others.
#[derive(Debug)]
pub(super) struct RateLimits {
    provider: Throttle<Prefix>,
    site: Throttle<Prefix>,
    address: Throttle<Prefix>,
}

impl RateLimits {
    pub const fn new(rates: Rates) -> Self {
        Self {
            provider: Throttle::new(rates.provider, Rate::NONE),
            site: Throttle::new(rates.site, Rate::NONE),
            address: Throttle::new(rates.address, rates.all),
        }
    }

    /// Counts one of a caller, unless a rate of its own, of its networks or of all is used up. What is refused counts nowhere.
    pub fn take(&mut self, caller: Peer, now: Duration) -> Result<(), TooOften> {
        let [provider, site, address] = caller.networks();
        self.provider.take(provider, now)?;
        let taken = self.site.take(site, now).and_then(|()| {
            let taken = self.address.take(address, now);
            taken.inspect_err(|_| self.site.give_back(site, now))
        });
        taken.inspect_err(|_| self.provider.give_back(provider, now))
    }

    /// Takes one back that need not have been counted.
    pub fn give_back(&mut self, caller: Peer, now: Duration) {
        let [provider, site, address] = caller.networks();
        self.provider.give_back(provider, now);
        self.site.give_back(site, now);
        self.address.give_back(address, now);
    }

    /// Takes one back from the networks of a caller and from all; it still counts for its address.
    pub fn give_back_to_others(&mut self, caller: Peer, now: Duration) {
        let [provider, site, _] = caller.networks();
        self.provider.give_back(provider, now);
        self.site.give_back(site, now);
        self.address.give_back_to_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: Duration = Duration::from_secs(1);
    const RATES: Rates = Rates {
        address: Rate::a_minute(60),
        site: Rate::a_minute(75),
        provider: Rate::a_minute(150),
        all: Rate::a_minute(600),
    };

    const fn of_site(site: u16, number: u16) -> Peer {
        Peer::V6([0x2001, 0xdb8, site, number])
    }

    /// Twenty-two new addresses a second for two minutes, of one site and of ten sites of one provider.
    #[test]
    fn new_addresses_of_one_network_leave_the_rate_to_others() {
        for sites in [1, 10] {
            let mut limits = RateLimits::new(RATES);
            let (mut served, mut flooded) = (0, 0);
            for number in 0..22 * 120_u16 {
                let now = Duration::from_millis(u64::from(number) * 1_000 / 22);
                let taken = limits.take(of_site(number % sites, number), now);
                flooded += u32::from(taken.is_ok());
                if number % 22 == 0 {
                    let [high, low] = (number / 22).to_be_bytes();
                    let honest = Peer::V4([198, high, low, 1].into());
                    served += u32::from(limits.take(honest, now).is_ok());
                }
            }
            assert_eq!(served, 120, "{sites}");
            let most = if sites == 1 { 75 } else { 150 };
            assert!(
                (2 * most..=3 * most).contains(&flooded),
                "{sites}: {flooded}"
            );
        }
    }

    #[test]
    fn what_is_refused_counts_nowhere() {
        let mut limits = RateLimits::new(RATES);
        let loud = of_site(1, 1);
        let taken = (0..1_000).filter(|_| limits.take(loud, S).is_ok()).count();
        assert_eq!(taken, 60);
        // Its neighbours have what is left of the site, and others of the provider what is left of that.
        let of_others = |limits: &mut RateLimits, site| {
            (2..1_000)
                .filter(|number| limits.take(of_site(site, *number), S).is_ok())
                .count()
        };
        assert_eq!(of_others(&mut limits, 1), 15);
        assert_eq!(of_others(&mut limits, 2), 75);
        assert_eq!(of_others(&mut limits, 3), 0);
        for _ in 0..10 {
            limits.give_back(loud, S);
        }
        assert_eq!(
            (2..1_000).filter(|_| limits.take(loud, S).is_ok()).count(),
            10
        );
    }
}
