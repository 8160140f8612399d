//! The rules of the screen, on real text metrics and on the pictures themselves, over every page in every state.
//!
//! One process, one window system, one test function: the testing backend asks for that. Each check is named after the
//! rule that it holds the pages to, and each rule is shown a page that breaks it.

#![allow(
    clippy::unwrap_used,
    clippy::unwrap_in_result,
    clippy::print_stdout,
    reason = "a test stops at the first surprise, and says what it has checked"
)]

mod broken;
mod fonts;
mod frame;
mod goldens;
mod lint;
mod rules;
mod texts;

use dashpoint_ui::gallery::{Case, all};
use dashpoint_ui::locale::Language;
use dashpoint_ui::show::apply;
use dashpoint_ui::{DashpointWindow, Drive};
use frame::{Frame, Probe};
use i_slint_backend_testing::{TestingBackend, TestingBackendOptions};
use slint::{ComponentHandle, PhysicalSize};

/// A check and what it found wrong.
struct Report {
    failures: Vec<String>,
}

impl Report {
    fn hold(&mut self, id: &str, case: &str, violations: Vec<String>) {
        for violation in violations {
            self.failures.push(format!("{id} {case}: {violation}"));
        }
    }

    fn passed(&self, id: &str) {
        let count = self
            .failures
            .iter()
            .filter(|failure| failure.starts_with(&format!("{id} ")))
            .count();
        println!(
            "{id}: {}",
            if count == 0 {
                "holds".to_owned()
            } else {
                format!("{count} violations")
            }
        );
    }
}

#[test]
fn the_screen_holds_its_rules() {
    slint::platform::set_platform(Box::new(TestingBackend::new(TestingBackendOptions {
        mock_time: true,
        threading: false,
        renderer_name: Some("software".into()),
    })))
    .unwrap();
    let window = DashpointWindow::new().unwrap();
    window.show().unwrap();
    let mut report = Report {
        failures: Vec::new(),
    };
    let probe = Probe::new();
    let cases = all();
    for case in &cases {
        check_case(&window, &probe, case, &mut report);
    }
    rules::palette(&window, &mut report);
    fonts::g1(&mut report);
    texts::translated(&mut report);
    lint::sources_hold(&mut report);
    goldens::compare(&window, &cases, &mut report);
    broken::each_rule_can_fail(&probe, &mut report);
    for id in [
        "T1", "T2", "T3", "F1", "F2", "C1", "C2", "C3", "L1", "L2", "M1", "S1", "S2", "S3", "R2",
        "R3", "B1", "A1", "G1", "TR", "GOLDEN", "BROKEN",
    ] {
        report.passed(id);
    }
    let shown = report.failures.len().min(60);
    assert!(
        report.failures.is_empty(),
        "{} violations:\n{}",
        report.failures.len(),
        report.failures[..shown].join("\n")
    );
}

fn check_case(window: &DashpointWindow, probe: &Probe, case: &Case, report: &mut Report) {
    show(window, case);
    let frame = Frame::of(window, case.wide.px());
    let name = case.to_string();
    let driving = case.drive != Drive::Parked;
    report.hold("T1", &name, rules::t1(&frame));
    report.hold("T2", &name, rules::t2(&frame));
    report.hold("T3", &name, rules::t3(&frame));
    report.hold("F1", &name, rules::f1(&frame, driving));
    report.hold("C3", &name, rules::c3(&frame));
    report.hold("L1", &name, rules::l1(&frame, driving));
    report.hold("S2", &name, rules::s2(&frame, probe));
    report.hold("A1", &name, rules::a1(&frame));
    if driving {
        report.hold("L2", &name, rules::l2(&frame));
        report.hold("S1", &name, rules::s1(&frame, probe));
        report.hold("R3", &name, rules::r3(&frame));
    }
    if case.drive == Drive::Unknown {
        report.hold("R2", &name, rules::r2(case));
    }
    // One link state and one language have every colour and every surface.
    if case.online && case.language == Language::English {
        let picture = window.window().take_snapshot().unwrap();
        report.hold("C1", &name, rules::c1(&frame, &picture));
        if case.night {
            report.hold("B1", &name, rules::b1(&picture));
        }
        if case.variation == dashpoint_ui::gallery::Variation::Longest {
            report.hold("S3", &name, rules::s3(window, &picture));
        }
    }
}

/// Brings a case to the front.
fn show(window: &DashpointWindow, case: &Case) {
    window
        .window()
        .set_size(PhysicalSize::new(case.wide.px(), 720));
    apply(window, &case.state());
    i_slint_backend_testing::mock_elapsed_time(std::time::Duration::ZERO);
}
