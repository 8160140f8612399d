//! Names on the command line: each is one of a list that the help shows.

use clap::ValueEnum;
use clap::builder::PossibleValue;

use crate::{Cycle, EnergySource, Gateway};

/// A cycle, by its name.
#[derive(Debug, Clone, Copy)]
pub struct CycleName(Cycle);

impl CycleName {
    /// The cycle that is meant.
    pub(crate) fn cycle(self) -> Cycle {
        self.0
    }
}

impl ValueEnum for CycleName {
    fn value_variants<'a>() -> &'a [Self] {
        const ALL: [CycleName; 4] = [
            CycleName(Cycle::ALL[0]),
            CycleName(Cycle::ALL[1]),
            CycleName(Cycle::ALL[2]),
            CycleName(Cycle::ALL[3]),
        ];
        &ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.0.name()).help(self.0.about()))
    }
}

/// A gateway, by its name.
#[derive(Debug, Clone, Copy)]
pub struct GatewayName(Gateway);

impl GatewayName {
    /// The gateway that is meant.
    pub(crate) fn gateway(self) -> Gateway {
        self.0
    }
}

impl ValueEnum for GatewayName {
    fn value_variants<'a>() -> &'a [Self] {
        const ALL: [GatewayName; Gateway::ALL.len()] = {
            let mut all = [GatewayName(Gateway::Vss); Gateway::ALL.len()];
            let mut at = 0;
            while at < all.len() {
                all[at] = GatewayName(Gateway::ALL[at]);
                at += 1;
            }
            all
        };
        &ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.0.name()).help(self.0.about()))
    }
}

/// A source of the energy mix, by its name on the bus.
#[derive(Debug, Clone, Copy)]
pub struct SourceName(EnergySource);

impl SourceName {
    /// The source that is meant.
    pub(crate) fn source(self) -> EnergySource {
        self.0
    }
}

impl ValueEnum for SourceName {
    fn value_variants<'a>() -> &'a [Self] {
        const ALL: [SourceName; 5] = [
            SourceName(EnergySource::ALL[0]),
            SourceName(EnergySource::ALL[1]),
            SourceName(EnergySource::ALL[2]),
            SourceName(EnergySource::ALL[3]),
            SourceName(EnergySource::ALL[4]),
        ];
        &ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.0.name()))
    }
}
