//! Addresses that limits are counted by.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// One caller of the network as limits see him: an IPv4 address, or the /64 of an IPv6 address, since a household or a
/// rented machine has all of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Peer {
    V4(Ipv4Addr),
    V6([u16; 4]),
}

/// An address, or one of the networks around it that somebody may have as a whole: the /24 and /16 of an IPv4 address, the /48 and
/// /32 of an IPv6 address. A site or a rented machine has a /48, a provider a /32.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Prefix {
    is_v6: bool,
    bits: u64,
    length: u32,
}

impl Prefix {
    /// The number of networks around a caller, with his address.
    pub const WIDTHS: usize = 3;

    const fn around(is_v6: bool, bits: u64, length: u32) -> Self {
        Self {
            is_v6,
            bits: bits & (u64::MAX << (64 - length)),
            length,
        }
    }
}

impl Peer {
    /// Lists the networks that a caller is in: of a provider, of a site, and the address.
    pub fn networks(self) -> [Prefix; Prefix::WIDTHS] {
        match self {
            Self::V4(address) => {
                let bits = u64::from(address.to_bits()) << 32;
                [16, 24, 32].map(|length| Prefix::around(false, bits, length))
            }
            Self::V6(parts) => {
                let bits = parts
                    .iter()
                    .fold(0, |bits, part| bits << 16 | u64::from(*part));
                [32, 48, 64].map(|length| Prefix::around(true, bits, length))
            }
        }
    }
}

/// The header in which a TLS terminator names the address that called it.
pub(crate) const FORWARDED_FOR: &str = "x-forwarded-for";

impl From<IpAddr> for Peer {
    fn from(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self::V4(address),
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                Self::V6([a, b, c, d])
            }
        }
    }
}

/// The addresses whose word on the caller's address is believed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Proxies(Vec<IpAddr>);

impl Proxies {
    pub fn new(addresses: &[IpAddr]) -> Self {
        Self(addresses.iter().map(IpAddr::to_canonical).collect())
    }

    /// Checks whether a connection comes from one of them.
    pub fn trusts(&self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }

    /// Finds the caller of a request: the address of the connection, or behind a trusted proxy the last address of the
    /// header that is not a trusted proxy itself. What stands before it was written by the caller and proves nothing, and so
    /// does what stands before something that is no address.
    pub fn caller<'a>(
        &self,
        connection: SocketAddr,
        headers: impl DoubleEndedIterator<Item = &'a [u8]>,
    ) -> Peer {
        let mut caller = connection.ip();
        if self.trusts(caller) {
            for named in headers
                .rev()
                .flat_map(|header| header.rsplit(|byte| *byte == b','))
            {
                let Some(named) = address(named) else { break };
                caller = named;
                if !self.trusts(named) {
                    break;
                }
            }
        }
        Peer::from(caller)
    }
}

/// Reads an address, with or without a port.
fn address(bytes: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(bytes).ok()?.trim();
    let bare = || text.trim_start_matches('[').trim_end_matches(']').parse();
    let with_port = || text.parse::<SocketAddr>().map(|address| address.ip());
    bare().or_else(|_| with_port()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(trusted: &[&str], connection: &str, headers: &[&str]) -> Peer {
        let trusted: Vec<IpAddr> = trusted.iter().map(|text| text.parse().unwrap()).collect();
        let connection = SocketAddr::new(connection.parse().unwrap(), 4711);
        let headers = headers.iter().map(|header| header.as_bytes());
        Proxies::new(&trusted).caller(connection, headers)
    }

    fn peer(text: &str) -> Peer {
        Peer::from(text.parse::<IpAddr>().unwrap())
    }

    #[test]
    fn what_stands_before_something_unreadable_is_not_believed() {
        let proxies = Proxies::new(&["10.0.0.1".parse().unwrap()]);
        let connection = SocketAddr::new("10.0.0.1".parse().unwrap(), 4711);
        for unreadable in [&b"\xff"[..], b"", b"unknown", b"203.0.113.1, \xe4"] {
            let headers: [&[u8]; 2] = [b"1.1.1.1", unreadable];
            assert_eq!(
                proxies.caller(connection, headers.into_iter()),
                peer("10.0.0.1"),
                "{unreadable:?}"
            );
        }
    }

    #[test]
    fn the_header_counts_only_from_a_trusted_proxy_and_only_its_own_end() {
        let cases: [(&[&str], &str, &[&str], &str); 9] = [
            (&[], "192.0.2.9", &["203.0.113.1"], "192.0.2.9"),
            (&["10.0.0.1"], "192.0.2.9", &["203.0.113.1"], "192.0.2.9"),
            (&["10.0.0.1"], "10.0.0.1", &[], "10.0.0.1"),
            (
                &["10.0.0.1"],
                "10.0.0.1",
                &["1.1.1.1, 203.0.113.1"],
                "203.0.113.1",
            ),
            (
                &["10.0.0.1"],
                "10.0.0.1",
                &["1.1.1.1", "203.0.113.1:99"],
                "203.0.113.1",
            ),
            (
                &["10.0.0.1", "10.0.0.2"],
                "10.0.0.1",
                &["203.0.113.1, 10.0.0.2"],
                "203.0.113.1",
            ),
            (
                &["10.0.0.1"],
                "10.0.0.1",
                &["203.0.113.1, nonsense"],
                "10.0.0.1",
            ),
            (&["::1"], "::1", &["[2001:db8::7]:99"], "2001:db8::1"),
            (
                &["10.0.0.1"],
                "::ffff:10.0.0.1",
                &["2001:db8::7"],
                "2001:db8::9",
            ),
        ];
        for (trusted, connection, headers, expected) in cases {
            let found = caller(trusted, connection, headers);
            assert_eq!(
                found,
                peer(expected),
                "{trusted:?} {connection} {headers:?}"
            );
        }
    }

    #[test]
    fn the_networks_around_a_caller_go_from_wide_to_narrow() {
        let shared = |one: &str, other: &str| {
            let (one, other) = (peer(one).networks(), peer(other).networks());
            one.iter()
                .zip(&other)
                .filter(|(one, other)| one == other)
                .count()
        };
        assert_eq!(shared("192.0.2.1", "192.0.2.1"), 3);
        assert_eq!(shared("192.0.2.1", "192.0.2.2"), 2);
        assert_eq!(shared("192.0.2.1", "192.0.3.1"), 1);
        assert_eq!(shared("192.0.2.1", "192.1.2.1"), 0);
        assert_eq!(shared("2001:db8:1:2::1", "2001:db8:1:3::1"), 2);
        assert_eq!(shared("2001:db8:1:2::1", "2001:db8:2:2::1"), 1);
        assert_eq!(shared("2001:db8:1:2::1", "2001:db9:1:2::1"), 0);
        assert_eq!(shared("::", "0.0.0.0"), 0);
    }

    #[test]
    fn one_caller_has_a_whole_64_of_ipv6_and_one_address_of_ipv4() {
        assert_eq!(peer("2001:db8:0:1::1"), peer("2001:db8:0:1:ffff::2"));
        assert_ne!(peer("2001:db8:0:1::1"), peer("2001:db8:0:2::1"));
        assert_eq!(peer("::ffff:192.0.2.1"), peer("192.0.2.1"));
        assert_ne!(peer("192.0.2.1"), peer("192.0.2.2"));
    }
}
