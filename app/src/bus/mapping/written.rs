//! One signal as a mapping file has it.

use dashpoint_telematics::Signal;

use super::facts::FileFacts;
use super::joined::{read_difference, read_product};
use super::keys::{Mistake, TableKeys};
use super::spot::{Read, read_spot};
use super::values::{read_conversion, stands_for};

/// Keys of a signal that format 1 has.
const KEYS_1: [&str; 7] = [
    "topic", "alias", "unit", "scale", "offset", "values", "absent",
];
/// Keys of a signal that came with format 2.
const KEYS_2: [&str; 13] = [
    "value",
    "time",
    "time_form",
    "zone",
    "only",
    "null",
    "empty",
    "ignore",
    "constant",
    "beside",
    "minus",
    "product",
    "within_s",
];

/// Reads the table of a signal.
pub(super) fn read(
    signal: Signal,
    keys: TableKeys<'_>,
    facts: &FileFacts,
) -> Result<Read, Mistake> {
    if facts.format < 2
        && let Some(key) = KEYS_2.iter().find(|key| keys.has(key))
    {
        let what =
            format!("{key}: a key of format 2; write `format = 2` in the first line of the file");
        return Err(Mistake::new(key, what));
    }
    let known = [&KEYS_1[..], if facts.format < 2 { &[] } else { &KEYS_2 }].concat();
    keys.only(&known)?;
    if keys.flag("absent")? {
        return read_absent(keys, facts);
    }
    if let Some(constant) = keys.0.get("constant") {
        return read_constant(signal, constant, keys);
    }
    if keys.has("beside") {
        return Err(Mistake::new("beside", "beside: there is no constant"));
    }
    let conversion = read_conversion(signal, keys, facts)?;
    if keys.has("product") {
        return read_product(signal, keys, facts, conversion);
    }
    let spot = read_spot(signal, keys, facts, conversion)?;
    if let Some(minus) = keys.table("minus")? {
        return read_difference(signal, keys, (spot, minus), facts);
    }
    if keys.has("within_s") {
        let what = "within_s: there is neither product nor minus";
        return Err(Mistake::new("within_s", what));
    }
    Ok(Read::Single(spot))
}

fn read_absent(keys: TableKeys<'_>, facts: &FileFacts) -> Result<Read, Mistake> {
    let has_more = if facts.format < 2 {
        // A scale, an offset and words beside it are read for their types, and say nothing.
        keys.number("scale")?;
        keys.number("offset")?;
        keys.table("values")?;
        ["topic", "alias", "unit"].iter().any(|key| keys.has(key))
    } else {
        keys.0.len() > 1
    };
    if has_more {
        let what = "absent: and yet a topic, an alias or a unit is given; expected absent alone";
        return Err(Mistake::new("absent", what));
    }
    Ok(Read::Absent)
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "what a car measures is never a constant"
)]
fn read_constant(
    signal: Signal,
    constant: &toml::Value,
    keys: TableKeys<'_>,
) -> Result<Read, Mistake> {
    let usual = match signal {
        Signal::MixSource => Signal::RenewablePercentage,
        Signal::EvseId => Signal::IsCharging,
        Signal::DriverIssuer => Signal::DriverSubject,
        _ => {
            let what = "constant: only who says something can be constant (EnergyMix.Source, EvseId, Identifier.Issuer); a \
                        signal that a car measures must come from the car";
            return Err(Mistake::new("constant", what));
        }
    };
    keys.only(&["constant", "beside"])?;
    let value = stands_for(signal, constant)
        .map_err(|what| Mistake::new("constant", format!("constant: {what}")))?;
    let beside = match keys.text("beside")? {
        None => usual,
        Some(path) => Signal::from_path(path)
            .filter(|beside| *beside != signal)
            .ok_or_else(|| {
                let what = format!("beside: {path:?}; expected the path of another signal");
                Mistake::new("beside", what)
            })?,
    };
    Ok(Read::Constant { value, beside })
}
