//! What befalls the car, as data.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use vehicle_sim::{Charge, Cycle, EnergySource};

/// One thing after another.
#[derive(Debug, Clone)]
pub struct Story {
    /// When the first drive begins.
    pub begins: Timestamp,
    /// The member's zone, which is the car's.
    pub zone: TimeZone,
    /// The member's name.
    pub member: String,
    /// What happens.
    pub steps: Vec<Step>,
}

/// One thing.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// The head unit asks to be the member's; the member says yes.
    Enrol,
    /// The car drives a cycle.
    Drive {
        /// Which.
        cycle: Cycle,
        /// Where in it the head unit is killed and started again, in percent of its messages; not at all when absent.
        kill_at_percent: Option<u8>,
    },
    /// The car charges, parked.
    Charge(Charge),
    /// The cloud is out of reach from here on.
    NetworkGoes,
    /// The cloud can be reached again, and everything is settled.
    NetworkReturns,
}

impl Story {
    /// A Sunday with everything in it that must not cost a point. Its date is fixed, so that it is the same each time.
    ///
    /// # Errors
    /// None in practice: the zone is part of the program.
    pub fn of_a_sunday() -> Result<Self, jiff::Error> {
        let drive = |cycle, kill_at_percent| Step::Drive {
            cycle,
            kill_at_percent,
        };
        let zone = TimeZone::get("Asia/Shanghai")?;
        let begins = jiff::civil::date(2026, 11, 22).at(8, 0, 0, 0);
        Ok(Self {
            begins: begins.to_zoned(zone.clone())?.timestamp(),
            zone,
            member: "陈玥".to_owned(),
            steps: vec![
                Step::Enrol,
                drive(Cycle::Wltc3b, None),
                Step::NetworkGoes,
                drive(Cycle::Us06, None),
                Step::Charge(Charge {
                    kwh: 18.0,
                    renewable_percent: 80,
                    source: EnergySource::Iso15118,
                    dc: true,
                }),
                drive(Cycle::Udds, Some(50)),
                Step::NetworkReturns,
            ],
        })
    }
}
