//! The mappings that are shipped: each hears what its gateway publishes, as that gateway publishes it.

use super::*;

/// A bus with a shipped mapping; the file must be right, and must have its source in its head.
fn gateway(text: &str, vehicle: &str) -> Bus {
    let mapping = Mapping::parse(text, Some(vehicle)).unwrap();
    assert_eq!(mapping.problems(), []);
    Bus::of(mapping)
}

/// Each message says what is beside it.
fn hears(bus: &mut Bus, messages: &[(&str, &str, &str)]) {
    for (topic, payload, said) in messages {
        assert_eq!(bus.said(topic, payload), *said, "{topic} {payload}");
    }
}

/// A shipped file with those of its lines that are for some vehicles or houses only.
fn with_optional_lines(text: &str) -> String {
    let line = |line: &str| match line.strip_prefix('#') {
        Some(optional) if !optional.starts_with(' ') => format!("{optional}\n"),
        Some(_) | None => format!("{line}\n"),
    };
    text.lines().map(line).collect()
}

#[test]
fn teslamate_is_understood() {
    let mut bus = gateway(include_str!("../../../../mapping/teslamate.toml"), "1");
    hears(
        &mut bus,
        &[
            (
                "teslamate/cars/1/state",
                "driving",
                "Ignition=ON IsCharging=false",
            ),
            (
                "teslamate/cars/1/state",
                "charging",
                "Ignition=OFF IsCharging=true",
            ),
            (
                "teslamate/cars/1/state",
                "asleep",
                "Ignition=OFF IsCharging=false",
            ),
            ("teslamate/cars/1/state", "offline", ""),
            ("teslamate/cars/1/speed", "57", "Speed=57"),
            ("teslamate/cars/1/odometer", "1653.42", "Odometer=1653420"),
            ("teslamate/cars/1/shift_state", "D", "Gear=127"),
            ("teslamate/cars/1/shift_state", "", "Gear=126"),
            ("teslamate/cars/1/power", "-9", "BatteryPower=9000"),
            ("teslamate/cars/1/battery_level", "88", "StateOfCharge=88"),
            ("teslamate/cars/1/charge_energy_added", "5.06", "unknown"),
            ("teslamate/cars/2/speed", "90", "unknown"),
        ],
    );
}

#[test]
fn ovms_is_understood() {
    let mut bus = gateway(include_str!("../../../../mapping/ovms.toml"), "ann/EV88");
    hears(
        &mut bus,
        &[
            ("ovms/ann/EV88/metric/v/p/speed", "50.5", "Speed=50.5"),
            (
                "ovms/ann/EV88/metric/v/p/odometer",
                "12345.6",
                "Odometer=12345600",
            ),
            ("ovms/ann/EV88/metric/v/e/on", "yes", "Ignition=ON"),
            (
                "ovms/ann/EV88/metric/v/c/charging",
                "no",
                "IsCharging=false",
            ),
            (
                "ovms/ann/EV88/metric/v/b/power",
                "7.5",
                "BatteryPower=-7500",
            ),
            // Neither is the same quantity in all vehicle modules.
            (
                "ovms/ann/EV88/metric/v/b/energy/used/total",
                "3177.0",
                "unknown",
            ),
            (
                "ovms/ann/EV88/metric/v/b/energy/recd/total",
                "3212.7",
                "unknown",
            ),
            ("ovms/ann/EV88/metric/v/c/kwh/grid/total", "15.2", "unknown"),
            ("ovms/ann/EV88/metric/v/c/kwh", "3.1", "unknown"),
            ("ovms/bob/EV88/metric/v/p/speed", "50.5", "unknown"),
        ],
    );
}

