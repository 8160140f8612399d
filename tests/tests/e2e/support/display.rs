//! A screen without a screen: Xvfb, and a finger on it.

use std::error::Error;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use x11rb::connection::Connection as _;
use x11rb::protocol::xproto::{
    Atom, AtomEnum, ClientMessageEvent, ConnectionExt as _, EventMask, ImageFormat,
};

use super::is_there;

/// Where the system puts the programs.
const FOLDER: &str = "/usr/bin";

/// A display of its own, as large as the car's.
pub struct Display {
    xvfb: Child,
    name: String,
}

impl Display {
    /// Opens one; `None` when Xvfb or xdotool is not installed.
    pub fn open() -> Option<Self> {
        let installed = |program: &str| Path::new(FOLDER).join(program).exists();
        if !is_there(
            "Xvfb and xdotool",
            installed("Xvfb") && installed("xdotool"),
        ) {
            return None;
        }
        Some(Self::start())
    }

    /// It takes a number that is free, and says which once it listens.
    fn start() -> Self {
        let xvfb = Command::new("Xvfb")
            .args(["-displayfd", "1", "-screen", "0", "1920x720x24"])
            // It goes on when the last window is gone: a window may come back.
            .args(["-nolisten", "tcp", "-noreset"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut display = Self {
            xvfb,
            name: String::new(),
        };
        let mut said = BufReader::new(display.xvfb.stdout.take().unwrap());
        let mut number = String::new();
        said.read_line(&mut number).unwrap();
        display.name = format!(":{}", number.trim());
        display
    }

    /// What `DISPLAY` is for a program on it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Touches a place.
    pub fn touch(&self, place: (u32, u32)) {
        self.touch_times(place, 1);
    }

    /// Touches a place so often, faster than anybody could; the display keeps every touch for the window.
    pub fn touch_times(&self, place: (u32, u32), times: u32) {
        let (x, y, times) = (place.0.to_string(), place.1.to_string(), times.to_string());
        let touched = Command::new("xdotool")
            .args(["mousemove", "--sync", &x, &y])
            .args(["click", "--repeat", &times, "--delay", "1", "1"])
            .env("DISPLAY", &self.name)
            .stdin(Stdio::null())
            .status();
        assert!(touched.unwrap().success(), "the display does not answer");
    }

    /// What is seen of an area now: 4 bytes for each pixel.
    pub fn seen(&self, area: Area) -> Vec<u8> {
        pixels(&self.name, area).unwrap()
    }

    /// Closes the window that is open.
    pub fn close_window(&self) {
        ask_to_close(&self.name).unwrap();
    }
}

/// A part of the display.
#[derive(Debug, Clone, Copy)]
pub struct Area {
    pub x: i16,
    pub y: i16,
    pub width: u16,
    pub height: u16,
}

/// All of it.
pub const WHOLE: Area = Area {
    x: 0,
    y: 0,
    width: 1920,
    height: 720,
};

fn pixels(display: &str, area: Area) -> Result<Vec<u8>, Box<dyn Error>> {
    let (connection, screen) = x11rb::connect(Some(display))?;
    let root = connection.setup().roots[screen].root;
    let Area {
        x,
        y,
        width,
        height,
    } = area;
    let image = connection.get_image(ImageFormat::Z_PIXMAP, root, x, y, width, height, u32::MAX)?;
    Ok(image.reply()?.data)
}

/// Asks the one window on a display to close, as whoever manages windows does when its cross is touched.
fn ask_to_close(display: &str) -> Result<(), Box<dyn Error>> {
    let (connection, screen) = x11rb::connect(Some(display))?;
    let root = connection.setup().roots[screen].root;
    let atom = |name: &[u8]| -> Result<Atom, Box<dyn Error>> {
        Ok(connection.intern_atom(false, name)?.reply()?.atom)
    };
    let (protocols, delete) = (atom(b"WM_PROTOCOLS")?, atom(b"WM_DELETE_WINDOW")?);
    let mut asked = 0;
    for window in connection.query_tree(root)?.reply()?.children {
        let understood =
            connection.get_property(false, window, protocols, AtomEnum::ATOM, 0, 16)?;
        let understood = understood.reply()?;
        let mut atoms = understood.value32().into_iter().flatten();
        if atoms.any(|atom| atom == delete) {
            let event = ClientMessageEvent::new(32, window, protocols, [delete, 0, 0, 0, 0]);
            connection.send_event(false, window, EventMask::NO_EVENT, event)?;
            asked += 1;
        }
    }
    // Answered, so that everything before it was done before the connection ends.
    connection.get_input_focus()?.reply()?;
    assert_eq!(asked, 1, "one window is open, and can be closed");
    Ok(())
}

impl Drop for Display {
    fn drop(&mut self) {
        drop(self.xvfb.kill());
        drop(self.xvfb.wait());
    }
}
