//! Charging sessions: energy, origin, and what nobody saw.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[expect(dead_code, reason = "each test file uses another part of it")]
mod common;

use common::{
    Car, START_MS, charged, charges, finished, fold, fold_under, settings, short_drive, station,
    trips,
};
use dashpoint_membership::policy::{CleanWindow, SiteMix};
use dashpoint_membership::{Current, Evidence, Grade};
use dashpoint_telematics::{Marks, Outcome, PrivateEvidence, Signal};

#[test]
fn a_metered_session_has_its_energy_and_its_share() {
    let mut car = Car::new();
    car.meters();
    station(&mut car, "SITE", 80.0);
    car.wait(1_000);
    car.charge(18.0, 100);
    let all = finished(&fold(&car.samples, Marks::default()));
    let [charge] = &charges(&all)[..] else {
        panic!("{all:?}");
    };
    assert_eq!(charge.charged, charged(4_000_000, 4_018_000));
    assert_eq!(
        (charge.renewable_permille, charge.grade, charge.current),
        (800, Grade::Metered, Current::Ac)
    );
    assert_eq!(
        charge.started.map(|started| started.as_unix_s()),
        Some(START_MS / 1_000)
    );
    let PrivateEvidence::Charge(trace) = &all[0].private else {
        panic!("{all:?}");
    };
    assert_eq!(
        (trace.evse.as_str(), trace.steps.len(), trace.reconstructed),
        ("CNTSTE000001", 1, false)
    );
}

#[test]
fn the_share_is_weighted_by_energy() {
    let mut car = Car::new();
    car.meters();
    station(&mut car, "SITE", 100.0);
    car.flag(Signal::IsCharging, true);
    for (kwh, then) in [(6.0, 40.0), (2.0, 40.0)] {
        car.wait(60_000);
        car.charged_kwh += kwh;
        car.number(Signal::ChargedEnergy, car.charged_kwh);
        // Said together with the counter: it holds for what comes.
        car.number(Signal::RenewablePercentage, then);
    }
    car.flag(Signal::IsCharging, false);
    let charge = &charges(&finished(&fold(&car.samples, Marks::default())))[0];
    assert_eq!(charge.renewable_permille, (6 * 1_000 + 2 * 400) / 8);
}

#[test]
fn a_site_declares_and_a_window_estimates() {
    let mut settings = settings();
    settings.sites = vec![
        SiteMix {
            evse_prefix: "CN".to_owned(),
            renewable_permille: 300,
        },
        SiteMix {
            evse_prefix: "CNTST".to_owned(),
            renewable_permille: 650,
        },
    ];
    // 00:00 UTC is 08:00 at the car.
    settings.windows = vec![CleanWindow {
        from_min: 480,
        to_min: 540,
        renewable_permille: 420,
    }];
    for (evse, source, expected) in [
        ("CNTSTE000001", "OCPI", (650, Grade::Declared)),
        ("cn*tst*000001", "OCPI", (650, Grade::Declared)),
        ("DETSTE000001", "OCPI", (420, Grade::Estimated)),
        ("ZZ00000", "ESTIMATE", (420, Grade::Estimated)),
        // The station announces its share ahead: it stands above the table, and is no meter.
        ("CNTSTE000001", "ISO15118", (800, Grade::Declared)),
        ("CNTSTE000001", "SITE", (800, Grade::Metered)),
        ("CNTSTE000001", "OCMF", (800, Grade::Metered)),
    ] {
        let mut car = Car::new();
        car.meters();
        car.text(Signal::EvseId, evse);
        car.text(Signal::MixSource, source);
        car.number(Signal::RenewablePercentage, 80.0);
        car.charge(5.0, 10);
        let charge = charges(&fold_under(settings.clone(), &car.samples)).remove(0);
        assert_eq!(
            (charge.renewable_permille, charge.grade),
            expected,
            "{evse} {source}"
        );
    }
}

#[test]
fn an_announced_share_follows_the_power() {
    let mut car = Car::new();
    car.meters();
    station(&mut car, "ISO15118", 80.0);
    car.text(Signal::PriceRules, "0:80,11000:40,50000:20");
    car.flag(Signal::IsCharging, true);
    // A fast charge that becomes slower at its end.
    for (watts, minutes) in [(120_000.0, 3), (30_000.0, 4), (7_200.0, 10)] {
        for _ in 0..minutes {
            car.number(Signal::BatteryPower, watts);
            car.wait(60_000);
            car.charged_kwh += watts / 60_000.0;
            car.number(Signal::ChargedEnergy, car.charged_kwh);
        }
    }
    // A share beyond a whole is an error of the station: what it announced before holds.
    car.text(Signal::PriceRules, "0:255");
    car.number(Signal::RenewablePercentage, 255.0);
    car.wait(60_000);
    car.charged_kwh += 0.12;
    car.number(Signal::ChargedEnergy, car.charged_kwh);
    car.flag(Signal::IsCharging, false);
    let charge = charges(&finished(&fold(&car.samples, Marks::default()))).remove(0);
    assert_eq!(charge.charged.length(), 9_320);
    assert_eq!(
        (charge.renewable_permille, charge.grade),
        // (6,000 x 200 + 2,000 x 400 + 1,320 x 800) / 9,320
        (328, Grade::Declared)
    );
}

