//! The reasons that keep points from coming stay on the disk over restarts, until bus or cloud say something new.

use dashpoint_sync::{Event, Response};
use dashpoint_telematics::{Signal, Value};
use dashpoint_wire::encode;
use dashpoint_wire::message::{Refusal, RefusalCode};

use super::car::{Car, Running};
use crate::books::{driver_tag, vehicle_id};
use crate::command::CheckIn;
use crate::live::LastSeen;

const VIN: &str = "LDPTEST0000000001";
const ELSEWHERE: &str = "LDPTEST0000000002";
const ISSUER: &str = "https://id.example.com/";
const MEMBER: &str = "u/7";
/// The subject of somebody whom the car does not know.
const GUEST: &str = "";

/// The subject of a car that does not say who drives.
const UNDEFINED: &str = "UNDEFINED";

fn own_car() -> Car {
    Car::enrolled_as(1, vehicle_id(VIN), Some(driver_tag(ISSUER, MEMBER)))
}

fn seen(car: &Car) -> LastSeen {
    LastSeen::read(car.store().read(), car.device())
}

fn says(car: &Car, running: &mut Running, signal: Signal, text: &str) {
    car.pass(1_000);
    let issuer = (signal == Signal::DriverSubject).then_some((Signal::DriverIssuer, ISSUER));
    let said = issuer.into_iter().chain([(signal, text)]);
    let said = said.map(|(signal, text)| (signal, Value::Text(text.to_owned())));
    car.say(running, said.collect());
    // What was said waits for late samples before it.
    car.waits(running, 3_000);
    car.say(running, vec![(Signal::Speed, Value::Number(0.0))]);
}

/// A start without a bus takes back nothing that the bus has named before; its next word does.
#[test]
fn another_car_and_a_guest_stay_until_the_bus_names_something_else() {
    let other_vehicle = LastSeen {
        other_vehicle: true,
        ..LastSeen::default()
    };
    let guest_by_car = LastSeen {
        guest_by_car: true,
        ..LastSeen::default()
    };
    for (signal, wrong, right, expected) in [
        (Signal::Vin, ELSEWHERE, VIN, other_vehicle),
        (Signal::DriverSubject, GUEST, MEMBER, guest_by_car),
    ] {
        let car = own_car();
        let mut running = car.start();
        says(&car, &mut running, signal, wrong);
        drop(running);
        assert_eq!(seen(&car), expected);
        for _ in 0..2 {
            drop(car.start());
            assert_eq!(seen(&car), expected, "the bus has not spoken");
        }
        let mut running = car.start();
        says(&car, &mut running, signal, right);
        drop(running);
        assert_eq!(seen(&car), LastSeen::default());
    }
}

/// The trips of guests are counted over restarts, until a trip of the member.
#[test]
fn trips_of_guests_are_counted_until_a_member_drives() {
    let mut car = own_car();
    for (driver, in_a_row) in [(GUEST, 1), (GUEST, 2), (MEMBER, 0), (GUEST, 1)] {
        let mut running = car.start();
        says(&car, &mut running, Signal::DriverSubject, driver);
        car.drives(&mut running);
        assert_eq!(running.engine.live().guest, u64::from(driver == GUEST));
        running.engine.end().unwrap();
        drop(car.start());
        assert_eq!(seen(&car).guest, in_a_row);
    }
}

/// A car that has named a guest and no longer says who drives is the member's again, who was enrolled without a name.
#[test]
fn a_car_that_no_longer_says_who_drives_is_the_members_again() {
    let mut car = Car::enrolled_as(1, vehicle_id(VIN), None);
    for (driver, in_a_row) in [(GUEST, 1), (UNDEFINED, 0), (GUEST, 1), (UNDEFINED, 0)] {
        let mut running = car.start();
        says(&car, &mut running, Signal::DriverSubject, driver);
        car.drives(&mut running);
        running.engine.end().unwrap();
        let expected = LastSeen {
            guest_by_car: driver == GUEST,
            guest: in_a_row,
            ..LastSeen::default()
        };
        assert_eq!(seen(&car), expected, "{driver:?}");
    }
}

/// A head unit that was stopped while the car named a guest hears it at its next start.
#[test]
fn a_word_that_comes_before_any_driver_takes_the_guest_back() {
    let car = Car::enrolled_as(1, vehicle_id(VIN), None);
    let guest = LastSeen {
        guest_by_car: true,
        ..LastSeen::default()
    };
    guest.put(&mut car.store(), car.device()).unwrap();
    let mut running = car.start();
    says(&car, &mut running, Signal::DriverSubject, UNDEFINED);
    drop(running);
    assert_eq!(seen(&car), LastSeen::default());
}

/// The cloud may refuse what a car sent and still know the car: only a car that it does not let in is not paid.
#[test]
fn only_a_refusal_of_the_head_unit_itself_is_one_of_the_car() {
    for (code, is_of_car) in [
        (RefusalCode::Malformed, false),
        (RefusalCode::TooLarge, false),
        (RefusalCode::NotAuthentic, false),
        (RefusalCode::Device, true),
    ] {
        let mut car = Car::enrolled(1);
        let mut running = car.start();
        car.drives(&mut running);
        running.engine.tell(Event::SyncRequested);
        let mut asked = Vec::new();
        // A head unit that is not known shows its proof of enrolment before it gives up.
        while let Ok(outgoing) = running.requests.try_recv() {
            asked.push(outgoing.request.path.clone());
            let answer = Response {
                status: code.status(),
                retry_after_s: None,
                body: encode(&Refusal { code, nonce: None }),
            };
            running.engine.tell(Event::Answered {
                ticket: outgoing.ticket,
                answer: Ok(answer),
            });
        }
        assert!(asked[0].ends_with("/entries"), "{asked:?}");
        running.engine.publish();
        let is_refused = matches!(running.engine.check_in(), CheckIn::Refused { .. });
        assert_eq!(is_refused, is_of_car, "{code:?}");
        drop(running);
        for _ in 0..2 {
            let seen = seen(&car);
            assert_eq!(seen.refused, Some(code.status()));
            assert_eq!(seen.refuses_car().is_some(), is_of_car, "{code:?}");
            drop(car.start());
        }
    }
}
