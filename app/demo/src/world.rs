//! Everything that there is: the car's bus and the car, its head unit, and the member cloud.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use dashpoint_membership::{MemberId, ServerTime};
use jiff::SignedDuration;
use tokio::signal::ctrl_c;
use vehicle_sim::{Broker, Endpoint, Options, Simulator, Vin};

use crate::cloud::MemberCloud;
use crate::folder::DemoFolder;
use crate::head_unit::{HeadUnit, HeadUnitSetup};
use crate::network::Network;
use crate::story::Story;
use dashpoint_ui::locale::Language;

/// Time for which the cloud exists before the story begins.
const BEFORE: SignedDuration = SignedDuration::from_mins(10);
/// Time that the car waits for its head unit: one that was killed is coming back.
const HEAD_UNIT_PATIENCE: Duration = Duration::from_secs(180);

/// Everything that there is.
#[derive(Debug)]
pub struct DemoWorld {
    /// The car.
    pub car: Simulator,
    /// Its head unit, not enrolled.
    pub head_unit: HeadUnit,
    /// The cloud, serving.
    pub cloud: MemberCloud,
    /// The network between car and cloud.
    pub network: Network,
    /// The member whose car it is.
    pub member: MemberId,
    _broker: Broker,
}

impl DemoWorld {
    /// Makes the world that a story begins in; `program` is this one.
    ///
    /// # Errors
    /// When something cannot be started.
    pub async fn make(
        story: &Story,
        folder: &DemoFolder,
        program: PathBuf,
        language: Language,
        window: bool,
    ) -> anyhow::Result<Self> {
        let path = folder.path();
        let broker = Broker::start(0)?;
        let from = story.begins.checked_sub(BEFORE)?.as_second();
        let cloud = MemberCloud::start(&path.join("cloud"), ServerTime::from_unix_s(from)).await?;
        let zone = story.zone.iana_name().unwrap_or("UTC");
        let member = cloud.add_member(&story.member, zone).await?;

        let network = Network::open(cloud.address())?;
        let config = path.join("dashpoint.toml");
        fs::write(
            &config,
            head_unit_config(broker.port(), &network, &cloud, zone),
        )
        .with_context(|| format!("{} cannot be written", config.display()))?;
        let log = path.join("head-unit.log");
        Ok(Self {
            car: car(story, folder, broker.port())?,
            head_unit: HeadUnit::new(
                HeadUnitSetup {
                    program,
                    config,
                    language,
                    window,
                },
                &log,
            )?,
            cloud,
            network,
            member,
            _broker: broker,
        })
    }
}

impl DemoWorld {
    /// Ends in order; with a window when whoever looks at it closes it or presses Ctrl-C.
    ///
    /// # Errors
    /// When the head unit does not end in order.
    pub async fn end(mut self) -> anyhow::Result<()> {
        if self.head_unit.has_window() {
            tokio::select! {
                closed = self.head_unit.until_closed() => closed?,
                stopped = ctrl_c() => stopped.context("Ctrl-C cannot be heard")?,
            }
        } else {
            self.head_unit.end().await?;
        }
        self.network.go().await;
        self.cloud.end().await;
        Ok(())
    }
}

fn car(story: &Story, folder: &DemoFolder, broker: u16) -> anyhow::Result<Simulator> {
    let mut options = Options::new(Endpoint::local(broker), story.begins);
    options.state = Some(folder.path().join("vehicle.json"));
    options.start = Some(story.begins);
    options.zone = story.zone.clone();
    options.states_ahead = Broker::STATES_AHEAD;
    options.time_ahead = Some(Broker::TIME_AHEAD);
    options.patience = HEAD_UNIT_PATIENCE;
    Ok(Simulator::new(options)?)
}

/// The head unit goes by the clock of the bus, as the cloud goes by what is posted: the story has its own time.
fn head_unit_config(broker: u16, network: &Network, cloud: &MemberCloud, zone: &str) -> String {
    format!(
        "data = \"car\"\n\
         clock = \"bus\"\n\
         zone = \"{zone}\"\n\
         [bus]\n\
         broker = \"127.0.0.1:{broker}\"\n\
         [cloud]\n\
         url = \"{}\"\n\
         key = \"{}\"\n\
         send_within_s = 0\n\
         [vehicle]\n\
         vin = \"{}\"\n",
        network.url(),
        cloud.key(),
        Vin::FAKE
    )
}
