//! The scenarios that the crate carries.

/// A scenario of the folder `scenarios/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ready {
    pub name: &'static str,
    pub(super) text: &'static str,
}

macro_rules! ready {
    ($($name:literal)*) => {
        &[$(Ready { name: $name, text: include_str!(concat!("../../scenarios/", $name, ".toml")) },)*]
    };
}

impl Ready {
    /// Every one, in the order in which a tester would meet them.
    pub const ALL: &[Self] = ready![
        "commute"
        "red-lights"
        "charge-asleep"
        "harsh-driver"
        "late-night"
        "two-drivers"
        "tunnel"
        "faulty-sensor"
        "garbage"
        "wrong-clocks"
        "sample-and-hold"
        "new-cluster"
        "battery-swap"
        "broker-restart"
        "week-offline"
    ];
}
