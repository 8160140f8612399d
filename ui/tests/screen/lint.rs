//! F1, F2, M1 and S3 in the sources: sizes and weights come from the scale alone, and nothing moves.

use crate::Report;
use crate::texts::sources;

/// What is wrong with a .slint source.
pub fn violations(path: &str, source: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    for (number, line) in source.lines().enumerate() {
        let code = line.split("//").next().unwrap_or_default();
        let at = number + 1;
        if code.contains("font-size:") && !code.contains("Type.") {
            wrong.push(format!("{path}:{at} has a literal size"));
        }
        if code.contains("font-weight:") && !code.contains("Type.") {
            wrong.push(format!("{path}:{at} has a literal weight"));
        }
        if code.contains("overflow:") {
            wrong.push(format!("{path}:{at} cuts a text off"));
        }
        // The renderers differ in these, or they move.
        for banned in [
            "animate ",
            "Timer ",
            "animation-tick",
            "drop-shadow",
            "@linear-gradient",
            "@radial-gradient",
            "rotation-angle",
            "transform-",
            "clip: true",
        ] {
            if code.contains(banned) {
                wrong.push(format!("{path}:{at} has {banned}"));
            }
        }
    }
    wrong
}

/// M1: whether something would move by itself; while driving nothing does, and nothing ever loops.
pub fn moves(violation: &str) -> bool {
    ["animate", "animation", "Timer"]
        .into_iter()
        .any(|banned| violation.contains(banned))
}

/// The sources of the pages.
pub fn sources_hold(report: &mut Report) {
    for (path, source) in sources() {
        for violation in violations(&path, &source) {
            let id = if violation.contains("weight") {
                "F2"
            } else if violation.contains("size") {
                "F1"
            } else if moves(&violation) {
                "M1"
            } else {
                "S3"
            };
            report.hold(id, "source", vec![violation]);
        }
    }
}
