//! Plays a story: makes each step happen, and tells what came of it.

mod assertions;
mod cloud_steps;
mod driving;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use dashpoint_membership::CompiledPolicy;
use jiff::Timestamp;
use jiff::civil::Date;
use tokio::time::{Instant, sleep, timeout};

use crate::folder::DemoFolder;
use crate::head_unit::HeadUnitStatus;
use crate::invariant_check::{InvariantInput, check_invariants};
use crate::narrator::Narrator;
use crate::report::{PlayReport, Points, Signals};
use crate::screen::{ScreenOutput, ScreenPage};
use crate::second_car::SecondCar;
use crate::story::{Story, StoryStep, Until};
use crate::wait::wait_for;
use crate::words;
use crate::world::DemoWorld;

/// Time that the head unit may take to store the documents of an approval.
const ENROL_PATIENCE: Duration = Duration::from_secs(180);

/// A story that has been played.
pub(crate) struct Played {
    /// The report of the play.
    pub(crate) report: PlayReport,
    /// Violations of the promise and of the story's own expectations.
    pub(crate) faults: Vec<String>,
    /// The rest of the world after the play.
    pub(crate) world: DemoWorld,
}

/// Plays a story to its end.
///
/// # Errors
/// When something of the world cannot be started or does not come for minutes.
pub(crate) async fn play(
    story: &Story,
    folder: &DemoFolder,
    program: PathBuf,
    screen: ScreenOutput,
    narrator: &mut Narrator,
) -> anyhow::Result<Played> {
    let language = narrator.language();
    narrator.title(
        story.about.text(language),
        &words::day(language, story.begins, &story.zone),
        story.zone.iana_name().unwrap_or("UTC"),
    )?;
    let world = DemoWorld::make(story, folder, program, language, screen.window).await?;
    let mut player = Player {
        policy: world.cloud.policy().await?,
        world,
        story,
        narrator,
        began: Instant::now(),
        earliest: story.begins,
        day: story.begins.to_zoned(story.zone.clone()).date(),
        did: Vec::new(),
        second_car: None,
        signals: Signals::default(),
        kills: 0,
        guest: false,
        faults: Vec::new(),
        screen,
        is_enrolled: false,
    };
    for (line, step) in &story.steps {
        player
            .befall(*line, step)
            .await
            .with_context(|| format!("{}: line {line}", story.name))?;
        player.look(step).await?;
    }
    player.close(folder).await
}

/// The world, and what has happened in it.
struct Player<'a> {
    world: DemoWorld,
    story: &'a Story,
    narrator: &'a mut Narrator,
    policy: CompiledPolicy,
    began: Instant,
    /// Nothing that the car does begins before it.
    earliest: Timestamp,
    /// The day that was named last.
    day: Date,
    /// Drives and charges that earned an entry: name, and metres or watt-hours.
    did: Vec<(String, f64)>,
    second_car: Option<SecondCar>,
    signals: Signals,
    kills: u32,
    /// True while a driver is at the wheel whom the car does not know.
    guest: bool,
    /// Expectations that were not met.
    faults: Vec<String>,
    screen: ScreenOutput,
    is_enrolled: bool,
}

