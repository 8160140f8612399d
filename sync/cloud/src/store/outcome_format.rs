//! The form of an outcome in the column `awaited.outcome`: databases keep it, and statements look into it.

use dashpoint_membership::{Rejection, ServerTime};

use super::intervals::{FREED_UNPAID, Freed};
use super::left_behind::LeftOutcome;

#[test]
fn outcomes_keep_their_form_on_disk() {
    let freed = |reason: &str| {
        LeftOutcome::Freed(Freed {
            at: ServerTime::from_unix_s(1_795_320_000),
            reason: reason.to_owned(),
            keeps_points: true,
        })
    };
    let unpaid = r#"{"freed":{"at_unix_s":1795320000,"reason":"its device was shut out, and it was paid nothing","keeps_points":true}}"#;
    let golden = [
        (LeftOutcome::Counted, r#""counted""#),
        (LeftOutcome::Accepted, r#""accepted""#),
        (LeftOutcome::InDoubt, r#""in-doubt""#),
        (LeftOutcome::StaysSecond, r#""stays-second""#),
        (
            LeftOutcome::Rejected(Rejection::AlreadyPaid),
            r#"{"rejected":"already-paid"}"#,
        ),
        (
            freed("lost"),
            r#"{"freed":{"at_unix_s":1795320000,"reason":"lost","keeps_points":true}}"#,
        ),
        (freed(FREED_UNPAID), unpaid),
    ];
    for (outcome, form) in golden {
        assert_eq!(serde_json::to_string(&outcome).unwrap(), form);
        assert_eq!(serde_json::from_str::<LeftOutcome>(form).unwrap(), outcome);
    }
}
