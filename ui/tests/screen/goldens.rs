//! Pictures that must not change by a pixel, each with the list of what is on it.

use std::path::{Path, PathBuf};

use dashpoint_ui::DashpointWindow;
use dashpoint_ui::gallery::{Case, ScreenPicture, png_bytes};
use slint::ComponentHandle;

use crate::Report;
use crate::fonts::folder;
use crate::frame::Frame;
use crate::show;

/// Set to write the goldens; the run fails, so that nobody does it unawares.
const WRITE: &str = "DASHPOINT_WRITE_GOLDENS";

/// The pictures that stand for all.
const GOLDENS: [&str; 30] = [
    "home.normal.parked.online.day.zh.1920",
    "home.normal.parked.online.day.en.1920",
    "home.normal.parked.online.night.en.1920",
    "home.normal.parked.online.day.en.1280",
    "home.normal.moving.online.night.zh.1920",
    "home.normal.parked.offline.day.en.1920",
    "home.empty.parked.offline.day.en.1920",
    "home.longest.parked.offline.night.en.1920",
    "home.longest.parked.online.day.zh.1280",
    "notice-3.normal.parked.online.day.en.1280",
    "notice-10.normal.parked.online.day.zh.1920",
    "tier-4.normal.parked.online.night.zh.1920",
    "activity.normal.parked.online.day.zh.1920",
    "activity.normal.moving.offline.night.en.1920",
    "activity.error.parked.offline.night.zh.1920",
    "row-5.normal.parked.online.day.en.1920",
    "evidence-1.normal.parked.online.day.zh.1280",
    "trip.normal.parked.online.night.zh.1920",
    "trip.empty.parked.offline.day.en.1920",
    "trip.longest.parked.online.day.en.1280",
    "benefits.normal.parked.online.night.zh.1920",
    "benefits.longest.parked.online.day.en.1280",
    "benefits.normal.standing.online.day.zh.1920",
    "enrolment.normal.parked.online.night.en.1920",
    "enrolment.error.parked.online.day.zh.1280",
    "enrolmentconsent.normal.parked.online.day.en.1920",
    "display.normal.parked.online.day.zh.1920",
    "driver.empty.parked.online.night.en.1920",
    "privacy.normal.parked.online.day.en.1280",
    "device.error.parked.offline.night.zh.1920",
];

/// Compares each golden, or writes it when asked to.
pub fn compare(window: &DashpointWindow, cases: &[Case], report: &mut Report) {
    let write = std::env::var_os(WRITE).is_some();
    let folder = folder().join("tests/goldens");
    for name in GOLDENS {
        let Some(case) = cases.iter().find(|case| case.to_string() == name) else {
            report.hold("GOLDEN", name, vec!["is in no gallery".to_owned()]);
            continue;
        };
        show(window, case);
        let picture = window.window().take_snapshot().unwrap();
        let tree = Frame::of(window, case.wide.px()).tree.join("\n") + "\n";
        let (png, txt) = (
            folder.join(format!("{name}.png")),
            folder.join(format!("{name}.txt")),
        );
        if write {
            std::fs::write(&png, png_bytes(&picture).unwrap()).unwrap();
            std::fs::write(&txt, &tree).unwrap();
            continue;
        }
        let mut wrong = Vec::new();
        if std::fs::read_to_string(&txt).ok().as_deref() != Some(&tree) {
            std::fs::write(beside(&txt), &tree).unwrap();
            wrong.push(format!(
                "its elements changed: compare {}",
                beside(&txt).display()
            ));
        }
        if let Some(difference) = difference(&picture, &png) {
            std::fs::write(beside(&png), png_bytes(&picture).unwrap()).unwrap();
            wrong.push(format!("{difference}: compare {}", beside(&png).display()));
        }
        report.hold("GOLDEN", name, wrong);
    }
    if write {
        report.hold(
            "GOLDEN",
            "all",
            vec![format!(
                "written because {WRITE} is set; look at them, and run again without it"
            )],
        );
    }
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    name.into()
}

/// What differs from the golden, if anything does.
fn difference(picture: &ScreenPicture, golden: &Path) -> Option<String> {
    let Ok(file) = std::fs::File::open(golden) else {
        return Some("there is no golden".to_owned());
    };
    let mut reader = png::Decoder::new(std::io::BufReader::new(file))
        .read_info()
        .unwrap();
    let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut bytes).unwrap();
    if (info.width, info.height) != (picture.width(), picture.height()) {
        return Some("it has another size".to_owned());
    }
    let differing = bytes
        .chunks_exact(3)
        .zip(picture.as_slice())
        .filter(|(old, new)| **old != [new.r, new.g, new.b])
        .count();
    (differing > 0).then(|| format!("{differing} pixels differ"))
}
