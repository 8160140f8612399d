//! The mapping of a car that is not VSS 6.0: where each signal is published, and how its values are turned.

mod build;
mod facts;
mod joined;
mod keys;
mod lines;
mod route;
mod spot;
mod values;
mod written;

use std::path::{Path, PathBuf};

use dashpoint_telematics::{FORMER_PATHS, Signal};
use toml::{Table, Value};

use self::build::{Builder, RouteTable};
use self::facts::FileFacts;
use self::keys::{Mistake, TableKeys, unknown};
use self::lines::Lines;
pub use self::route::Route;
use self::spot::{NO_VEHICLE, Read, read_time_form};
use self::written::read;
use super::source::{Join, TopicUse};
use crate::abilities::{IgnitionOn, SaidSignals};

/// The newest format of mapping files. A file that names none is of format 1, and means what it always meant.
const FORMAT_MAX: i64 = 2;
/// Keys of a file.
const KEYS_1: [&str; 2] = ["prefix", "signals"];
const KEYS_2: [&str; 7] = [
    "prefix",
    "signals",
    "format",
    "vehicle",
    "others",
    "time_form",
    "zone",
];

/// The texts of an ignition with which a trip can begin.
pub const IGNITION_ON: [&str; 2] = ["ON", "START"];

/// The place of a vehicle's name that is not in the file.
const GIVEN: &str = "under [bus] in the configuration, or with --vehicle";

/// Reasons that a mapping cannot be used: one line each.
#[derive(Debug, thiserror::Error)]
pub enum MappingError {
    /// The file cannot be read.
    #[error("{}: cannot be read", path.display())]
    Unreadable {
        /// Path of the file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// The file is no TOML.
    #[error("{}: line {line}: not TOML: {what}", path.display())]
    NotToml {
        /// Path of the file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// Message of the parser.
        what: String,
    },
    /// Something in it is wrong.
    #[error("{}: {problem}", path.display())]
    Wrong {
        /// Path of the file.
        path: PathBuf,
        /// The first wrong place.
        problem: Problem,
    },
}

/// A wrong place of a mapping.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{key}: {what}", .line.map_or_else(String::new, |line| format!("line {line}: ")))]
pub struct Problem {
    /// Its line, from 1; none for what the file was given, and does not have itself.
    pub line: Option<usize>,
    /// The key, with its tables.
    pub key: String,
    /// The problem, and the expected form.
    pub what: String,
}

/// Topic and conversion of each signal of a car.
#[derive(Debug, Clone, PartialEq)]
pub struct Mapping {
    routes: RouteTable,
    problems: Vec<Problem>,
}

impl Default for Mapping {
    /// VSS 6.0 as KUKSA's publisher has it.
    fn default() -> Self {
        let facts = FileFacts::new(1);
        let mut builder = Builder::new(1);
        for signal in Signal::ALL {
            let as_is = read(*signal, TableKeys(&Table::new()), &facts);
            // Each path is a topic of its own, so that nothing is refused.
            drop(builder.add(*signal, as_is.unwrap_or(Read::Absent)));
        }
        Self {
            routes: builder.finish(),
            problems: Vec::new(),
        }
    }
}

impl Mapping {
    /// Reads a file that must be right in all of its parts. A vehicle that is named here stands for `+` in its topics, in
    /// place of the one that the file names.
    ///
    /// # Errors
    /// [`MappingError`].
    pub fn load(path: &Path, vehicle: Option<&str>) -> Result<Self, MappingError> {
        let mapping = Self::look(path, vehicle)?;
        match mapping.problems.first() {
            None => Ok(mapping),
            Some(problem) => Err(MappingError::Wrong {
                path: path.to_owned(),
                problem: problem.clone(),
            }),
        }
    }

