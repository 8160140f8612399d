//! Plays a story: makes each step happen, and tells what came of it.

mod driving;
mod elsewhere;
mod looking;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use dashpoint_membership::policy::Carbon;
use jiff::Timestamp;
use tokio::time::{Instant, sleep, timeout};

use crate::folder::Folder;
use crate::head_unit::Status;
use crate::judge::{Account, judge};
use crate::patience::wait_for;
use crate::report::{Points, Report, Signals};
use crate::screen::{Page, Screen};
use crate::second_car::SecondCar;
use crate::story::{Step, Story, Until};
use crate::tell::Teller;
use crate::words;
use crate::world::World;

/// Time that the head unit may take to store the documents of an approval.
const ENROL_PATIENCE: Duration = Duration::from_secs(180);

/// A story that has been played.
pub(crate) struct Played {
    /// The report of the play.
    pub(crate) report: Report,
    /// Violations of the promise and of the story's own expectations.
    pub(crate) faults: Vec<String>,
    /// The rest of the world after the play.
    pub(crate) world: World,
}

/// Plays a story to its end.
///
/// # Errors
/// When something of the world cannot be started or does not come for minutes.
pub(crate) async fn play(
    story: &Story,
    folder: &Folder,
    program: PathBuf,
    screen: Screen,
    teller: &mut Teller,
) -> anyhow::Result<Played> {
    let language = teller.language();
    teller.title(
        story.about.text(language),
        &words::day(language, story.begins, &story.zone),
        story.zone.iana_name().unwrap_or("UTC"),
    )?;
    let world = World::make(story, folder, program, language, screen.window).await?;
    let mut player = Player {
        carbon: world.cloud.carbon().await?,
        world,
        story,
        teller,
        began: Instant::now(),
        earliest: story.begins,
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
    world: World,
    story: &'a Story,
    teller: &'a mut Teller,
    carbon: Carbon,
    began: Instant,
    /// Nothing that the car does begins before it.
    earliest: Timestamp,
    /// Drives and charges that earned an entry: name, and metres or watt-hours.
    did: Vec<(String, f64)>,
    second_car: Option<SecondCar>,
    signals: Signals,
    kills: u32,
    /// True while a driver is at the wheel whom the car does not know.
    guest: bool,
    /// Expectations that were not met.
    faults: Vec<String>,
    screen: Screen,
    is_enrolled: bool,
}

impl Player<'_> {
    async fn befall(&mut self, line: usize, step: &Step) -> anyhow::Result<()> {
        match step {
            Step::Enrol {} => self.enrol().await,
            Step::Drive(drive) => self.drive(drive).await,
            Step::Charge(charge) => self.charge(charge).await,
            Step::Car { says } => self.say(says).await,
            Step::SecondCar(does) => self.second_car(does).await,
            Step::NetworkGoes {} => self.network_goes().await,
            Step::NetworkReturns {} => self.network_returns().await,
            Step::NetworkFaults { faults } => self.network_faults(faults).await,
            Step::Time(until) => self.pass(until),
            Step::CheckIn {} => self.check_in().await,
            Step::Expect(expected) => self.expect(line, expected).await,
        }
    }

    async fn enrol(&mut self) -> anyhow::Result<()> {
        let language = self.teller.language();
        self.teller.step(language.pick("Enrolment", "绑定"))?;
        let name = &self.story.member;
        let World {
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
        self.teller.either(
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
        self.teller.either(
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
        let language = self.teller.language();
        let (day, minute) = (words::day(language, then, zone), words::minute(then, zone));
        self.teller.step(&format!("{day}, {minute}"))?;
        Ok(())
    }

    async fn check_in(&mut self) -> anyhow::Result<()> {
        let name = self.teller.language().pick("check-in", "签到");
        self.teller.step(name)?;
        self.world.head_unit.check_in().await?;
        self.did.push((name.to_owned(), 0.0));
        self.tell_of_the_last().await
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
    async fn look(&mut self, step: &Step) -> anyhow::Result<()> {
        let pages = step.pages();
        if self.is_enrolled && self.screen.each_step && !pages.is_empty() {
            self.draw(step.name(), pages).await?;
            sleep(self.screen.pause).await;
        }
        Ok(())
    }

    async fn draw(&mut self, what: &str, pages: &[Page]) -> anyhow::Result<()> {
        for page in pages {
            // What a guest drove has no summary.
            if *page == Page::Trip && !self.world.head_unit.ledger().await?.has_trip() {
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
    async fn close(mut self, folder: &Folder) -> anyhow::Result<Played> {
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
            self.draw("persona", &[Page::Home, Page::Activity]).await?;
        }
        let settled = self.world.network.is_up();
        let (report, mut faults) = judge(&Account {
            did: &self.did,
            ledger: &ledger,
            cloud: &cloud,
            points,
            carbon: self.carbon,
            signals: self.signals,
            kills: self.kills,
            settled,
        });
        faults.append(&mut self.faults);
        self.teller.end(&self.did, &ledger, &report, &self.carbon)?;
        if faults.is_empty() {
            let held = words::held(self.teller.language(), settled);
            let seconds = self.began.elapsed().as_secs();
            self.teller.verdict(&format!("{held} ({seconds} s)."))?;
        }
        if folder.is_kept() {
            let kept = words::kept(self.teller.language(), folder.path());
            self.teller.verdict(&kept)?;
        }
        Ok(Played {
            report,
            faults,
            world: self.world,
        })
    }
}

fn confirmed(status: &Status) -> i64 {
    status.members.iter().map(|member| member.confirmed).sum()
}

fn pending(status: &Status) -> i64 {
    status.members.iter().map(|member| member.pending).sum()
}
