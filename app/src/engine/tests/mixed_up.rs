//! Files of another car, and files that are lost.

use std::fs;

use dashpoint_wire::SigningKey;

use super::car::{Car, Running};
use crate::command::CheckIn;

const FILES: [&str; 3] = ["ledger.db", "ledger.db-wal", "ledger.db-shm"];
const CACHE: [&str; 3] = ["cache.db", "cache.db-wal", "cache.db-shm"];

/// Puts the files of one folder into another.
fn put(files: &[&str], from: &std::path::Path, to: &std::path::Path) {
    for file in files {
        let (from, to) = (from.join(file), to.join(file));
        if from.exists() {
            fs::copy(from, to).unwrap();
        } else if to.exists() {
            fs::remove_file(to).unwrap();
        }
    }
}

fn end(running: Running) {
    running.engine.end().unwrap();
}

/// With the key of another car in its folder the head unit signs nothing; with its own back nothing is lost.
#[test]
fn nothing_is_signed_with_the_key_of_another_car() {
    let mut car = Car::enrolled(1);
    let mut running = car.start();
    car.drives(&mut running);
    end(running);
    assert_eq!(car.verified().len(), 1);

    car.key = SigningKey::from_seed(&[2; 32]);
    let mut running = car.start();
    car.drives(&mut running);
    assert_eq!(running.engine.live().awaiting, 1);
    assert_eq!(running.engine.check_in(), CheckIn::NotNow);
    assert_eq!(running.engine.books().head.seq.get(), 1);
    end(running);
    assert_eq!(car.verified().len(), 1);

    car.key = SigningKey::from_seed(&[1; 32]);
    let mut running = car.start();
    assert_eq!(running.engine.live().awaiting, 0);
    car.meets_the_cloud(&mut running);
    assert_eq!(running.engine.live().waiting, 0);
    end(running);
    assert_eq!(car.verified().len(), 2);
}

/// The ledger of another car beside the own cache: nobody's card is shown, nothing is signed.
#[test]
fn a_ledger_of_another_car_shows_and_signs_nothing() {
    let (mut car, other) = (Car::enrolled(1), Car::enrolled(2));
    let mut running = car.start();
    car.sets_out(&mut running, 4);
    end(running);
    let own = tempfile::tempdir().unwrap();
    put(&FILES, car.folder.path(), own.path());
    put(&FILES, other.folder.path(), car.folder.path());

    let running = car.start();
    assert!(running.engine.books().members.is_empty());
    end(running);

    put(&FILES, own.path(), car.folder.path());
    let mut running = car.start();
    assert_eq!(running.engine.books().members.len(), 1);
    car.parks(&mut running);
    end(running);
    assert_eq!(car.verified().len(), 1, "the open trip was kept meanwhile");
}

/// Ledger and key of another car beside the own cache: its open trip is not the other one's.
#[test]
fn an_open_trip_is_never_signed_for_another_car() {
    let (mut car, other) = (Car::enrolled(1), Car::enrolled(2));
    let mut running = car.start();
    car.sets_out(&mut running, 8);
    end(running);
    let own = tempfile::tempdir().unwrap();
    put(&FILES, car.folder.path(), own.path());
    put(&FILES, other.folder.path(), car.folder.path());

    let stranger = Car {
        number: 2,
        key: SigningKey::from_seed(&[2; 32]),
        salt: None,
        vehicle: Car::enrolled(2).vehicle(),
        folder: car.folder,
        ms: car.ms,
        odometer_m: 0.0,
        cloud_ahead_s: 0,
        policy: None,
    };
    // The seal key is the one of the folder.
    let started = Car {
        number: 1,
        ..stranger
    };
    let with_other_key = Car {
        key: SigningKey::from_seed(&[2; 32]),
        ..started
    };
    let mut running = with_other_key.start();
    with_other_key.parks(&mut running);
    assert!(running.engine.books().members.is_empty());
    assert_eq!(running.engine.books().head.seq.get(), 0);
    assert_eq!(running.engine.live().awaiting, 0);
    end(running);

    put(&FILES, own.path(), with_other_key.folder.path());
    let own = Car {
        key: SigningKey::from_seed(&[1; 32]),
        ..with_other_key
    };
    let mut running = own.start();
    own.parks(&mut running);
    end(running);
    assert_eq!(own.verified().len(), 1);
}

