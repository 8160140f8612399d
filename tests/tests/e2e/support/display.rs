//! A screen without a screen: Xvfb, and a finger on it.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

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
            .args(["-nolisten", "tcp"])
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
        let (x, y) = (place.0.to_string(), place.1.to_string());
        let touched = Command::new("xdotool")
            .args(["mousemove", "--sync", &x, &y, "click", "1"])
            .env("DISPLAY", &self.name)
            .stdin(Stdio::null())
            .status();
        assert!(touched.unwrap().success(), "the display does not answer");
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        drop(self.xvfb.kill());
        drop(self.xvfb.wait());
    }
}
