//! Holds the files of the data folder against each other and against the vehicle: what is of another car is not shown.

use dashpoint_membership::{DeviceId, VehicleId};
use dashpoint_store::StoreReader;
use dashpoint_ui::locale::Language;

use crate::books::{bound_statements, certificate};
use crate::config::Config;
use crate::data_folder::identity;
use crate::keys::{KeyState, KeyStore};
use crate::live::LastSeen;
use crate::names::is_vehicle;

/// The ledger of the data folder is of another car.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OtherCar {
    /// Configuration or bus name another vehicle than its certificate.
    #[error("{}", self.in_words(Language::English))]
    Vehicle,
    /// The device key is not the one of its certificate, and the cache has the statement of nobody who is bound in it.
    #[error("{}", self.in_words(Language::English))]
    Key,
}

impl OtherCar {
    /// Words it in one line, with the way out.
    #[must_use]
    pub const fn in_words(self, language: Language) -> &'static str {
        match self {
            Self::Vehicle => other_vehicle(language),
            Self::Key => other_key(language),
        }
    }
}

/// Says that the head unit sits in another car than the one that it was enrolled in.
#[must_use]
pub const fn other_vehicle(language: Language) -> &'static str {
    language.choose("this is another car than the one that was enrolled: nothing is earned or shown; put the data folder of this car \
         back, or enrol with a new one; if it is the same car, set `cloud.key` as it was, with its salt",
        "本车与绑定车辆不符，不累计积分，也不显示账户；请换回本车的数据目录，或以新目录重新绑定；若车辆未变，请恢复原来的 cloud.key（含盐值）",
    )
}

/// Says that the device key is not the one of the ledger's certificate.
#[must_use]
pub const fn other_key(language: Language) -> &'static str {
    language.choose("device.key is of another car: nothing can be signed, evidence waits; put this car's file back",
        "device.key 属于其他车辆，暂不能签名，记录已保留；请换回本车文件",
    )
}

/// Returns whether the configuration names another vehicle than this one.
#[must_use]
pub fn is_configured_elsewhere(config: &Config, vehicle: VehicleId) -> bool {
    let vin = config.vin.as_deref();
    vin.is_some_and(|vin| !is_vehicle(vehicle, vin, config.cloud.salt.as_ref()))
}

/// Reads what was seen when the head unit ran last; of another vehicle the configuration tells without it.
#[must_use]
pub fn last_seen(
    config: &Config,
    reader: &StoreReader,
    device: DeviceId,
    vehicle: VehicleId,
) -> LastSeen {
    let kept = LastSeen::read(reader, device);
    LastSeen {
        other_vehicle: kept.other_vehicle || is_configured_elsewhere(config, vehicle),
        ..kept
    }
}

/// Refuses while the ledger is of another car than key, cache, configuration or bus.
///
/// A wrong key alone hides nothing: the cache bears the ledger out, as on the screen.
///
/// # Errors
/// [`OtherCar`]; when the folder cannot be read, or was never enrolled.
pub fn refuse_other_car(config: &Config, reader: &StoreReader) -> anyhow::Result<()> {
    let certificate = certificate(reader, &config.cloud.key)?;
    let certified = certificate.body();
    if last_seen(config, reader, certified.device, certified.vehicle).other_vehicle {
        return Err(OtherCar::Vehicle.into());
    }
    let key = KeyStore::open(&config.data)?.certified_key(&certified.key);
    if KeyState::of(&key) == KeyState::OfAnotherDevice {
        let held = bound_statements(reader, &identity(&certificate, config))?;
        if held.readable.is_empty() && held.sealed.is_empty() {
            return Err(OtherCar::Key.into());
        }
    }
    Ok(())
}
