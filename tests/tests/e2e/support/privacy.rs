//! What must not be said to anybody: who the member is, which car it is, where it was.

use dashpoint_wire::{MAX_DECODED, inflate};

use super::http::Message;
use super::{MEMBER_NAME, VIN};

/// A position on the bus, as a navigation system publishes it.
pub const LATITUDE: f64 = 31.230_416;
/// See [`LATITUDE`].
pub const LONGITUDE: f64 = 121.473_701;

/// Logs name neither the member nor the car.
pub fn assert_logs_name_nobody(log: &str) {
    assert!(log.lines().count() > 3, "a log that says nothing: {log}");
    for name in [MEMBER_NAME, VIN] {
        let line = log.lines().find(|line| line.contains(name));
        assert_eq!(line, None, "{name} is in a log");
    }
}

/// Requests of a head unit contain no number of a car, no charging point and no position, in any form that one would
/// write them in.
pub fn assert_nothing_private_left(asked: &[Message], evse_id: &str) {
    let entries = asked
        .iter()
        .filter(|request| request.is("POST", "/entries") && request.body().len() > 200);
    assert!(entries.count() > 0, "no entries were sent");
    let (words, numbers) = secrets(evse_id);
    for request in asked {
        let body = match request.header("content-encoding").as_deref() {
            Some("deflate") => inflate(request.body(), MAX_DECODED).unwrap(),
            Some(_) | None => request.body().to_vec(),
        };
        for bytes in [request.raw.as_slice(), &body] {
            for (what, secret) in &words {
                let found = bytes
                    .windows(secret.len())
                    .any(|window| window.eq_ignore_ascii_case(secret));
                assert!(!found, "{what} left the car: {}", request.head());
            }
        }
        // Not in the head, where four letters of a signature in base64 can be those of a number.
        for (what, secret) in &numbers {
            let found = body.windows(secret.len()).any(|window| window == secret);
            assert!(!found, "{what} left the car: {}", request.head());
        }
    }
}

/// A form of something private, by what it is.
type Secret = (&'static str, Vec<u8>);

/// What must not leave: as text, in either case, and as bytes.
fn secrets(evse_id: &str) -> (Vec<Secret>, Vec<Secret>) {
    let mut words = vec![
        ("the VIN", VIN.as_bytes().to_vec()),
        ("the charging point", evse_id.as_bytes().to_vec()),
        ("the member's name", MEMBER_NAME.as_bytes().to_vec()),
    ];
    let mut numbers = Vec::new();
    for degrees in [LATITUDE, LONGITUDE] {
        words.push(("a position in words", format!("{degrees:.4}").into_bytes()));
        numbers.push(("a position as a double", degrees.to_be_bytes().to_vec()));
        #[expect(clippy::cast_possible_truncation, reason = "that is the form")]
        numbers.push((
            "a position as a float",
            (degrees as f32).to_be_bytes().to_vec(),
        ));
        for scale in [1e5, 1e6, 1e7] {
            #[expect(clippy::cast_possible_truncation, reason = "far below the bound")]
            let scaled = (degrees * scale).round() as u32;
            numbers.push(("a position as an integer", scaled.to_be_bytes().to_vec()));
        }
    }
    (words, numbers)
}
