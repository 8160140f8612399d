//! Plays a story: makes each step happen, and tells what came of it.

mod driving;
mod elsewhere;
mod looking;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use dashpoint_membership::policy::Carbon;
use jiff::Timestamp;
use tokio::time::{Instant, timeout};

use crate::folder::Folder;
use crate::head_unit::Status;
use crate::judge::{Account, judge};
use crate::language::Language;
use crate::patience::wait_for;
use crate::report::{Points, Report, Signals};
use crate::second_car::SecondCar;
use crate::story::{Step, Story, Until};
use crate::tell::Teller;
use crate::words;
use crate::world::World;

/// How long the head unit may take to keep what an approval brings.
const ENROL_PATIENCE: Duration = Duration::from_secs(180);

/// Plays a story to its end: the report, and what of the promise and of the story's own expectations did not hold.
///
/// # Errors
/// When something of the world cannot be started or does not come for minutes.
pub(crate) async fn play(
    story: &Story,
    folder: &Folder,
    program: PathBuf,
    teller: &mut Teller,
) -> anyhow::Result<(Report, Vec<String>)> {
    let language = teller.language();
    teller.title(
        story.about.text(language),
        &words::day(language, story.begins, &story.zone),
        story.zone.iana_name().unwrap_or("UTC"),
    )?;
    let world = World::make(story, folder, program, language).await?;
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
    };
    for (line, step) in &story.steps {
        player
            .befall(*line, step)
            .await
            .with_context(|| format!("{}: line {line}", story.name))?;
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
    /// What earned an entry: its name, and metres or watt-hours.
    did: Vec<(String, f64)>,
    second_car: Option<SecondCar>,
    signals: Signals,
    kills: u32,
    /// Whether somebody drives whom the car does not know.
    guest: bool,
    /// What was expected and is not so.
    faults: Vec<String>,
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
            Step::NetworkFaults { faults } => self.network_faults(faults),
            Step::Time(until) => self.pass(until),
            Step::CheckIn {} => self.check_in().await,
            Step::Expect(expected) => self.expect(line, expected).await,
        }
    }

    async fn enrol(&mut self) -> anyhow::Result<()> {
        let language = self.teller.language();
        self.teller.step(language.pick("Enrolment", "绑定"))?;
        let World {
            cloud,
            head_unit,
            member,
            ..
        } = &mut self.world;
        let mut asking = head_unit.enrol()?;
        let code = wait_for("the head unit asks to be enrolled", async || {
            if let Some(ended) = asking.try_wait()? {
                bail!("enrolment ended before the member was asked ({ended})");
            }
            cloud.approve_one(*member).await
        });
        let code = code.await?;
        let name = &self.story.member;
        self.teller.either(
            &format!("the head unit shows the code {code}, and {name} says yes"),
            &format!("车机显示验证码 {code}，{name} 同意绑定"),
        )?;
        let ended = timeout(ENROL_PATIENCE, asking.wait()).await;
        let ended = ended.map_err(|_| anyhow!("the head unit does not notice the approval"))??;
        if !ended.success() {
            bail!("enrolment failed ({ended})");
        }
        head_unit.start().await?;
        self.teller.either(
            "it is enrolled: its key signs from here on, and the car may be without a network",
            "绑定完成：此后由车机密钥签名，没有网络也能累积积分",
        )?;
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

    /// Ends the world in order, and judges.
    async fn close(mut self, folder: &Folder) -> anyhow::Result<(Report, Vec<String>)> {
        let ledger = self.world.head_unit.verified_ledger().await?;
        let cloud = self.world.cloud.entries().await?;
        let status = self.status().await?;
        self.count_signals(&status);
        let points = Points {
            confirmed: confirmed(&status),
            pending: pending(&status),
            cloud: self.world.cloud.points(self.world.member).await?,
        };
        let settled = self.world.network.is_up();
        self.world.head_unit.end().await?;
        self.world.network.go().await;
        self.world.cloud.end().await;
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
        faults.extend(self.faults);
        let teller = self.teller;
        teller.end(&self.did, &ledger, &report, &self.carbon)?;
        let language = teller.language();
        if faults.is_empty() {
            let seconds = self.began.elapsed().as_secs();
            let held = match (settled, language) {
                (true, Language::En) => {
                    "The promise held: every point is there, once, and both sides say so"
                }
                (true, Language::Zh) => "承诺兑现：每一分都在，且只算一次，车端与云端一致",
                (false, Language::En) => {
                    "The promise holds so far: every point is there, once; the cloud has yet to hear of some"
                }
                (false, Language::Zh) => "至此承诺有效：每一分都在，且只算一次；部分尚待云端确认",
            };
            teller.verdict(&format!("{held} ({seconds} s)."))?;
        }
        if folder.is_kept() {
            let (path, config) = (folder.path(), folder.path().join("dashpoint.toml"));
            let (path, config) = (path.display(), config.display());
            teller.verdict(&match language {
                Language::En => format!(
                    "Kept in {path}; look into it with `dashpoint ledger --config {config}`"
                ),
                Language::Zh => {
                    format!("保存在 {path}；可用 `dashpoint ledger --config {config}` 查看")
                }
            })?;
        }
        Ok((report, faults))
    }
}

fn confirmed(status: &Status) -> i64 {
    status.members.iter().map(|member| member.confirmed).sum()
}

fn pending(status: &Status) -> i64 {
    status.members.iter().map(|member| member.pending).sum()
}