/// A checkpoint of an older program does not name its car: it is taken beside the statement of a member of this one.
#[test]
fn an_unnamed_checkpoint_is_taken_unless_the_cache_is_another_cars() {
    for foreign in [false, true] {
        let (mut car, other) = (Car::enrolled(1), Car::enrolled(2));
        let mut running = car.start();
        car.sets_out(&mut running, 8);
        end(running);
        let mut store = car.store();
        let name = format!("telematics/{}", car.device());
        let named = store.read().checkpoint(&name).unwrap().unwrap();
        let named: serde_json::Value = serde_json::from_slice(&named).unwrap();
        assert_eq!(named["vehicle"], car.vehicle().to_string());
        let old = serde_json::to_vec(&named["state"]).unwrap();
        store.put_checkpoint("telematics", &old).unwrap();
        store.clear_checkpoint(&name).unwrap();
        store.close().unwrap();
        if foreign {
            put(&FILES, other.folder.path(), car.folder.path());
        }
        let mut running = car.start();
        car.parks(&mut running);
        let awaiting = running.engine.live().awaiting;
        end(running);
        let store = car.store();
        if foreign {
            assert_eq!(awaiting, 0);
            assert_eq!(store.read().checkpoint("telematics").unwrap(), Some(old));
        } else {
            assert_eq!(store.read().checkpoint("telematics").unwrap(), None);
            drop(store);
            assert_eq!(car.verified().len(), 1);
        }
    }
}

/// The cache of another car: its member is not shown, the own statement comes back, and evidence is signed again.
#[test]
fn a_cache_of_another_car_is_no_more_than_a_lost_one() {
    let (mut car, mut other) = (Car::enrolled(1), Car::enrolled(2));
    let mut theirs = other.start();
    other.sets_out(&mut theirs, 8);
    end(theirs);
    put(&CACHE, other.folder.path(), car.folder.path());
    let mut running = car.start();
    assert!(running.engine.books().members.is_empty());
    car.drives(&mut running);
    assert_eq!(running.engine.live().awaiting, 1);
    car.meets_the_cloud(&mut running);
    assert_eq!(running.engine.live().awaiting, 0);
    let members: Vec<_> = running.engine.books().members.keys().copied().collect();
    assert_eq!(members, [car.member()]);
    end(running);
    assert_eq!(car.verified().len(), 1);
}

/// The cache is lost while an entry waits to be sent: what is earned then is signed at the next contact, which brings the
/// statement before the policy.
#[test]
fn a_lost_cache_comes_back_in_whatever_order() {
    let mut car = Car::enrolled(1);
    let mut running = car.start();
    car.drives(&mut running);
    end(running);
    for file in CACHE {
        let file = car.path(file);
        if file.exists() {
            fs::remove_file(file).unwrap();
        }
    }
    let mut running = car.start();
    car.drives(&mut running);
    assert_eq!(running.engine.live().awaiting, 1);
    let asked = car.meets_the_cloud(&mut running);
    let first = asked.first().unwrap();
    assert!(first.ends_with("/entries"), "{asked:?}");
    assert_eq!(running.engine.live().awaiting, 0, "{asked:?}");
    assert_ne!(running.engine.check_in(), CheckIn::NotNow);
    end(running);
    assert!(car.verified().len() >= 2);
}

/// In another car than the one that was enrolled nothing is earned, whoever says so.
#[test]
fn in_another_car_nothing_is_earned_or_shown() {
    let mut car = Car::enrolled(1);
    let mut running = car.start();
    running.engine.sits_in(Car::enrolled(2).vehicle());
    car.drives(&mut running);
    assert!(running.engine.live().other_vehicle);
    assert_eq!(running.engine.books().head.seq.get(), 0);
    running.engine.sits_in(car.vehicle());
    assert!(!running.engine.live().other_vehicle);
    end(running);
}
