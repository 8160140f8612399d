//! Stories as data: a story is a TOML file, and the ready ones are part of the program.

mod expect;
mod ready;
mod step;

pub use expect::{Expect, LinkState, ObservedState};
pub use ready::ReadyStory;
pub use step::{StoryDrive, StorySecondCar, StoryStep, Until, said};

use std::fs;
use std::path::Path;

use anyhow::{Context, anyhow, bail};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::Deserialize;
use toml::Spanned;

use dashpoint_ui::locale::Language;

/// One thing after another.
#[derive(Debug, Clone)]
pub struct Story {
    /// The name of its file, or of the ready story.
    pub name: String,
    /// Describes in a line what the story shows.
    pub about: About,
    /// Time at which the story begins. Its date is fixed, so that it is the same each time.
    pub begins: Timestamp,
    /// The member's zone, which is the car's.
    pub zone: TimeZone,
    /// The member's name.
    pub member: String,
    /// The steps, each with its line in the file.
    pub steps: Vec<(usize, StoryStep)>,
}

/// Description of a story, in one language or in both.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum About {
    /// The same in each.
    One(String),
    /// In each.
    Both {
        /// English.
        en: String,
        /// 中文.
        zh: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StoryFile {
    about: About,
    begins: DateTime,
    #[serde(default = "zone")]
    zone: String,
    #[serde(default = "member")]
    member: String,
    step: Vec<Spanned<StoryStep>>,
}

fn zone() -> String {
    "Asia/Shanghai".to_owned()
}

fn member() -> String {
    "陈玥".to_owned()
}

impl About {
    /// The line in a language.
    pub fn text(&self, language: Language) -> &str {
        match self {
            Self::One(text) => text,
            Self::Both { en, zh } => language.choose(en, zh),
        }
    }
}

impl Story {
    /// Reads a file, or the ready story of this name when `file` is no more than a name.
    ///
    /// # Errors
    /// When it cannot be read or makes no sense: one line, with the line of the file.
    pub fn open(file: &Path) -> anyhow::Result<Self> {
        if let Some(ready) = ReadyStory::STORIES
            .iter()
            .find(|ready| file.as_os_str() == ready.name)
        {
            return Self::ready(*ready);
        }
        let name = file.display().to_string();
        let text = fs::read_to_string(file).with_context(|| {
            let names: Vec<_> = ReadyStory::STORIES.iter().map(|ready| ready.name).collect();
            let names = names.join(", ");
            format!("{name}: cannot be read; expected a story or one of {names}")
        })?;
        Self::parse(&name, &text)
    }

    /// Reads a story that is part of the program.
    ///
    /// # Errors
    /// None in practice: a test reads each.
    pub fn ready(ready: ReadyStory) -> anyhow::Result<Self> {
        Self::parse(ready.name, ready.text)
    }

    /// Reads a story from text; `name` is for messages.
    ///
    /// # Errors
    /// As [`Story::open`].
    pub fn parse(name: &str, text: &str) -> anyhow::Result<Self> {
        let line_of = |at: usize| text.get(..at).unwrap_or_default().matches('\n').count() + 1;
        let file: StoryFile = toml::from_str(text).map_err(|error| {
            let line = line_of(error.span().map_or(0, |span| span.start));
            let what = error.message().lines().collect::<Vec<_>>().join(" ");
            anyhow!("{name}: line {line}: {what}")
        })?;
        let zone = TimeZone::get(&file.zone)
            .with_context(|| format!("{name}: zone: {:?} is no IANA zone", file.zone))?;
        let begins = zone
            .to_timestamp(file.begins)
            .with_context(|| format!("{name}: begins: {} is no time there", file.begins))?;
        let steps: Vec<_> = file
            .step
            .into_iter()
            .map(|step| {
                (
                    line_of_step(text, line_of(step.span().start)),
                    step.into_inner(),
                )
            })
            .collect();
        check(name, file.begins, &steps)?;
        Ok(Self {
            name: name.to_owned(),
            about: file.about,
            begins,
            zone,
            member: file.member,
            steps,
        })
    }
}

/// The line on which a step says something, after its head.
fn line_of_step(text: &str, head: usize) -> usize {
    let is_said = |line: &str| !line.is_empty() && !line.starts_with('#') && !line.starts_with('[');
    let below = text.lines().skip(head);
    let said = below.map(str::trim).position(is_said);
    said.map_or(head, |lines| head + 1 + lines)
}

/// A step that makes no sense is found before anything is played.
fn check(name: &str, begins: DateTime, steps: &[(usize, StoryStep)]) -> anyhow::Result<()> {
    let mut latest = begins;
    let mut enrolled = false;
    let mut network = true;
    for (line, step) in steps {
        let wrong = |what: &str| anyhow!("{name}: line {line}: {what}");
        if !step.works_without_a_head_unit() && !enrolled {
            bail!(wrong("the head unit is not enrolled yet"));
        }
        step.check().map_err(|what| wrong(&what))?;
        match step {
            StoryStep::Enrol {} if enrolled => bail!(wrong("the head unit is enrolled already")),
            StoryStep::Enrol {} => enrolled = true,
            StoryStep::NetworkGoes {} if !network => bail!(wrong("the network is gone already")),
            StoryStep::NetworkReturns {} if network => bail!(wrong("the network is there already")),
            StoryStep::NetworkGoes {} => network = false,
            StoryStep::NetworkReturns {} => network = true,
            StoryStep::Time(Until { at: Some(at), .. }) if *at < latest => {
                bail!(wrong(&format!("time runs back: it is {latest} already")))
            }
            StoryStep::Time(until) => latest = until.at.unwrap_or(latest),
            StoryStep::Drive(_)
            | StoryStep::Charge(_)
            | StoryStep::Car { .. }
            | StoryStep::SecondCar(_)
            | StoryStep::NetworkFaults { .. }
            | StoryStep::CheckIn {}
            | StoryStep::Expect(_) => {}
        }
    }
    if enrolled {
        Ok(())
    } else {
        bail!("{name}: no step enrols the head unit")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn story(steps: &str) -> anyhow::Result<Story> {
        let text = format!("about = \"x\"\nbegins = \"2026-11-22T08:00\"\n{steps}");
        Story::parse("t.toml", &text)
    }

    #[test]
    fn every_ready_story_can_be_read_and_says_what_it_shows() {
        for ready in ReadyStory::STORIES.iter().chain(ReadyStory::PERSONAS) {
            let story = Story::ready(*ready).unwrap();
            assert_ne!(
                story.about.text(Language::English),
                story.about.text(Language::Chinese),
                "{}",
                ready.name
            );
        }
    }

    #[test]
    fn time_that_runs_back_is_found_when_it_is_read() {
        let step = "[[step]]\nenrol = {}\n[[step]]\ntime = { at = \"2020-01-01T08:00\" }\n";
        let error = story(step).unwrap_err().to_string();
        assert!(error.contains("line 6: time runs back"), "{error}");
    }

    #[test]
    fn a_charge_that_no_car_makes_is_found_when_it_is_read() {
        for (charge, part) in [
            ("kwh = -5, renewable = 80", "kwh is -5"),
            ("kwh = 5, renewable = 180", "renewable is 180"),
        ] {
            let step = format!("[[step]]\nenrol = {{}}\n[[step]]\ncharge = {{ {charge} }}\n");
            let error = story(&step).unwrap_err().to_string();
            assert!(error.contains("line 6") && error.contains(part), "{error}");
        }
    }

    #[test]
    fn the_steps_and_the_story_of_the_testers_page_can_be_read() {
        let page = include_str!("../../../../docs/testing.md");
        let (_, of_testers) = page.split_once("\n## Write your own story\n").unwrap();
        let (of_testers, _) = of_testers.split_once("\n## ").unwrap();
        let mut steps = 0;
        for row in of_testers.lines().filter(|line| line.starts_with("| `")) {
            let cell = row.split(" | ").next().unwrap();
            for step in cell.split('`').skip(1).step_by(2) {
                let read = toml::from_str::<StoryStep>(step);
                assert!(read.is_ok_and(|step| step.check().is_ok()), "{step}");
                steps += 1;
            }
        }
        assert_eq!(steps, 12);
        let (_, file) = of_testers.split_once("```toml\n").unwrap();
        let (file, _) = file.split_once("```").unwrap();
        assert_eq!(
            Story::parse("docs/testing.md", file).unwrap().steps.len(),
            6
        );
    }

    #[test]
    fn a_step_keeps_its_line() {
        let story = story("\n[[step]]\nenrol = {}\n\n[[step]]\ncheck-in = {}\n").unwrap();
        let lines: Vec<_> = story.steps.iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, [5, 8]);
        assert_eq!(story.begins.to_string(), "2026-11-22T00:00:00Z");
    }

    #[test]
    fn what_makes_no_sense_is_one_line_that_names_the_line() {
        for (steps, part) in [
            ("enrol = {}\n[[step]]\nfly = {}", "unknown variant `fly`"),
            ("drive = { cycle = \"udds\" }", "not enrolled yet"),
            ("time = { days = 1 }", "no step enrols"),
            ("enrol = {}\n[[step]]\nenrol = {}", "enrolled already"),
            (
                "enrol = {}\n[[step]]\nnetwork-returns = {}",
                "there already",
            ),
            (
                "enrol = {}\n[[step]]\ndrive = { cycle = \"nedc\" }",
                "unknown variant `nedc`",
            ),
            (
                "enrol = {}\n[[step]]\ndrive = { cycle = \"udds\", kill-at-percent = 100 }",
                "1 to 99",
            ),
            (
                "enrol = {}\n[[step]]\ndrive = { cycle = \"udds\", for = \"soon\" }",
                "soon",
            ),
            (
                "enrol = {}\n[[step]]\nnetwork-faults = { faults = \"fire\" }",
                "no fault",
            ),
            (
                "enrol = {}\n[[step]]\ncar = { says = [\"drive = { cycle = 'udds' }\"] }",
                "step of its own",
            ),
            (
                "enrol = {}\n[[step]]\ncar = { says = [\"shout\"] }",
                "shout",
            ),
            (
                "enrol = {}\n[[step]]\nexpect = { points = 1 }",
                "unknown field `points`",
            ),
            (
                "enrol = {}\n[[step]]\nexpect = { pending = \"many\" }",
                "many",
            ),
            ("enrol = {}\n[[step]]\nexpect = {}", "expects nothing"),
            (
                "enrol = {}\n[[step]]\nsecond-car = { charges-kwh = 0 }",
                "above 0",
            ),
            ("enrol = {}\n[[step]]\ntime = {}", "to, days or at"),
        ] {
            let said = format!("{:#}", story(&format!("[[step]]\n{steps}")).unwrap_err());
            assert!(
                said.starts_with("t.toml: ") && said.contains(part),
                "{said}"
            );
            assert_eq!(said.lines().count(), 1, "{said}");
        }
    }
}
