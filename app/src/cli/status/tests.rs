//! Tests the first lines of `status` beside a head unit that does not run.

use dashpoint_ui::locale::Language;

use super::report::Keys;
use super::troubles;
use crate::keys::KeyState;
use crate::live::LastSeen;

#[test]
fn the_reasons_that_keep_points_from_coming_are_told_while_the_head_unit_is_stopped() {
    let keys = Keys {
        device: KeyState::Good,
        seal: KeyState::Good,
    };
    let none = LastSeen::default();
    let other_vehicle = LastSeen {
        other_vehicle: true,
        ..none
    };
    let guest_by_car = LastSeen {
        guest_by_car: true,
        ..none
    };
    let guest = |guest| LastSeen { guest, ..none };
    let refused = |status| LastSeen {
        refused: Some(status),
        ..none
    };
    let cases = [
        (none, vec![]),
        (
            other_vehicle,
            vec!["this is another car than the one that was enrolled"],
        ),
        (guest_by_car, vec!["the car says that a guest drives"]),
        (
            guest(1),
            vec!["the last trip or session earned nothing: no member was driving"],
        ),
        (
            guest(3),
            vec!["the last 3 trips and sessions earned nothing: no member was driving"],
        ),
        (
            refused(403),
            vec!["the cloud refuses this car (status 403): what is pending is not paid"],
        ),
        // The car itself is let in: nothing is said of what is pending.
        (
            refused(422),
            vec!["the cloud did not take what this car sent: it is kept; ask service. Status 422"],
        ),
    ];
    for (seen, expected) in cases {
        let lines = troubles(Language::English, keys, 0, None, seen, false);
        assert_eq!(lines.len(), expected.len(), "{lines:?}");
        for (line, expected) in lines.iter().zip(&expected) {
            assert!(line.starts_with(expected), "{line}");
        }
        let chinese = troubles(Language::Chinese, keys, 0, None, seen, false);
        assert_eq!(chinese.len(), expected.len(), "{chinese:?}");
    }
}