    /// Reads a file, and keeps what is wrong with it for [`Mapping::problems`].
    ///
    /// # Errors
    /// [`MappingError`] when it cannot be read, or is no TOML.
    pub fn look(path: &Path, vehicle: Option<&str>) -> Result<Self, MappingError> {
        let text = std::fs::read_to_string(path).map_err(|source| MappingError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        Self::parse(&text, vehicle).map_err(|(line, what)| MappingError::NotToml {
            path: path.to_owned(),
            line,
            what,
        })
    }

    pub(super) fn parse(text: &str, vehicle: Option<&str>) -> Result<Self, (usize, String)> {
        let table: Table = text.parse().map_err(|error: toml::de::Error| {
            let line = error
                .span()
                .map_or(1, |span| text[..span.start].lines().count().max(1));
            (line, error.message().replace('\n', " "))
        })?;
        let lines = Lines::of(text);
        let mut problems = Vec::new();
        let mut refuse = |key: String, path: &[&str], what: String| {
            problems.push(Problem {
                line: (!path.is_empty()).then(|| lines.line(path)),
                key,
                what,
            });
        };
        let keys = TableKeys(&table);
        let file = read_file(
            keys,
            vehicle,
            &mut |mistake: Mistake| match mistake.at.first() {
                Some(key) => refuse(key.clone(), &[key], mistake.what),
                None => refuse("vehicle".to_owned(), &[], mistake.what),
            },
        );
        let mut is_nameless = false;
        let mut builder = Builder::new(file.facts.format);
        let none = Table::new();
        let signals = match keys.table("signals") {
            Ok(signals) => signals.map_or(&none, |signals| signals.0),
            Err(_) => {
                let what = "expected a table".to_owned();
                refuse("signals".to_owned(), &["signals"], what);
                &none
            }
        };
        for path in signals.keys() {
            if FORMER_PATHS.contains(&path.as_str()) {
                tracing::info!(path, "the mapping names a signal that is not used any more");
            } else if Signal::from_path(path).is_none() {
                let key = format!("signals.{path:?}");
                refuse(key, &["signals", path], not_used(path));
            }
        }
        for signal in Signal::ALL {
            let path = signal.path();
            let key = format!("signals.{path:?}");
            let written = match signals.get(path) {
                None if file.is_alone => Ok(Read::Absent),
                None => read(*signal, TableKeys(&none), &file.facts),
                Some(Value::Table(written)) => read(*signal, TableKeys(written), &file.facts),
                Some(_) => Err(Mistake {
                    at: Vec::new(),
                    what: "expected a table".to_owned(),
                }),
            };
            let read = written.unwrap_or_else(|mistake| {
                // Nobody named the vehicle: that is one mistake, in however many topics it stands.
                if mistake.what.ends_with(NO_VEHICLE) && std::mem::replace(&mut is_nameless, true) {
                    return Read::Absent;
                }
                let below = mistake.at.iter().map(String::as_str);
                let at: Vec<&str> = ["signals", path].into_iter().chain(below).collect();
                refuse(key.clone(), &at, mistake.what);
                Read::Absent
            });
            if let Err(what) = builder.add(*signal, read) {
                refuse(key, &["signals", path], what);
            }
        }
        for (constant, beside) in builder.unsaid() {
            let path = constant.path();
            let key = format!("signals.{path:?}");
            let what = format!(
                "constant: it would never be said, since nothing is published of {}; give that one a topic, or another `beside`",
                beside.path()
            );
            refuse(key, &["signals", path, "constant"], what);
        }
        // A file of format 1 may let every signal be absent, and its head unit starts.
        let is_silent = file.facts.format > 1 && builder.is_silent();
        if is_silent && problems.is_empty() {
            problems.push(Problem {
                line: Some(1),
                key: "signals".to_owned(),
                what: "no signal has a topic: nothing can be subscribed to".to_owned(),
            });
        }
        if problems.is_empty()
            && !builder.names_vehicle()
            && (vehicle.is_some() || keys.has("vehicle"))
        {
            let given = if vehicle.is_some() {
                GIVEN
            } else {
                "in this file"
            };
            problems.push(Problem {
                line: vehicle.is_none().then(|| lines.line(&["vehicle"])),
                key: "vehicle".to_owned(),
                what: format!("named {given}, and no topic here has a +, so that it says nothing; leave it out, or put a + in the topics"),
            });
        }
        problems.sort_by_key(|problem| problem.line);
        Ok(Self {
            routes: builder.finish(),
            problems,
        })
    }

    /// Returns the route of each signal, in the order of [`Signal::ALL`].
    #[must_use]
    pub fn routes(&self) -> &[Route] {
        &self.routes.routes
    }

    /// Returns the signals that it can say.
    #[must_use]
    pub fn said(&self) -> SaidSignals {
        let said = self.routes().iter().filter(|route| route.topic.is_some());
        let never_on = |ignition: &Route| ignition.conversion.shuts_out(&IGNITION_ON);
        SaidSignals {
            signals: said.map(|route| route.signal).collect(),
            ignition: match self.ignition() {
                Some(ignition) if never_on(ignition) => IgnitionOn::NoWord,
                Some(_) | None => IgnitionOn::Possible,
            },
            ..SaidSignals::default()
        }
    }

    /// Returns whether its ignition has words and can be ON only where the car itself says so, letter by letter.
    #[must_use]
    pub fn leaves_on_to_the_car(&self) -> bool {
        self.ignition().is_some_and(|ignition| {
            let conversion = &ignition.conversion;
            conversion.has_no_word_for(&IGNITION_ON) && !conversion.shuts_out(&IGNITION_ON)
        })
    }

    fn ignition(&self) -> Option<&Route> {
        let mut routes = self.routes().iter();
        routes.find(|route| route.signal == Signal::Ignition && route.topic.is_some())
    }

    /// Returns each topic that is used, once.
    #[must_use]
    pub fn topics(&self) -> &[String] {
        &self.routes.topics
    }

    /// Returns its problems; a mapping that was loaded has none.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// Finds the use of a topic, if it is used.
    pub(super) fn topic_use(&self, topic: &str) -> Option<&TopicUse> {
        self.routes.by_topic.get(topic)
    }

    /// Returns the joins of two operands.
    pub(super) fn joins(&self) -> &[Join] {
        &self.routes.joins
    }
}

/// The keys of the file itself.
struct FileHead {
    facts: FileFacts,
    /// True when signals that are not named are absent.
    is_alone: bool,
}

fn read_file(
    keys: TableKeys<'_>,
    vehicle: Option<&str>,
    refuse: &mut dyn FnMut(Mistake),
) -> FileHead {
    let format = match keys.0.get("format") {
        None => 1,
        Some(Value::Integer(format @ 1..=FORMAT_MAX)) => *format,
        Some(other) => {
            let what = format!(
                "found {other}; this version reads formats 1 and 2: update it, or write `format = 2`"
            );
            refuse(Mistake::new("format", what));
            FORMAT_MAX
        }
    };
    let mut facts = FileFacts::new(format);
    let known = if format < 2 { &KEYS_1[..] } else { &KEYS_2 };
    for key in keys.0.keys() {
        let is_new = format < 2 && KEYS_2.contains(&key.as_str());
        if key == "format" || known.contains(&key.as_str()) {
            continue;
        }
        let what = if is_new {
            "a key of format 2; write `format = 2` in the first line of the file".to_owned()
        } else {
            unknown(key, "file", known)
        };
        refuse(Mistake::new(key, what));
    }
    match keys.0.get("prefix") {
        None => {}
        Some(Value::String(prefix))
            if !prefix.contains(['#', '\0']) && (format > 1 || !prefix.contains('+')) =>
        {
            facts.prefix.clone_from(prefix);
        }
        Some(_) if format > 1 => refuse(Mistake::new("prefix", "expected a text without #")),
        Some(_) => refuse(Mistake::new("prefix", "expected a text without + and #")),
    }
    let mut is_alone = false;
    if format > 1 {
        match keys.text("others") {
            Ok(None | Some("vss")) => {}
            Ok(Some("absent")) => is_alone = true,
            Ok(Some(_)) | Err(_) => {
                let what = "expected \"vss\" or \"absent\", for signals that are not named here";
                refuse(Mistake::new("others", what));
            }
        }
        match keys.text("vehicle") {
            Ok(written) => facts.vehicle = names(vehicle, written, refuse),
            Err(mistake) => refuse(mistake),
        }
        match read_time_form(keys) {
            Ok(form) => facts.time_form = form,
            Err(mistake) => refuse(mistake),
        }
    }
    FileHead { facts, is_alone }
}

/// The names that stand for `+`, one a level.
fn names(
    given: Option<&str>,
    written: Option<&str>,
    refuse: &mut dyn FnMut(Mistake),
) -> Vec<String> {
    let Some(vehicle) = given.or(written) else {
        return Vec::new();
    };
    if vehicle.contains(['+', '#', '\0']) || vehicle.split('/').any(str::is_empty) {
        let what =
            "expected the name in the topics, such as \"1\" or \"user/car\", without + and #";
        refuse(match given {
            None => Mistake::new("vehicle", what),
            Some(given) => Mistake {
                at: Vec::new(),
                what: format!("found {given:?} {GIVEN}; {what}"),
            },
        });
        return Vec::new();
    }
    vehicle.split('/').map(str::to_owned).collect()
}

fn not_used(path: &str) -> String {
    let paths: Vec<&str> = Signal::ALL.iter().map(|signal| signal.path()).collect();
    let meant = dashpoint_membership::nearest_name(path, &paths);
    let meant = meant.map_or_else(
        || "expected a VSS 6.0 path of `dashpoint check-mapping`".to_owned(),
        |meant| format!("did you mean {meant:?}?"),
    );
    format!("not a signal that Dashpoint uses; {meant}")
}

#[cfg(test)]
mod tests;