#[test]
fn fleet_telemetry_is_understood() {
    let file = include_str!("../../../../mapping/fleet-telemetry.toml");
    let mut bus = gateway(file, "5YJ3E1EA7KF000001");
    let of = |field: &str| format!("telemetry/5YJ3E1EA7KF000001/v/{field}");
    for (field, payload, said) in [
        ("VehicleSpeed", "10", "Speed=16.09344"),
        ("VehicleSpeed", "\"10\"", "Speed=16.09344"),
        ("VehicleSpeed", "null", ""),
        ("VehicleSpeed", "\"<invalid>\"", ""),
        ("Odometer", "1000.5", "Odometer=1610148.672"),
        ("DriveRail", "true", "Ignition=ON"),
        ("Gear", "\"ShiftStateP\"", "Gear=126"),
        ("Gear", "\"D\"", "Gear=127"),
        ("LifetimeEnergyUsed", "900", ""),
        ("LifetimeEnergyGainedRegen", "100", "ConsumedEnergy=800"),
        (
            "DetailedChargeState",
            "\"DetailedChargeStateCharging\"",
            "IsCharging=true",
        ),
        (
            "DetailedChargeState",
            "\"DetailedChargeStateStopped\"",
            "IsCharging=false",
        ),
        ("ACChargingEnergyIn", "3.5", "unknown"),
        // In g or in m/s2: nobody knows.
        ("LongitudinalAcceleration", "-0.5", "unknown"),
        ("LateralAcceleration", "0.5", "unknown"),
    ] {
        assert_eq!(bus.said(&of(field), payload), said, "{field} {payload}");
    }
}

#[test]
fn bmw_is_understood_raw_and_split() {
    let mut bus = gateway(
        include_str!("../../../../mapping/bmw-cardata.toml"),
        "gcid/WBA00000000000001",
    );
    let raw = r#"{"vin":"WBA00000000000001","entityId":"e","topic":"t","timestamp":"2026-11-22T08:00:09Z","data":{
        "vehicle.isMoving":{"timestamp":"2026-11-22T08:00:01Z","value":true},
        "vehicle.vehicle.travelledDistance":{"timestamp":"2026-11-22T08:00:02.5Z","value":"61570","unit":"km"},
        "vehicle.drivetrain.engine.isIgnitionOn":{"timestamp":"2026-11-22T08:00:01Z","value":"ASN_isTrue"},
        "vehicle.drivetrain.electricEngine.charging.status":{"timestamp":"2026-11-22T08:00:01Z","value":"NOCHARGING"},
        "vehicle.body.trunk.isOpen":{"timestamp":"2026-11-22T08:00:01Z","value":false}}}"#;
    hears(
        &mut bus,
        &[
            (
                "gcid/WBA00000000000001",
                raw,
                "IsMoving=true@1000 Odometer=61570000@2500 Ignition=ON@1000 IsCharging=false@1000",
            ),
            ("gcid/WBA00000000000002", raw, "unknown"),
        ],
    );
    let mut bus = gateway(
        include_str!("../../../../mapping/bmw-mqtt-bridge.toml"),
        "WBA00000000000001",
    );
    let of = |key: &str| format!("bmw/vehicles/WBA00000000000001/{key}");
    let point = |value: &str| {
        format!("{{\"value\":{value},\"unit\":\"km\",\"timestamp\":\"2026-11-22T08:00:01Z\"}}")
    };
    for (key, value, said) in [
        ("vehicle.isMoving", "false", "IsMoving=false@1000"),
        ("vehicle.isMoving", "\"ASN_isUnknown\"", ""),
        (
            "vehicle.vehicle.travelledDistance",
            "61570",
            "Odometer=61570000@1000",
        ),
        (
            "vehicle.drivetrain.engine.isIgnitionOn",
            "true",
            "Ignition=ON@1000",
        ),
        (
            "vehicle.drivetrain.electricEngine.charging.status",
            "\"CHARGINGACTIVE\"",
            "IsCharging=true@1000",
        ),
        (
            "vehicle.drivetrain.electricEngine.charging.consumptionOverLifeTime.overall.gridEnergy",
            "4321.5",
            "ChargedEnergy=4321.5@1000",
        ),
    ] {
        assert_eq!(bus.said(&of(key), &point(value)), said, "{key}");
    }
}

