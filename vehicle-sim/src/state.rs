//! The car's state between commands: its clock and its meters.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::error::SimError;
use crate::meters::CarMeters;
use crate::vehicle::Vehicle;

const FORMAT: u32 = 2;

/// The car between two commands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SimState {
    format: u32,
    /// The end of the last command; absent before the first.
    pub clock: Option<Timestamp>,
    pub meters: CarMeters,
}

/// Read first: what else a file of another format holds is not known.
#[derive(Deserialize)]
struct Format {
    format: u32,
}

impl SimState {
    /// A new car.
    pub fn new(vehicle: &Vehicle) -> Self {
        Self {
            format: FORMAT,
            clock: None,
            meters: CarMeters::new(vehicle),
        }
    }

    /// Reads the file, or begins with a new car when there is none.
    ///
    /// # Errors
    /// When the file cannot be read or is something else.
    pub fn load(path: &Path, vehicle: &Vehicle) -> Result<Self, SimError> {
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::new(vehicle)),
            Err(source) => {
                return Err(SimError::StateFile {
                    path: path.to_owned(),
                    done: "read",
                    source,
                });
            }
        };
        let unreadable = |source| SimError::State {
            path: path.to_owned(),
            source,
        };
        let Format { format } = serde_json::from_str(&text).map_err(unreadable)?;
        if format == FORMAT {
            serde_json::from_str(&text).map_err(unreadable)
        } else {
            Err(SimError::StateFormat {
                path: path.to_owned(),
                format,
                known: FORMAT,
            })
        }
    }

    /// Writes the file whole or not at all.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), SimError> {
        self.write(path).map_err(|source| SimError::StateFile {
            path: path.to_owned(),
            done: "written",
            source,
        })
    }

    fn write(&self, path: &Path) -> io::Result<()> {
        let mut beside = path.as_os_str().to_owned();
        beside.push(".new");
        let mut file = fs::File::create(&beside)?;
        file.write_all(&serde_json::to_vec_pretty(self)?)?;
        file.write_all(b"\n")?;
        file.sync_all()?;
        fs::rename(&beside, path)
    }
}