impl Player<'_> {
    async fn befall(&mut self, line: usize, step: &StoryStep) -> anyhow::Result<()> {
        match step {
            StoryStep::Enrol {} => self.enrol().await,
            StoryStep::Drive(drive) => self.drive(drive).await,
            StoryStep::Charge(charge) => self.charge(charge).await,
            StoryStep::Car { says } => self.say(says).await,
            StoryStep::SecondCar(does) => self.second_car(does).await,
            StoryStep::NetworkGoes {} => self.network_goes().await,
            StoryStep::NetworkReturns {} => self.network_returns().await,
            StoryStep::NetworkFaults { faults } => self.network_faults(faults).await,
            StoryStep::Time(until) => self.pass(until),
            StoryStep::CheckIn {} => self.check_in().await,
            StoryStep::Expect(expected) => self.expect(line, expected).await,
        }
    }

    async fn enrol(&mut self) -> anyhow::Result<()> {
        let language = self.narrator.language();
        self.narrator.step(language.choose("Enrolment", "绑定"))?;
        let name = &self.story.member;
        let DemoWorld {
            cloud,
            head_unit,
            member,
            ..
        } = &mut self.world;
        // With a window the code is on the screen of the head unit; without one it has a command of its own.
        let mut asking = if head_unit.has_window() {
            head_unit.launch()?;
            None
        } else {
            Some(head_unit.enrol()?)
        };
        let code = wait_for("the head unit asks to be enrolled", async || {
            match &mut asking {
                None => head_unit.has_not_ended()?,
                Some(asking) => {
                    if let Some(ended) = asking.try_wait()? {
                        bail!("enrolment ended before the member was asked ({ended})");
                    }
                }
            }
            cloud.approve_one(*member).await
        });
        let code = code.await?;
        self.narrator.either(
            &format!("the head unit shows the code {code}, and {name} says yes"),
            &format!("车机显示绑定码 {code}，{name} 同意绑定"),
        )?;
        if let Some(mut asking) = asking {
            let ended = timeout(ENROL_PATIENCE, asking.wait()).await;
            let ended =
                ended.map_err(|_| anyhow!("the head unit does not notice the approval"))??;
            if !ended.success() {
                bail!("enrolment failed ({ended})");
            }
            head_unit.launch()?;
        }
        head_unit.until_it_hears().await?;
        self.is_enrolled = true;
        self.narrator.either(
            "it is enrolled: its key signs from here on, and the car may be without a network",
            "绑定完成：此后由车机密钥签名，没有网络也能累积积分",
        )?;
        if self.world.network.is_up() {
            self.settle().await?;
        }
        Ok(())
    }

    fn pass(&mut self, until: &Until) -> anyhow::Result<()> {
        let zone = &self.story.zone;
        let then = until.after(self.now(), zone)?;
        self.world.car.options_mut().start = Some(then);
        self.earliest = then;
        let language = self.narrator.language();
        let (day, minute) = (words::day(language, then, zone), words::minute(then, zone));
        self.day = then.to_zoned(zone.clone()).date();
        let comma = language.choose(", ", "，");
        self.narrator.step(&format!("{day}{comma}{minute}"))?;
        Ok(())
    }

    async fn check_in(&mut self) -> anyhow::Result<()> {
        let name = self.narrator.language().choose("check-in", "签到");
        self.narrator.step(name)?;
        self.wake().await?;
        let before = self.world.head_unit.newest_place().await?;
        let said = self.world.head_unit.check_in().await?;
        self.narrator.line(&said)?;
        // A second one of the day, or one of a full day, makes no entry. One that is made is durable before the answer.
        if self.world.head_unit.newest_place().await? == before {
            return Ok(());
        }
        self.did.push((name.to_owned(), 0.0));
        self.tell_of_the_last().await
    }

    /// Names a minute of the story, and its day when it is not the one that was named last.
    fn moment(&mut self, at: Timestamp) -> String {
        let zone = &self.story.zone;
        let minute = words::minute(at, zone);
        let day = at.to_zoned(zone.clone()).date();
        if std::mem::replace(&mut self.day, day) == day {
            return minute;
        }
        let day = words::day(self.narrator.language(), at, zone);
        let comma = self.narrator.language().choose(", ", "，");
        format!("{day}{comma}{minute}")
    }

    /// The car's time.
    fn now(&self) -> Timestamp {
        self.world
            .car
            .state()
            .clock
            .map_or(self.earliest, |clock| clock.max(self.earliest))
    }

    /// Draws what is to be seen after a step, and gives whoever looks at the window time to see it.
    async fn look(&mut self, step: &StoryStep) -> anyhow::Result<()> {
        let pages = step.pages();
        if self.is_enrolled && self.screen.each_step && !pages.is_empty() {
            self.draw(step.name(), pages).await?;
            sleep(self.screen.pause).await;
        }
        Ok(())
    }

    async fn draw(&mut self, what: &str, pages: &[ScreenPage]) -> anyhow::Result<()> {
        for page in pages {
            // What a guest drove has no summary.
            if *page == ScreenPage::Trip && !self.world.head_unit.ledger().await?.has_trip() {
                continue;
            }
            if let Some(pictures) = &mut self.screen.pictures {
                let out = pictures.next(what, *page);
                self.world.head_unit.screenshot(*page, &out).await?;
            }
        }
        Ok(())
    }

    /// Judges.
    async fn close(mut self, folder: &DemoFolder) -> anyhow::Result<Played> {
        let ledger = self.world.head_unit.verified_ledger().await?;
        let cloud = self.world.cloud.entries().await?;
        let status = self.status().await?;
        self.count_signals(&status);
        let points = Points {
            confirmed: confirmed(&status),
            pending: pending(&status),
            cloud: self.world.cloud.points(self.world.member).await?,
        };
        if !self.screen.each_step {
            self.draw("persona", &[ScreenPage::Home, ScreenPage::Activity])
                .await?;
        }
        let settled = self.world.network.is_up();
        let (report, mut faults) = check_invariants(&InvariantInput {
            did: &self.did,
            ledger: &ledger,
            cloud: &cloud,
            points,
            carbon: self.policy.policy().carbon,
            signals: self.signals,
            kills: self.kills,
            settled,
        });
        faults.append(&mut self.faults);
        self.narrator
            .end(&self.did, &ledger, &report, &self.policy.policy().carbon)?;
        if faults.is_empty() {
            let held = words::held(self.narrator.language(), settled);
            let seconds = self.began.elapsed().as_secs();
            self.narrator.verdict(&format!("{held} ({seconds} s)."))?;
        }
        if folder.is_kept() {
            let kept = words::kept(self.narrator.language(), folder.path());
            self.narrator.verdict(&kept)?;
        }
        Ok(Played {
            report,
            faults,
            world: self.world,
        })
    }
}

fn confirmed(status: &HeadUnitStatus) -> i64 {
    status.members.iter().map(|member| member.confirmed).sum()
}

fn pending(status: &HeadUnitStatus) -> i64 {
    status.members.iter().map(|member| member.pending).sum()
}
