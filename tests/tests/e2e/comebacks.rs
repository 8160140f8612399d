//! The window after SIGKILL in the middle of a drive: it comes back with the same points.

use std::fs::{self, File};
use std::io::BufReader;
use std::path::Path;
use std::process::{Command as Process, Stdio};
use std::time::Duration;

use serde_json::Value;
use vehicle_sim::{Command, Cycle};

use crate::screen::{FAST, TRIP_DONE, settled, shows, world};
use crate::support::{Area, Display, PATIENCE, Program, until};

/// The member's card while driving: name, tier, points, their worth and what is pending.
const CARD: Area = Area {
    x: 186,
    y: 34,
    width: 1_030,
    height: 650,
};

#[test]
fn a_window_comes_back_after_sigkill_in_a_drive_with_the_same_points() {
    let Some((mut world, display)) = world() else {
        return;
    };
    // One drive is confirmed, one is pending, and the third is cut.
    world.vehicle.run(&Command::Drive(Cycle::Us06));
    world.car.wait_for_entries(1);
    world.car.reconcile();
    world.cloud.stop();
    world.vehicle.run(&Command::Drive(Cycle::Us06));
    world.car.wait_for_entries(2);
    let points = world.car.points();
    assert!(points.0 > 0 && points.1 > 0, "{points:?}");
    let driving = world.vehicle.run_held(Command::Drive(Cycle::Us06), FAST);
    shows(
        &world.car,
        &[("drive", "moving".into()), ("page", "home".into())],
    );
    settled(&world.car);
    let card = display.seen(CARD);
    world.car.kill();
    until("the window is gone", PATIENCE, || {
        let bare = display.seen(CARD);
        bare.iter().all(|byte| *byte == 0).then_some(())
    });

    world.car.start();
    until("the card is there again", PATIENCE, || {
        (display.seen(CARD) == card).then_some(())
    });
    assert_eq!(world.car.points(), points);
    driving.go_on();
    driving.ended();
    world.car.wait_for_entries(3);
    shows(&world.car, &[("page", "trip".into())]);
    let (confirmed, pending) = world.car.points();
    assert_eq!(confirmed, points.0);
    assert!(pending > points.1, "the drive that was cut is paid");
    world.cloud.serve();
    world.car.reconcile();
    world.assert_agreed();
    assert!(world.car.stop().success());
}

/// The member's card in park.
const CARD_IN_PARK: Area = Area {
    x: 184,
    y: 32,
    width: 624,
    height: 656,
};

#[test]
fn a_sunday_is_played_in_a_window_that_is_killed_and_comes_back() {
    let Some(display) = Display::open() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let (kept, said) = (folder.path().join("kept"), folder.path().join("said"));
    let mut command = demo(&display);
    command
        .args(["--language", "en", "--pause", "0", "--keep"])
        .arg(&kept);
    let mut story = Program::start(command.env("RUST_LOG", "info"), &said);
    until("the story is told to its end", STORY_PATIENCE, || {
        let ended = story.has_ended();
        assert!(ended.is_none(), "{ended:?}");
        let told = fs::read_to_string(&said).unwrap();
        told.contains("The window stays").then_some(())
    });
    let told = fs::read_to_string(&said).unwrap();
    for part in [
        "SIGKILL in the middle of the drive",
        "adjusted: UDDS",
        "The promise held",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    // One from before the kill, and one from after it.
    let log = fs::read_to_string(kept.join("head-unit.log")).unwrap();
    assert_eq!(log.matches("first frame").count(), 2, "{log}");

    // What the window shows is what the ledger holds, drawn from the data folder by another program.
    let picture = folder.path().join("home.png");
    let mut shot = head_unit(&display, &kept, &["screenshot", "--page", "home"]);
    // The car has named no language: its pages are in that of the story.
    shot.args(["--language", "en", "--theme", "night", "--out"])
        .arg(&picture);
    assert!(shot.status().unwrap().success());
    let drawn = card_of(&picture);
    let mut looks = 0_u32;
    until(
        "the window shows the card of the data folder",
        PATIENCE,
        || {
            // The summary of the last drive is in front until somebody puts it away.
            if looks.is_multiple_of(20) && screen(&display, &kept)["page"] == "trip" {
                display.touch(TRIP_DONE);
            }
            looks += 1;
            (colours(&display.seen(CARD_IN_PARK)) == drawn).then_some(())
        },
    );
    assert_eq!(screen(&display, &kept)["night"], true);
    display.close_window();
    assert!(story.ended().success(), "the window was closed");
}

/// A day of driving in a debug build, on a machine that others keep busy.
const STORY_PATIENCE: Duration = Duration::from_secs(600);

fn demo(display: &Display) -> Process {
    let mut command = Process::new(env!("CARGO_BIN_EXE_demo"));
    command
        .env("DISPLAY", display.name())
        .env_remove("WAYLAND_DISPLAY")
        .stdin(Stdio::null());
    command
}

/// A command of the head unit that the demo has.
fn head_unit(display: &Display, kept: &Path, arguments: &[&str]) -> Process {
    let mut command = demo(display);
    command
        .arg("head-unit")
        .args(arguments)
        .arg("--config")
        .arg(kept.join("dashpoint.toml"));
    command
}

/// What the window tells about itself.
fn screen(display: &Display, kept: &Path) -> Value {
    let output = head_unit(display, kept, &["status", "--json"])
        .output()
        .unwrap();
    let status: Value = serde_json::from_slice(&output.stdout).unwrap();
    status["live"]["screen"].clone()
}

/// The card on a picture of the page: red, green and blue.
fn card_of(picture: &Path) -> Vec<[u8; 3]> {
    let file = BufReader::new(File::open(picture).unwrap());
    let mut reader = png::Decoder::new(file).read_info().unwrap();
    let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut bytes).unwrap();
    let Area {
        x,
        y,
        width,
        height,
    } = CARD_IN_PARK;
    let place = |at: i16| usize::try_from(at).unwrap();
    bytes
        .chunks_exact(info.width as usize * 3)
        .skip(place(y))
        .take(height.into())
        .flat_map(|line| {
            let card = line.as_chunks::<3>().0;
            card[place(x)..][..width.into()].to_vec()
        })
        .collect()
}

/// The same of what the display has: blue, green, red and nothing.
fn colours(seen: &[u8]) -> Vec<[u8; 3]> {
    let pixels = seen.as_chunks::<4>().0.iter();
    pixels.map(|[b, g, r, _]| [*r, *g, *b]).collect()
}
