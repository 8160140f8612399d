//! Signals that are made of two.

use dashpoint_telematics::Signal;

use toml::Table;

use super::facts::FileFacts;
use super::keys::{Mistake, TableKeys};
use super::spot::{Read, Spot, read_spot};
use super::values::read_conversion;
use crate::bus::conversion::Conversion;
use crate::bus::source::Joining;

/// Keys of the place at which an operand is published.
const PLACE_KEYS: [&str; 7] = [
    "topic",
    "alias",
    "value",
    "time",
    "time_form",
    "zone",
    "only",
];
/// Keys of an operand beside its place; `unit` where the signal has one of its own.
const OPERAND_KEYS: [&str; 4] = ["ignore", "scale", "offset", "unit"];
/// Time between the two operands of a product, at most, in seconds: a burst of a bus.
const PRODUCT_WITHIN_S: f64 = 2.0;
const PRODUCT_WITHIN_S_MAX: f64 = 60.0;
/// Time between two counters of which one is taken from the other: they are said when they change.
const DIFFERENCE_WITHIN_S: f64 = 1_800.0;
const DIFFERENCE_WITHIN_S_MAX: f64 = 3_600.0;

/// Reads a signal that is the product of two.
pub(super) fn read_product(
    signal: Signal,
    keys: TableKeys<'_>,
    facts: &FileFacts,
    conversion: Conversion,
) -> Result<Read, Mistake> {
    if !matches!(signal, Signal::BatteryPower | Signal::ChargingPower) {
        let what = "product: only a power is volts x amperes (CurrentPower, Charging.AveragePower); a counter that is multiplied \
                    leaps with its other factor";
        return Err(Mistake::new("product", what));
    }
    let others = ["minus", "values", "null", "empty", "ignore"];
    for key in PLACE_KEYS.into_iter().chain(others) {
        if keys.has(key) {
            let what = format!("{key}: expected inside of the product's operands, not beside it");
            return Err(Mistake::new(key, what));
        }
    }
    let operands: Vec<TableKeys<'_>> = keys
        .list("product")?
        .iter()
        .filter_map(|item| item.as_table().map(TableKeys))
        .collect();
    let [first, second] = operands[..] else {
        let what = "product: expected two tables, such as [{ topic = \"volts\" }, { topic = \"amperes\" }]";
        return Err(Mistake::new("product", what));
    };
    let read = |operand| {
        read_operand(signal, operand, facts, false).map_err(|mistake| mistake.in_table("product"))
    };
    let (first, second) = (read(first)?, read(second)?);
    check_pair(&first, &second, "product")?;
    Ok(Read::Joined {
        joining: Joining::Product,
        within_ms: read_within(keys, PRODUCT_WITHIN_S, PRODUCT_WITHIN_S_MAX)?,
        operands: Box::new([first, second]),
        conversion,
    })
}

/// Reads a signal from which a second counter is taken.
pub(super) fn read_difference(
    signal: Signal,
    keys: TableKeys<'_>,
    (spot, minus): (Spot, TableKeys<'_>),
    facts: &FileFacts,
) -> Result<Read, Mistake> {
    if signal != Signal::ConsumedEnergy {
        let what = "minus: only used energy has a counter to take from it, that of the energy put back \
                    (AccumulatedConsumedEnergy)";
        return Err(Mistake::new("minus", what));
    }
    let minus = with_unit_of(keys, minus).map_err(|mistake| mistake.in_table("minus"))?;
    let other = read_operand(signal, TableKeys(&minus), facts, true)
        .map_err(|mistake| mistake.in_table("minus"))?;
    let within_ms = read_within(keys, DIFFERENCE_WITHIN_S, DIFFERENCE_WITHIN_S_MAX)?;
    check_pair(&spot, &other, "minus")?;
    Ok(Read::Joined {
        joining: Joining::Difference,
        within_ms,
        operands: Box::new([spot, other]),
        conversion: Conversion::default(),
    })
}

/// The counter that is taken off has the unit and the scale of the other, unless it has its own.
fn with_unit_of(counter: TableKeys<'_>, minus: TableKeys<'_>) -> Result<Table, Mistake> {
    let mut table = minus.0.clone();
    let own = ["unit", "scale"].map(|key| minus.has(key));
    for (key, has_other) in [("unit", own[1]), ("scale", own[0])] {
        let Some(value) = counter.0.get(key) else {
            continue;
        };
        if has_other && !minus.has(key) {
            let what = format!(
                "{key}: this counter has its own unit or scale, and the first has a {key}; write its {key} as well"
            );
            return Err(Mistake::new(key, what));
        }
        table.entry(key).or_insert_with(|| value.clone());
    }
    Ok(table)
}

fn read_within(keys: TableKeys<'_>, usual_s: f64, most_s: f64) -> Result<u64, Mistake> {
    let within_s = keys.number("within_s")?.unwrap_or(usual_s);
    if !(within_s > 0.0 && within_s <= most_s) {
        let what = format!("within_s: expected seconds, more than 0 and at most {most_s}");
        return Err(Mistake::new("within_s", what));
    }
    Ok((within_s * 1_000.0).round() as u64)
}

/// Two halves must be of one vehicle, and of one clock.
fn check_pair(first: &Spot, second: &Spot, key: &str) -> Result<(), Mistake> {
    if first.is_named != second.is_named {
        let what = format!(
            "{key}: one operand names the vehicle (+) and the other does not; both must be of the same vehicle"
        );
        return Err(Mistake::new(key, what));
    }
    let has_time = |spot: &Spot| matches!(spot.place, Some((_, Some(_))));
    if has_time(first) != has_time(second) {
        let what = format!(
            "{key}: one operand has a time and the other has none; give both a time, or neither"
        );
        return Err(Mistake::new(key, what));
    }
    Ok(())
}

fn read_operand(
    signal: Signal,
    keys: TableKeys<'_>,
    facts: &FileFacts,
    with_unit: bool,
) -> Result<Spot, Mistake> {
    let own = if with_unit {
        &OPERAND_KEYS[..]
    } else {
        &OPERAND_KEYS[..OPERAND_KEYS.len() - 1]
    };
    keys.only(&[&PLACE_KEYS[..], own].concat())?;
    if !keys.has("topic") && !keys.has("alias") {
        return Err(Mistake::new(
            "topic",
            "topic: expected one for each operand",
        ));
    }
    let conversion = read_conversion(signal, keys, facts)?;
    read_spot(signal, keys, facts, conversion)
}