#[test]
fn without_power_the_least_share_counts() {
    let mut car = Car::new();
    car.meters();
    station(&mut car, "ISO15118", 80.0);
    car.text(Signal::PriceRules, "0:80,11000:40");
    car.flag(Signal::IsCharging, true);
    car.wait(60_000);
    car.charged_kwh += 1.0;
    car.number(Signal::ChargedEnergy, car.charged_kwh);
    car.flag(Signal::IsCharging, false);
    let charge = charges(&finished(&fold(&car.samples, Marks::default()))).remove(0);
    assert_eq!(
        (charge.renewable_permille, charge.grade),
        (400, Grade::Declared)
    );
}

#[test]
fn what_was_said_of_one_session_is_not_said_of_the_next() {
    // At the same point after a pause, after a long one, and after a drive.
    for (pause_s, drives, next) in [
        (60, false, Grade::Metered),
        (3 * 3_600, false, Grade::Estimated),
        (60, true, Grade::Estimated),
    ] {
        let mut car = Car::new();
        car.meters();
        station(&mut car, "SITE", 80.0);
        car.charge(5.0, 10);
        car.wait(pause_s * 1_000);
        if drives {
            car.drive(&short_drive());
        }
        car.charge(5.0, 10);
        let charges = charges(&finished(&fold(&car.samples, Marks::default())));
        let grades: Vec<_> = charges
            .iter()
            .map(|charge| (charge.grade, charge.charged.length()))
            .collect();
        assert_eq!(
            grades,
            [(Grade::Metered, 5_000), (next, 5_000)],
            "{pause_s} s"
        );
    }
}

#[test]
fn a_car_that_slept_while_parked_charges_in_one_session() {
    let mut car = Car::new();
    car.meters();
    // Nothing was on the bus for an hour, and the counter comes only with the first energy; so does the mix.
    car.wait(3_600_000);
    car.flag(Signal::IsCharging, true);
    car.number(Signal::BatteryPower, 60_000.0);
    for _ in 0..10 {
        car.wait(10_000);
        car.charged_kwh += 0.16;
        car.number(Signal::ChargedEnergy, car.charged_kwh);
        station(&mut car, "SITE", 70.0);
    }
    car.flag(Signal::IsCharging, false);
    let charges = charges(&finished(&fold(&car.samples, Marks::default())));
    let [charge] = &charges[..] else {
        panic!("{charges:?}");
    };
    assert_eq!(charge.charged, charged(4_000_000, 4_001_600));
    assert_eq!(
        (charge.renewable_permille, charge.grade, charge.current),
        (700, Grade::Metered, Current::Dc)
    );
}

/// Kinds and energies of what a car signs that was charged with `unseen_kwh` while nobody saw it, and then in a session whose
/// counter comes `late_s` late, with `session_kwh` more.
fn signed_after_an_unseen_charge(
    watts: f64,
    unseen_kwh: f64,
    late_s: i64,
    session_kwh: f64,
) -> Vec<(Current, u64, bool)> {
    let mut car = Car::new();
    car.meters();
    car.wait(3_600_000);
    car.charged_kwh += unseen_kwh;
    car.flag(Signal::IsCharging, true);
    car.number(Signal::BatteryPower, watts);
    car.wait(late_s * 1_000);
    car.charged_kwh += session_kwh;
    car.number(Signal::ChargedEnergy, car.charged_kwh);
    car.wait(600_000);
    car.charged_kwh += 1.0;
    car.number(Signal::ChargedEnergy, car.charged_kwh);
    car.flag(Signal::IsCharging, false);
    let charges = charges(&finished(&fold(&car.samples, Marks::default())));
    let parts = charges.iter().map(|charge| {
        (
            charge.current,
            charge.charged.length(),
            charge.started.is_some(),
        )
    });
    parts.collect()
}

