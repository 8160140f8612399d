//! The shipped mappings, and what can be earned with each.

use super::*;
use crate::abilities::Lack;

fn abilities(text: &str, vehicle: &str) -> Vec<AbilityFinding> {
    mapping(text, vehicle).said().abilities()
}

fn mapping(text: &str, vehicle: &str) -> Mapping {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mapping.toml");
    std::fs::write(&file, text).unwrap();
    let vehicle = (!vehicle.is_empty()).then_some(vehicle);
    Mapping::load(&file, vehicle).unwrap()
}

macro_rules! shipped {
    ($($name:literal),*) => { [$(($name, include_str!(concat!("../../../mapping/", $name, ".toml")))),*] };
}

#[test]
fn each_shipped_mapping_says_what_it_earns() {
    let files = shipped!(
        "teslamate",
        "ovms",
        "fleet-telemetry",
        "bmw-cardata",
        "bmw-mqtt-bridge",
        "wican",
        "viss",
        "evcc",
        "openwb",
        "vss-5.1",
        "example"
    );
    let names = [
        "1", "user/car", "VIN", "GCID/VIN", "VIN", "DEVICE", "VEHICLE", "1", "1", "", "",
    ];
    let lines = files.into_iter().zip(names).map(|((name, text), vehicle)| {
        let abilities = abilities(text, vehicle);
        let extents = abilities.iter().map(|finding| {
            let (ability, extent) = (finding.ability, finding.extent);
            let ability = ability_text(Language::English, ability);
            format!("{ability} {}", extent_text(Language::English, extent))
        });
        let extents: Vec<String> = extents.collect();
        format!("{name}: {}", extents.join(", "))
    });
    insta::assert_snapshot!(lines.collect::<Vec<_>>().join("\n"), @r"
    teslamate: trips yes, distance yes, energy used estimated, braking yes, charging none, parked state yes
    ovms: trips yes, distance yes, energy used estimated, braking yes, charging none, parked state yes
    fleet-telemetry: trips yes, distance yes, energy used metered, braking yes, charging none, parked state yes
    bmw-cardata: trips yes, distance yes, energy used none, braking none, charging metered, parked state yes
    bmw-mqtt-bridge: trips yes, distance yes, energy used none, braking none, charging metered, parked state yes
    wican: trips yes, distance yes, energy used none, braking yes, charging none, parked state yes
    viss: trips yes, distance yes, energy used metered, braking yes, charging metered, parked state yes
    evcc: trips none, distance none, energy used none, braking none, charging metered, parked state none
    openwb: trips none, distance none, energy used none, braking none, charging metered, parked state none
    vss-5.1: trips yes, distance yes, energy used metered, braking yes, charging metered, parked state yes
    example: trips yes, distance yes, energy used metered, braking yes, charging metered, parked state yes
    ");
}

#[test]
fn what_is_missing_is_said() {
    let evcc = abilities(include_str!("../../../mapping/evcc.toml"), "1");
    let lines = |language| {
        let table = ability_table(&evcc, language).to_string();
        let lines: Vec<&str> = table.lines().map(str::trim_end).collect();
        format!("{}\n{}", lines.join("\n"), verdict(&evcc, language))
    };
    insta::assert_snapshot!(lines(Language::English), @r"
     ability       extent   missing
     trips         none     There is no odometer (TraveledDistance), and a trip is paid by its metres.
     distance      none     It is a part of a trip, and there are no trips.
     energy used   none     It is a part of a trip, and there are no trips.
     braking       none     It is a part of a trip, and there are no trips.
     charging      metered
     parked state  none     There is neither a gear (SelectedGear) nor an ignition: the screen stays as it is while driving.
    the mapping can be used; trips earn nothing with it
    ");
    insta::assert_snapshot!(lines(Language::Chinese), @r"
     能力      程度  缺少
     行程      无    没有里程表（TraveledDistance），行程按里程计算。
     里程      无    它属于行程，而该车没有行程。
     行驶能耗  无    它属于行程，而该车没有行程。
     制动      无    它属于行程，而该车没有行程。
     充电      计量
     驻车状态  无    既没有挡位（SelectedGear），也没有点火状态：屏幕保持行驶中的样子。
    映射可用；行程不累计积分
    ");
}

#[test]
fn a_text_that_is_no_word_can_still_be_on() {
    let told = |values: &str| {
        let text = format!(
            "format = 2\nothers = \"absent\"\n[signals.\"Vehicle.TraveledDistance\"]\n\
             [signals.\"Vehicle.LowVoltageSystemState\"]\n{values}\n"
        );
        let mapping = mapping(&text, "");
        let trips = &mapping.said().abilities()[0];
        let hints = report(&mapping, &[], Language::English).hints.len();
        (trips.lacks.first().copied(), hints)
    };
    let off = r#"values = { away = "OFF" }"#;
    assert_eq!(told(off), (None, 1));
    assert_eq!(told(r#"values = { go = "ON" }"#), (None, 0));
    assert_eq!(told(""), (None, 0));
    let never = r#"values = { ON = "ACC" }
ignore = ["START"]"#;
    assert_eq!(told(never), (Some(Lack::WordForOn), 0));
}
