//! Plays a story: makes each step happen, and tells what came of it.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use dashpoint_membership::policy::Carbon;
use indicatif::ProgressBar;
use jiff::Timestamp;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout};
use vehicle_sim::{Charge, Command, Cycle, Progress, Summary};

use crate::folder::Folder;
use crate::head_unit::{Connection, Row, Status};
use crate::judge::{Account, judge};
use crate::patience::wait_for;
use crate::report::{Points, Report, Signals};
use crate::story::{Step, Story};
use crate::tell::Teller;
use crate::words;
use crate::world::World;

/// How long the head unit may take to keep what an approval brings.
const ENROL_PATIENCE: Duration = Duration::from_secs(30);

/// Plays a story to its end: the report, and what of the promise did not hold.
///
/// # Errors
/// When something of the world cannot be started or does not come within a minute.
pub(crate) async fn play(
    story: &Story,
    folder: &Folder,
    program: PathBuf,
    teller: &mut Teller,
) -> anyhow::Result<(Report, Vec<String>)> {
    let zone = story.zone.iana_name().unwrap_or("UTC");
    teller.title(&words::day(story.begins, &story.zone), zone)?;
    let world = World::make(story, folder, program).await?;
    let mut player = Player {
        carbon: world.cloud.carbon().await?,
        world,
        story,
        teller,
        began: Instant::now(),
        did: Vec::new(),
        signals: Signals::default(),
        kills: 0,
    };
    for step in &story.steps {
        player.befall(step).await?;
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
    /// What the car did: its name, and metres or watt-hours.
    did: Vec<(String, f64)>,
    signals: Signals,
    kills: u32,
}

impl Player<'_> {
    async fn befall(&mut self, step: &Step) -> anyhow::Result<()> {
        match step {
            Step::Enrol => self.enrol().await,
            Step::Drive {
                cycle,
                kill_at_percent,
            } => self.drive(*cycle, *kill_at_percent).await,
            Step::Charge(charge) => self.charge(charge).await,
            Step::NetworkGoes => self.network_goes().await,
            Step::NetworkReturns => self.network_returns().await,
        }
    }

    async fn enrol(&mut self) -> anyhow::Result<()> {
        self.teller.step("Enrolment")?;
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
        self.teller.line(&format!(
            "the head unit shows the code {code}, and {} says yes",
            self.story.member
        ))?;
        let ended = timeout(ENROL_PATIENCE, asking.wait()).await;
        let ended = ended.map_err(|_| anyhow!("the head unit does not notice the approval"))??;
        if !ended.success() {
            bail!("enrolment failed ({ended})");
        }
        head_unit.start().await?;
        self.teller.line(
            "it is enrolled: its key signs from here on, and the car may be without a network",
        )?;
        Ok(())
    }

    async fn drive(&mut self, cycle: Cycle, kill_at_percent: Option<u8>) -> anyhow::Result<()> {
        let name = words::cycle_name(cycle);
        let command = Command::Drive(cycle);
        let messages = self.announce(&command, &format!("a {name} drive"))?;
        let summary = match kill_at_percent {
            None => self.run(&command).await?,
            Some(percent) => {
                let kill_at = messages * usize::from(percent) / 100;
                self.run_and_kill(&command, kill_at).await?
            }
        };
        self.note(name.to_owned(), summary.distance_m, &summary)?;
        self.tell_of_the_last().await
    }

    async fn charge(&mut self, charge: &Charge) -> anyhow::Result<()> {
        let name = format!("{} kWh", charge.kwh);
        let command = Command::Charge(charge.clone());
        let title = format!(
            "a charge of {name} at {} % renewable",
            charge.renewable_percent
        );
        self.announce(&command, &title)?;
        let summary = self.run(&command).await?;
        self.note("charge".to_owned(), summary.charged_kwh * 1000.0, &summary)?;
        self.tell_of_the_last().await
    }

    async fn network_goes(&mut self) -> anyhow::Result<()> {
        self.teller.step("The network goes")?;
        self.world.cloud.go().await;
        self.world.head_unit.sync().await?;
        self.until("the head unit notices that it is offline", |status| {
            connection(status) == Some(Connection::Offline)
        })
        .await?;
        self.teller
            .line("the cloud is stopped; the head unit knows, and goes on earning")?;
        Ok(())
    }

    async fn network_returns(&mut self) -> anyhow::Result<()> {
        self.teller.step("The network comes back")?;
        let card = self.world.head_unit.card().await?;
        self.teller.line("until now the head unit shows:")?;
        self.teller.card(&card)?;
        let waiting = self.status().await?.live.map_or(0, |live| live.waiting);
        self.world.cloud.come_back().await?;
        self.world.head_unit.sync().await?;
        self.until("everything is confirmed", is_settled).await?;
        self.teller.line(&format!(
            "the cloud verifies {waiting} entries, runs the rules on each again, and signs a receipt and a statement:"
        ))?;
        let card = self.world.head_unit.card().await?;
        self.teller.card(&card)?;
        Ok(())
    }

    /// Ends the world in order, and judges.
    async fn close(mut self, folder: &Folder) -> anyhow::Result<(Report, Vec<String>)> {
        let ledger = self.world.head_unit.verified_ledger().await?;
        let cloud = self.world.cloud.entries().await?;
        let status = self.status().await?;
        self.count_signals(&status);
        let points = Points {
            confirmed: status.members.iter().map(|member| member.confirmed).sum(),
            pending: pending(&status),
            cloud: self.world.cloud.points(self.world.member).await?,
        };
        self.world.head_unit.end().await?;
        self.world.cloud.go().await;
        let (report, faults) = judge(&Account {
            did: &self.did,
            ledger: &ledger,
            cloud: &cloud,
            points,
            carbon: self.carbon,
            signals: self.signals,
            kills: self.kills,
        });
        self.teller.end(&self.did, &ledger, &report, &self.carbon)?;
        if faults.is_empty() {
            self.teller.verdict(&format!(
                "The promise held: every point is there, once, and both sides say so ({:.0} s).",
                self.began.elapsed().as_secs_f64()
            ))?;
        }
        if folder.is_kept() {
            self.teller.verdict(&format!(
                "Kept in {}; look into it with `dashpoint ledger --config {}`",
                folder.path().display(),
                folder.path().join("dashpoint.toml").display()
            ))?;
        }
        Ok((report, faults))
    }

    /// Says what the car is about to do; gives the number of messages.
    fn announce(&mut self, command: &Command, what: &str) -> anyhow::Result<usize> {
        let plan = self.world.car.plan(command)?;
        let (from, _) = plan.span();
        let network = if self.world.cloud.is_up() {
            "online"
        } else {
            "offline"
        };
        let at = words::minute(from, &self.story.zone);
        self.teller.step(&format!("{at}  {what}, {network}"))?;
        Ok(plan.messages.len())
    }

    async fn run(&mut self, command: &Command) -> anyhow::Result<Summary> {
        let messages = self.world.car.plan(command)?.messages.len();
        let bar = self.teller.begin(messages);
        let zone = &self.story.zone;
        let mut report = |progress| advance(&bar, progress, zone);
        let summary = self.world.car.run_reporting(command, &mut report).await;
        self.teller.done();
        Ok(summary?)
    }

    /// Drives, and meanwhile kills the head unit after so many messages, and starts it again.
    async fn run_and_kill(&mut self, command: &Command, kill_at: usize) -> anyhow::Result<Summary> {
        let messages = self.world.car.plan(command)?.messages.len();
        let bar = self.teller.begin(messages);
        let zone = &self.story.zone;
        let World { car, head_unit, .. } = &mut self.world;
        let (reached, told) = oneshot::channel::<Timestamp>();
        let driving = async move {
            let mut reached = Some(reached);
            let mut report = |progress: Progress| {
                advance(&bar, progress, zone);
                if let Progress::Sent { messages, at } = progress
                    && messages >= kill_at
                    && let Some(reached) = reached.take()
                {
                    // Nobody listens any more when the outage has failed; that is told there.
                    reached.send(at).ok();
                }
            };
            car.run_reporting(command, &mut report).await
        };
        let teller = &mut *self.teller;
        let outage = async move {
            let at = told.await.context("the drive ended before its kill")?;
            let before = head_unit.status().await?;
            head_unit.kill().await?;
            let at = words::minute(at, zone);
            teller.line(&format!("{at}  SIGKILL in the middle of the drive"))?;
            head_unit.start().await?;
            teller.line(
                "       the head unit is started again and goes on from its last checkpoint",
            )?;
            anyhow::Ok(before)
        };
        let (summary, before) = tokio::join!(driving, outage);
        self.teller.done();
        let summary = summary?;
        self.count_signals(&before?);
        self.kills += 1;
        Ok(summary)
    }

    /// Notes what the car did.
    fn note(&mut self, name: String, length: f64, summary: &Summary) -> anyhow::Result<()> {
        if !summary.all_seen() {
            bail!("{name}: the head unit has not taken everything that the car sent");
        }
        self.signals.sent += (summary.delivered.messages + summary.delivered.sent_again) as u64;
        self.did.push((name, length));
        Ok(())
    }

    /// Waits for the entry of what the car did last, and for its confirmation while the cloud is there.
    async fn tell_of_the_last(&mut self) -> anyhow::Result<()> {
        let entries = self.did.len();
        let head_unit = &self.world.head_unit;
        wait_for("what the car did is in the ledger", async || {
            let ledger = head_unit.ledger().await?;
            Ok((ledger.entries.len() >= entries).then_some(()))
        })
        .await?;
        let online = self.world.cloud.is_up();
        if online {
            self.until("it is confirmed", is_settled).await?;
        }
        let ledger = self.world.head_unit.ledger().await?;
        let row = ledger.entries.last().context("the ledger is empty")?;
        self.teller.line(&words::seen(row, &self.carbon))?;
        let outcome = self.outcome(row).await?;
        self.teller.line(&outcome)?;
        Ok(())
    }

    async fn outcome(&self, row: &Row) -> anyhow::Result<String> {
        let expected = words::points(row.predicted);
        Ok(match row.paid {
            Some(paid) => format!("{expected} expected, {paid} {}", row.state),
            None => {
                let pending = pending(&self.status().await?);
                format!("+{expected}, signed and on the disk; {pending} pending in all")
            }
        })
    }

    async fn status(&self) -> anyhow::Result<Status> {
        self.world.head_unit.status().await
    }

    async fn until(&self, what: &str, holds: impl Fn(&Status) -> bool) -> anyhow::Result<()> {
        wait_for(what, async || {
            let status = self.status().await?;
            Ok(holds(&status).then_some(()))
        })
        .await
    }

    /// Adds what a head unit that is about to end has taken.
    fn count_signals(&mut self, status: &Status) {
        if let Some(live) = &status.live {
            self.signals.taken += live.taken;
            self.signals.rejected += live.refused.values().sum::<u64>();
        }
    }
}

fn advance(bar: &ProgressBar, progress: Progress, zone: &jiff::tz::TimeZone) {
    match progress {
        Progress::Sent { messages, at } => {
            bar.set_position(messages as u64);
            bar.set_message(words::minute(at, zone));
        }
        Progress::NobodyAnswers | Progress::Reconnecting => {}
    }
}

fn connection(status: &Status) -> Option<Connection> {
    status.live.as_ref().map(|live| live.connection)
}

fn pending(status: &Status) -> i64 {
    status.members.iter().map(|member| member.pending).sum()
}

/// Whether the cloud has spoken on everything.
fn is_settled(status: &Status) -> bool {
    let waiting = status.live.as_ref().is_none_or(|live| live.waiting > 0);
    !waiting && pending(status) == 0 && connection(status) == Some(Connection::Online)
}
