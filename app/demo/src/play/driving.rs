//! The steps that the car does.

use anyhow::{Context, anyhow, bail, ensure};
use dashpoint_telematics::Signal;
use indicatif::ProgressBar;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use tokio::sync::oneshot;
use tokio::task::block_in_place;
use vehicle_sim::{
    Command, Plan, Progress, ScenarioCharge, SimulatedCharge, Step as Says, Summary,
};

use super::Player;
use crate::head_unit::Killed;
use crate::story::{StoryDrive, said};
use crate::wait::wait_for;
use crate::words;
use crate::world::DemoWorld;
use dashpoint_ui::locale::Language;

impl Player<'_> {
    pub(super) async fn drive(&mut self, drive: &StoryDrive) -> anyhow::Result<()> {
        let name = words::cycle_name(drive.cycle);
        let part = drive.part().map_err(|what| anyhow!(what))?;
        let command = part.map_or(Command::Drive(drive.cycle), Command::Scenario);
        let title = match self.narrator.language() {
            Language::English => format!("a {name} drive"),
            Language::Chinese => format!("行驶 {name} 工况"),
        };
        let messages = self.announce(&command, &title)?;
        let before = self.guests().await?;
        let summary = match drive.kill_at_percent {
            None => self.run(&command).await?,
            Some(percent) => {
                let kill_at = messages * usize::from(percent) / 100;
                self.run_and_kill(&command, kill_at).await?
            }
        };
        self.note(name.to_owned(), summary.distance_m, &summary)?;
        if self.guest {
            return self.tell_of_a_guest(before).await;
        }
        self.tell_of_the_last().await
    }

    pub(super) async fn charge(&mut self, charge: &ScenarioCharge) -> anyhow::Result<()> {
        let (kwh, percent) = (charge.kwh, charge.renewable);
        let language = self.narrator.language();
        let (name, title) = match (charge.asleep, language) {
            (false, Language::English) => (
                "charge",
                format!("a charge of {kwh} kWh at {percent} % renewable"),
            ),
            (true, Language::English) => (
                "asleep",
                format!(
                    "a charge of {kwh} kWh at {percent} % renewable while the head unit sleeps"
                ),
            ),
            (false, Language::Chinese) => {
                ("充电", format!("充电 {kwh} kWh，可再生占比 {percent} %"))
            }
            (true, Language::Chinese) => (
                "休眠充电",
                format!("车机休眠时充电 {kwh} kWh，可再生占比 {percent} %"),
            ),
        };
        let what = SimulatedCharge {
            kwh,
            renewable_percent: percent,
            source: charge.source,
            dc: charge.dc,
        };
        let command = if charge.asleep {
            Command::ChargeAsleep(what)
        } else {
            Command::Charge(what)
        };
        self.announce(&command, &title)?;
        let before = self.guests().await?;
        let summary = self.run(&command).await?;
        self.note(name.to_owned(), summary.charged_kwh * 1000.0, &summary)?;
        if self.guest {
            return self.tell_of_a_guest(before).await;
        }
        self.tell_of_the_last().await
    }

    pub(super) async fn say(&mut self, lines: &[String]) -> anyhow::Result<()> {
        let scenario = said(lines).map_err(|what| anyhow!(what))?;
        let language = self.narrator.language();
        let says = lines.iter().map(|line| line.parse::<Says>());
        let says: Vec<Says> = says.collect::<Result<_, _>>()?;
        let in_words = says.iter().zip(lines);
        let in_words: Vec<&str> = in_words
            .map(|(says, line)| words::car_says(language, says, line))
            .collect();
        let told = language.choose("the car says", "车辆信号");
        let title = match language {
            Language::English => format!("{told}: {}", in_words.join(", ")),
            Language::Chinese => format!("{told}：{}", in_words.join("，")),
        };
        let command = Command::Scenario(scenario);
        self.announce(&command, &title)?;
        let summary = self.run(&command).await?;
        self.count(&summary)?;
        for says in says {
            if let Says::NoDriver {} = says {
                self.guest = false;
            } else if let Says::Guest {} | Says::Driver(_) = says {
                self.guest = true;
            }
        }
        Ok(())
    }

    /// Lets the car say who it is once time has passed without a word of it: the clock of the head unit is that of the bus.
    pub(super) async fn wake(&mut self) -> anyhow::Result<()> {
        let clock = self.world.car.state().clock;
        if clock.is_none_or(|clock| clock >= self.earliest) {
            return Ok(());
        }
        let opening = said(&["heal".to_owned()]).map_err(|what| anyhow!(what))?;
        let command = Command::Scenario(opening);
        self.count_to_send(&command)?;
        let summary = self.run(&command).await?;
        self.count(&summary)
    }

    /// Says what the car is about to do; gives the number of messages.
    fn announce(&mut self, command: &Command, what: &str) -> anyhow::Result<usize> {
        let plan = self.count_to_send(command)?;
        let (from, _) = plan.span();
        let language = self.narrator.language();
        let network = if self.world.network.is_up() {
            language.choose("online", "在线")
        } else {
            language.choose("offline", "离线")
        };
        let at = self.moment(from);
        let comma = language.choose(", ", "，");
        self.narrator
            .step(&format!("{at}  {what}{comma}{network}"))?;
        Ok(plan.messages.len())
    }

    /// Plans a command and counts the signals of it that the head unit uses.
    fn count_to_send(&mut self, command: &Command) -> anyhow::Result<Plan> {
        let plan = self.world.car.plan(command)?;
        let used = plan
            .messages
            .iter()
            .filter(|message| Signal::from_path(&message.path).is_some());
        self.signals.sent += used.count() as u64;
        Ok(plan)
    }

    async fn run(&mut self, command: &Command) -> anyhow::Result<Summary> {
        let messages = self.world.car.plan(command)?.messages.len();
        let bar = self.narrator.begin(messages);
        let zone = &self.story.zone;
        let mut report = |progress| advance(&bar, progress, zone);
        let summary = self.world.car.run_reporting(command, &mut report).await;
        self.narrator.done();
        Ok(summary?)
    }

    /// Drives, kills the head unit once so many messages have gone out, and starts it again.
    ///
    /// The car stands still while it is killed: not one more message goes out before the head unit is dead, so that it
    /// dies in the middle of the drive on a machine of any speed.
    async fn run_and_kill(&mut self, command: &Command, kill_at: usize) -> anyhow::Result<Summary> {
        let messages = self.world.car.plan(command)?.messages.len();
        let bar = self.narrator.begin(messages);
        let zone = &self.story.zone;
        let DemoWorld { car, head_unit, .. } = &mut self.world;
        let mut victim = Some(head_unit.expose()?);
        let (killed, told) = oneshot::channel::<(Timestamp, anyhow::Result<Killed>)>();
        let mut killed = Some(killed);
        let mut unheard = false;
        let driving = async {
            let mut report = |progress: Progress| {
                advance(&bar, progress, zone);
                if let Progress::Sent { messages, at } = progress
                    && messages >= kill_at
                    && let (Some(victim), Some(killed)) = (victim.take(), killed.take())
                {
                    let struck = block_in_place(|| victim.strike());
                    unheard = killed.send((at, struck)).is_err();
                }
            };
            let summary = car.run_reporting(command, &mut report).await;
            // A drive that broke off before the kill: nobody is to wait for it.
            drop(killed.take());
            summary
        };
        let narrator = &mut *self.narrator;
        let outage = async move {
            let (at, struck) = told.await.context("the drive ended before its kill")?;
            let at = words::minute(at, zone);
            let struck = struck?;
            narrator.either(
                &format!("{at}  SIGKILL in the middle of the drive"),
                &format!("{at}  行驶途中车机断电（SIGKILL）"),
            )?;
            let last = head_unit.restart(struck).await?;
            narrator.either(
                "       the head unit is started again and goes on from its last checkpoint",
                "       车机重启，从最近的检查点继续",
            )?;
            anyhow::Ok(last)
        };
        let (summary, last) = tokio::join!(driving, outage);
        self.narrator.done();
        let summary = summary?;
        ensure!(!unheard, "nobody started the head unit again");
        self.count_signals(&last?);
        self.kills += 1;
        Ok(summary)
    }

    /// Notes what the car did.
    fn note(&mut self, name: String, length: f64, summary: &Summary) -> anyhow::Result<()> {
        self.count(summary)?;
        if !self.guest {
            self.did.push((name, length));
        }
        Ok(())
    }

    fn count(&mut self, summary: &Summary) -> anyhow::Result<()> {
        if !summary.all_seen() {
            let command = &summary.command;
            bail!("{command}: the head unit has not taken everything that the car sent");
        }
        self.signals.sent += summary.delivered.sent_again as u64;
        Ok(())
    }

    /// Counts the trips of guests since the head unit was started.
    async fn guests(&self) -> anyhow::Result<u64> {
        let status = self.status().await?;
        Ok(status.live.map_or(0, |live| live.guest))
    }

    async fn tell_of_a_guest(&mut self, before: u64) -> anyhow::Result<()> {
        wait_for("the head unit has done with the guest", async || {
            Ok((self.guests().await? > before).then_some(()))
        })
        .await?;
        self.narrator.either(
            "a guest: nothing is earned, and nobody earns it later",
            "访客：不累积积分，日后也不会记到任何人名下",
        )?;
        Ok(())
    }
}

fn advance(bar: &ProgressBar, progress: Progress, zone: &TimeZone) {
    match progress {
        Progress::Sent { messages, at } => {
            bar.set_position(messages as u64);
            bar.set_message(words::minute(at, zone));
        }
        Progress::NobodyAnswers | Progress::Reconnecting => {}
    }
}
