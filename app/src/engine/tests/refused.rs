//! A ledger that refuses to be written while the cache takes everything.

use rusqlite::Connection;

use super::car::Car;
use crate::live::DiskTrouble;

/// Lets the ledger refuse every entry, or take them again.
fn refuses(car: &Car, refuses: bool) {
    let ledger = Connection::open(car.path("ledger.db")).unwrap();
    ledger
        .execute_batch(if refuses {
            "CREATE TRIGGER refuses_entry BEFORE INSERT ON entry BEGIN SELECT RAISE(ABORT, 'refused'); END;
             CREATE TRIGGER refuses_mark BEFORE INSERT ON mark BEGIN SELECT RAISE(ABORT, 'refused'); END;
             CREATE TRIGGER refuses_wait BEFORE INSERT ON awaiting BEGIN SELECT RAISE(ABORT, 'refused'); END;"
        } else {
            "DROP TRIGGER refuses_entry; DROP TRIGGER refuses_mark; DROP TRIGGER refuses_wait;"
        })
        .unwrap();
}

/// What the ledger refuses is told, and kept in the cache with the checkpoint: neither an orderly end nor a crash loses it,
/// and it is signed once.
#[test]
fn evidence_that_the_ledger_refuses_is_kept_in_the_cache() {
    for crashes in [false, true] {
        let mut car = Car::enrolled(1);
        let mut running = car.start();
        car.sets_out(&mut running, 8);
        refuses(&car, true);
        car.parks(&mut running);
        car.drives(&mut running);
        let live = running.engine.live();
        assert_eq!((live.unsaved, live.disk), (2, Some(DiskTrouble::Failing)));
        if crashes {
            drop(running);
        } else {
            running.engine.end().unwrap();
        }
        refuses(&car, false);
        let running = car.start();
        let live = running.engine.live();
        assert_eq!((live.unsaved, live.disk), (0, None));
        assert_eq!(running.engine.books().head.seq.get(), 2);
        drop(running);
        // The checkpoint that still lists them outlived their entries.
        let running = car.start();
        assert_eq!(running.engine.books().head.seq.get(), 2);
        running.engine.end().unwrap();
        assert_eq!(car.verified().len(), 2);
    }
}