#[test]
fn a_late_counter_reaches_back_with_the_power_of_the_kind_that_is_signed() {
    let ac_minute_wh = Current::Ac.watts_max() / 60;
    assert_eq!(
        signed_after_an_unseen_charge(7_000.0, 20.0, 240, 0.466),
        [
            (Current::Unknown, 20_466, false),
            (Current::Ac, 1_000, true)
        ],
        "360 kW would have given it in this time"
    );
    assert_eq!(
        signed_after_an_unseen_charge(7_000.0, 0.0, 240, 0.466),
        [(Current::Ac, 1_466, true)]
    );
    // No power was said: what is signed later may be of any kind.
    assert_eq!(
        signed_after_an_unseen_charge(0.0, 20.0, 240, 0.466),
        [
            (Current::Unknown, 20_466, false),
            (Current::Unknown, 1_000, true)
        ]
    );
    // The most that it reaches back by alternating current, and a step of the counter.
    for (wh, sessions) in [(4 * ac_minute_wh + 1_000, 1), (4 * ac_minute_wh + 1_010, 2)] {
        let signed = signed_after_an_unseen_charge(7_000.0, 0.0, 240, wh as f64 / 1_000.0);
        assert_eq!(signed.len(), sessions, "{wh} {signed:?}");
    }
    assert_eq!(
        signed_after_an_unseen_charge(150_000.0, 0.0, 240, 10.0),
        [(Current::Dc, 11_000, true)]
    );
}

#[test]
fn a_session_with_more_energy_than_its_power_gives_is_not_signed_as_of_that_power() {
    let mut car = Car::new();
    car.meters();
    car.flag(Signal::IsCharging, true);
    // The power of the beginning is all that is said of it.
    car.number(Signal::BatteryPower, 3_000.0);
    for _ in 0..10 {
        car.wait(60_000);
        car.charged_kwh += 2.5;
        car.number(Signal::ChargedEnergy, car.charged_kwh);
    }
    car.flag(Signal::IsCharging, false);
    let charges = charges(&finished(&fold(&car.samples, Marks::default())));
    let [charge] = &charges[..] else {
        panic!("{charges:?}");
    };
    assert_eq!(
        (charge.current, charge.charged.length()),
        (Current::Unknown, 25_000)
    );
}

#[test]
fn nothing_is_paid_for_the_time_before_the_first_value() {
    let mut car = Car::new();
    for _ in 0..5 {
        car.meters();
        car.wait(1_000);
    }
    let outcomes = fold(&car.samples, Marks::default());
    assert!(finished(&outcomes).is_empty());
    let marks: Vec<_> = outcomes
        .iter()
        .filter(|outcome| matches!(outcome, Outcome::Mark(_)))
        .collect();
    assert_eq!(marks.len(), 2, "odometer and charged energy: {outcomes:?}");
}

#[test]
fn what_braking_gives_back_is_no_charging_in_a_car_that_counts_it() {
    let mut car = Car::new();
    car.switch_on();
    for (second, mps) in short_drive() {
        car.follow(&[(0.0, mps)]);
        car.odometer_m += mps;
        car.number(Signal::Odometer, car.odometer_m.floor());
        car.charged_kwh += second / 1_000.0;
        car.number(Signal::ChargedEnergy, car.charged_kwh);
        car.wait(1_000);
    }
    car.switch_off();
    car.wait(5_000);
    let driven_kwh = car.charged_kwh;
    car.charge(3.0, 10);
    let all = finished(&fold(&car.samples, Marks::default()));
    assert_eq!(trips(&all).len(), 1);
    let charges = charges(&all);
    assert_eq!(charges.len(), 1, "{all:?}");
    assert_eq!(
        charges[0].charged.from,
        (driven_kwh * 1_000.0).round() as u64
    );
    assert_eq!(charges[0].charged.length(), 3_000);
}

#[test]
fn giving_back_is_added_up_from_its_power() {
    let mut car = Car::new();
    let mut given = Vec::new();
    for _ in 0..2 {
        car.flag(Signal::IsDischarging, true);
        for _ in 0..=360 {
            car.number(Signal::BatteryPower, -5_000.0);
            car.wait(10_000);
        }
        car.flag(Signal::IsDischarging, false);
        car.number(Signal::BatteryPower, 0.0);
        car.wait(60_000);
    }
    for finished in finished(&fold(&car.samples, Marks::default())) {
        match finished.evidence {
            Evidence::Discharge(discharge) => given.push(discharge.discharged),
            Evidence::Trip(_) | Evidence::Charge(_) => panic!("{finished:?}"),
        }
    }
    let [first, second] = given[..] else {
        panic!("{given:?}");
    };
    assert!(
        first.length().abs_diff(5_014) < 2 && first.from == 0,
        "{given:?}"
    );
    assert!(
        second.from == first.to && second.length() == first.length(),
        "{given:?}"
    );
}
