//! What several tests share.

use std::path::{Path, PathBuf};

use vehicle_sim::{Message, Plan, VssSignal, VssValue};

/// A file of the recordings beside the repository, or `None` with a line that says what is missing.
///
/// With `DASHPOINT_REQUIRE=all` a missing file fails the test.
#[allow(dead_code, reason = "not every test needs it")]
pub fn shared(name: &str) -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .and_then(Path::parent);
    let path = root.map(|root| root.join("shared/data").join(name))?;
    if path.exists() {
        return Some(path);
    }
    let required = std::env::var("DASHPOINT_REQUIRE").is_ok_and(|what| what == "all");
    assert!(!required, "missing: {}", path.display());
    #[expect(clippy::print_stderr, reason = "a skipped test says so")]
    {
        eprintln!("skipped: {} is missing", path.display());
    }
    None
}

/// The messages of one signal.
#[allow(dead_code, reason = "not every test needs it")]
pub fn of(plan: &Plan, signal: VssSignal) -> Vec<&Message> {
    plan.messages
        .iter()
        .filter(|message| message.path == signal.path())
        .collect()
}

/// The numbers of one signal, in order.
#[allow(dead_code, reason = "not every test needs it")]
pub fn numbers(plan: &Plan, signal: VssSignal) -> Vec<f64> {
    of(plan, signal)
        .into_iter()
        .map(|message| number(&message.value))
        .collect()
}

#[allow(dead_code, reason = "not every test needs it")]
#[expect(clippy::cast_precision_loss, reason = "metres of a test drive")]
pub fn number(value: &VssValue) -> f64 {
    match value {
        VssValue::Int(int) => *int as f64,
        VssValue::Float(float) => *float,
        VssValue::Bool(_) | VssValue::Text(_) => panic!("{value:?} is no number"),
    }
}