#[test]
fn wican_is_understood_in_groups() {
    let mut bus = gateway(include_str!("../../../../mapping/wican.toml"), "a1b2");
    hears(
        &mut bus,
        &[
            (
                "wican/a1b2/autopid",
                r#"{"SPEED":50,"ODOMETER":12345,"IGNITION":"on","HV_V":400.5,"HV_A":10,"TEMP":20}"#,
                "Speed=50 Odometer=12345000 Ignition=ON",
            ),
            (
                "wican/a1b2/autopid",
                r#"{"IGNITION":"off","CHARGING":"on"}"#,
                "Ignition=OFF IsCharging=true",
            ),
            (
                "wican/a1b2/autopid",
                r#"{"IGNITION":1,"CHARGING":0}"#,
                "Ignition=ON IsCharging=false",
            ),
            (
                "wican/a1b2/autopid",
                r#"{"SOC":80.5}"#,
                "StateOfCharge=80.5",
            ),
            ("wican/a1b2/autopid", r#"{"CHARGED_TOTAL":800}"#, ""),
        ],
    );
}

#[test]
fn viss_is_understood() {
    let mut bus = gateway(include_str!("../../../../mapping/viss.toml"), "car");
    let reply = |path: &str, value: &str| {
        format!(
            r#"{{"action":"subscription","subscriptionId":"1","data":{{"path":"{path}","dp":{{"value":"{value}","ts":"2026-11-22T08:00:01Z"}}}},"ts":"2026-11-22T08:00:09Z"}}"#
        )
    };
    for (path, value, said) in [
        ("Vehicle.Speed", "50", "Speed=50@1000"),
        ("Vehicle.LowVoltageSystemState", "ON", "Ignition=ON@1000"),
        ("Vehicle.IsMoving", "true", "IsMoving=true@1000"),
        ("Vehicle.Cabin.DoorCount", "4", ""),
    ] {
        assert_eq!(bus.said("dashpoint/viss/car", &reply(path, value)), said);
    }
}

#[test]
fn charging_points_are_understood() {
    let mut bus = gateway(include_str!("../../../../mapping/evcc.toml"), "1");
    hears(
        &mut bus,
        &[
            ("evcc/loadpoints/1/charging", "true", "IsCharging=true"),
            (
                "evcc/loadpoints/1/chargeTotalImport",
                "6960.671",
                "ChargedEnergy=6960.671",
            ),
            ("evcc/loadpoints/1/chargeTotalImport", "", ""),
            (
                "evcc/loadpoints/1/sessionSolarPercentage",
                "62.5",
                "unknown",
            ),
            ("evcc/site/greenShareLoadpoints", "0.625", "unknown"),
            ("evcc/loadpoints/1/chargedEnergy", "7420.896", "unknown"),
            ("evcc/loadpoints/2/charging", "true", "unknown"),
        ],
    );
    let mut bus = gateway(include_str!("../../../../mapping/openwb.toml"), "2");
    hears(
        &mut bus,
        &[
            (
                "openWB/chargepoint/2/get/charge_state",
                "true",
                "IsCharging=true",
            ),
            (
                "openWB/chargepoint/2/get/imported",
                "4321500",
                "ChargedEnergy=4321.5",
            ),
            (
                "openWB/chargepoint/2/get/power",
                "11000",
                "ChargingPower=11",
            ),
        ],
    );
}

#[test]
fn optional_lines_are_right_as_well() {
    let evcc = with_optional_lines(include_str!("../../../../mapping/evcc.toml"));
    hears(
        &mut gateway(&evcc, "1"),
        &[(
            "evcc/site/greenShareLoadpoints",
            "0.625",
            "MixSource=SITE RenewablePercentage=62.5",
        )],
    );
    let wican = with_optional_lines(include_str!("../../../../mapping/wican.toml"));
    hears(
        &mut gateway(&wican, "a1b2"),
        &[(
            "wican/a1b2/autopid",
            r#"{"HV_V":400.5,"HV_A":10}"#,
            "BatteryPower=-4005",
        )],
    );
    let ovms = with_optional_lines(include_str!("../../../../mapping/ovms.toml"));
    hears(
        &mut gateway(&ovms, "ann/EV88"),
        &[(
            "ovms/ann/EV88/metric/v/c/kwh/grid/total",
            "1234.5",
            "ChargedEnergy=1234.5",
        )],
    );
}
