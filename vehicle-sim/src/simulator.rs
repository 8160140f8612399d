//! The simulated car as a whole: options, commands, and the state between them.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

use crate::access::Access;
use crate::broker::Broker;
use crate::command::Command;
use crate::dispatch::Dispatch;
use crate::error::SimError;
use crate::gateway::{Gateway, GatewayMessage, Translator};
use crate::identity::Identity;
use crate::link::Endpoint;
use crate::meters::CarMeters;
use crate::pacing::{Speed, Window};
use crate::plan::{Car, Plan, Setup, whole_second};
use crate::publisher::{Progress, Publisher};
use crate::recording::{DriveRecording, DriveRecordingKind};
use crate::scenario::Step;
use crate::state::SimState;
use crate::summary::Summary;
use crate::vehicle::Vehicle;

/// Between two commands, so that no two share a second.
const BREAK: SignedDuration = SignedDuration::from_mins(5);
/// Hour of local time at which the first command of a new car begins.
const FIRST_HOUR: i8 = 8;

/// Settings of the car. Commands read it anew each time.
#[derive(Debug, Clone)]
pub struct Options {
    pub broker: Endpoint,
    /// Credentials for a broker that requires them.
    pub access: Access,
    /// File of clock and meters; in memory only when absent.
    pub state: Option<PathBuf>,
    /// Commands begin no earlier.
    pub start: Option<Timestamp>,
    /// Local time of the first start, and of recorded days.
    pub zone: TimeZone,
    /// The wall clock, for the day of the first start.
    pub now: Timestamp,
    pub speed: Speed,
    /// The number of states (QoS 1) that may be ahead of the head unit; see [`Options::STATES_AHEAD`].
    pub states_ahead: usize,
    /// The simulated time by which messages may be ahead of the head unit; no bound when absent. A step that is longer
    /// goes out once everything before it was taken. See [`Options::TIME_AHEAD`].
    pub time_ahead: Option<SignedDuration>,
    /// Time that the head unit may be silent until the rest goes out without it.
    pub patience: Duration,
    pub identity: Identity,
    /// The program that publishes what the car says.
    pub gateway: Gateway,
    /// Chooses what chance decides in faults that meet only some messages.
    pub seed: u64,
    /// Paths that are not published.
    pub omit: BTreeSet<String>,
    pub vehicle: Vehicle,
    /// The air outside.
    pub celsius: f64,
    /// State of charge at the start of each command, as if the battery had been swapped.
    pub charge_percent: Option<f64>,
}

impl Options {
    /// Right for any broker. Mosquitto holds states beyond 20 unacknowledged back and lets samples overtake them: flat
    /// out they would come minutes late in event time. A command opens with 19 of one time at most, so 20 always get
    /// the head unit to the next second. A broker that keeps the order may have more: [`crate::Broker::STATES_AHEAD`].
    pub const STATES_AHEAD: usize = 20;
    /// The default of [`Options::time_ahead`]: a sample that comes more than two seconds of its time late is not
    /// folded, so no broker, whatever order it keeps, can make the head unit miss anything.
    pub const TIME_AHEAD: SignedDuration = Broker::TIME_AHEAD;
    /// Longer than a head unit that runs is ever busy.
    pub const PATIENCE: Duration = Duration::from_secs(3);

    /// Neither heating nor cooling.
    pub const CELSIUS: f64 = 20.0;

    /// The crate's own car, in UTC, flat out, with its state in memory.
    pub fn new(broker: Endpoint, now: Timestamp) -> Self {
        Self {
            broker,
            access: Access::default(),
            state: None,
            start: None,
            zone: TimeZone::UTC,
            now,
            speed: Speed::Max,
            states_ahead: Self::STATES_AHEAD,
            time_ahead: Some(Self::TIME_AHEAD),
            patience: Self::PATIENCE,
            identity: Identity::default(),
            gateway: Gateway::Vss,
            seed: 0,
            omit: BTreeSet::new(),
            vehicle: Vehicle::bolt(),
            celsius: Self::CELSIUS,
            charge_percent: None,
        }
    }

    /// The same on a broker that this crate hosts.
    pub fn hosted(broker: &Broker, now: Timestamp) -> Self {
        Self {
            states_ahead: Broker::STATES_AHEAD,
            ..Self::new(Endpoint::local(broker.port()), now)
        }
    }
}

/// A car whose steps are given one by one; see [`Simulator::live`].
#[derive(Debug)]
pub struct LiveCar {
    car: Car,
    translator: Translator,
}

/// Stops a running command from elsewhere; the car's state is kept as far as it came.
#[derive(Debug, Clone)]
pub struct Stopper(watch::Sender<bool>);

impl Stopper {
    /// Stops the command that runs, and any after it.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}

/// A simulated car.
#[derive(Debug)]
pub struct Simulator {
    options: Options,
    state: SimState,
    stop: watch::Sender<bool>,
}

impl Simulator {
    /// A car with the state that its file holds, or a new one.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub fn new(options: Options) -> Result<Self, SimError> {
        let state = match &options.state {
            Some(path) => SimState::load(path, &options.vehicle)?,
            None => SimState::new(&options.vehicle),
        };
        Ok(Self {
            options,
            state,
            stop: watch::Sender::new(false),
        })
    }

    /// The options, to be changed between commands. The state file is only read at the beginning.
    pub fn options_mut(&mut self) -> &mut Options {
        &mut self.options
    }

    /// The clock and the meters.
    pub fn state(&self) -> &SimState {
        &self.state
    }

    /// A handle that stops this car.
    pub fn stopper(&self) -> Stopper {
        Stopper(self.stop.clone())
    }

    /// Works out what a command would publish now, without publishing: the same for the same arguments and state.
    ///
    /// # Errors
    /// When the command makes no sense, its file is not readable, or the battery does not allow it.
    pub fn plan(&self, command: &Command) -> Result<Plan, SimError> {
        match command {
            Command::Drive(cycle) => self.plan_recording(&cycle.recording()?, self.start()?, false),
            Command::Replay {
                file,
                keep_time,
                with_position,
            } => {
                let recording = DriveRecording::open(file)?;
                let start = match (keep_time, recording.kind) {
                    (true, DriveRecordingKind::RecordedDay { begins }) => begins
                        .to_zoned(self.options.zone.clone())
                        .map_err(SimError::Time)?
                        .timestamp(),
                    (true, DriveRecordingKind::SpeedTable | DriveRecordingKind::VssRows) => {
                        return Err(SimError::NoOwnTime {
                            name: recording.name,
                        });
                    }
                    (false, _) => self.replay_start(&recording)?,
                };
                self.plan_recording(&recording, start, *with_position)
            }
            Command::Charge(charge) => {
                let mut car = Car::new(self.start()?, self.setup(&self.meters()?));
                car.charge(charge)?;
                car.close()
            }
            Command::ChargeAsleep(charge) => {
                let mut car = Car::asleep(self.start()?, self.setup(&self.meters()?));
                car.charge_asleep(charge)?;
                car.close()
            }
            Command::Scenario(scenario) => {
                let mut car = Car::new(self.start()?, self.setup(&self.meters()?));
                scenario.act(&mut car, &self.options.zone)?;
                car.close()
            }
        }
    }

    /// Works out what the gateway of the options would publish of a command; nothing for the car itself.
    ///
    /// # Errors
    /// As [`Simulator::plan`].
    pub fn translate(&self, command: &Command) -> Result<Vec<GatewayMessage>, SimError> {
        let plan = self.plan(command)?;
        Ok(self.translator()?.translate(&plan.messages))
    }

    /// Returns how many messages a command publishes.
    ///
    /// # Errors
    /// As [`Simulator::plan`].
    pub fn count(&self, command: &Command) -> Result<usize, SimError> {
        let plan = self.plan(command)?;
        Ok(Dispatch::of(plan, &mut self.translator()?).messages.len())
    }

    /// Publishes a command.
    ///
    /// # Errors
    /// As [`Simulator::plan`], and when the broker is not there or goes away for good, or somebody says stop. The
    /// clock and the meters are kept as far as the car came.
    pub async fn run(&mut self, command: &Command) -> Result<Summary, SimError> {
        self.run_reporting(command, &mut |_| {}).await
    }

    /// Publishes a plan worked out before, telling how it goes. See [`Simulator::run`].
    ///
    /// # Errors
    /// As [`Simulator::run`].
    pub async fn run_reporting(
        &mut self,
        command: &Command,
        report: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<Summary, SimError> {
        let plan = self.plan(command)?;
        let dispatch = Dispatch::of(plan, &mut self.translator()?);
        self.publish(command.label(), &dispatch, report).await
    }

    /// A car whose steps are given one by one.
    ///
    /// # Errors
    /// When the options make no sense.
    pub fn live(&self) -> Result<LiveCar, SimError> {
        let car = Car::new(self.start()?, self.setup(&self.meters()?));
        let translator = self.translator()?;
        Ok(LiveCar { car, translator })
    }

    /// Makes a live car do a step and publishes it; `None` when it says nothing on the bus. A step that makes no
    /// sense changes nothing. What a gateway would say after it comes with the next step, or at the end.
    ///
    /// # Errors
    /// As [`Simulator::run`].
    pub async fn step(
        &mut self,
        live: &mut LiveCar,
        step: &Step,
        report: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<Option<Summary>, SimError> {
        let mut car = live.car.clone();
        step.act(&mut car, &self.options.zone)?;
        let mut translator = live.translator.clone();
        let dispatch = Dispatch::of_step(car.take_plan(), &mut translator);
        let label = format!("{step:?}");
        let summary = self.publish_step(label, &dispatch, report).await?;
        *live = LiveCar { car, translator };
        Ok(summary)
    }

    /// Parks a live car, and lets its gateway say what it has not said yet; `None` when there is nothing.
    ///
    /// # Errors
    /// As [`Simulator::run`].
    pub async fn end(
        &mut self,
        live: LiveCar,
        report: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<Option<Summary>, SimError> {
        let LiveCar {
            mut car,
            mut translator,
        } = live;
        car.park()?;
        let dispatch = Dispatch::of(car.take_plan(), &mut translator);
        let label = format!("{:?}", Step::Park {});
        self.publish_step(label, &dispatch, report).await
    }

    async fn publish_step(
        &mut self,
        label: String,
        dispatch: &Dispatch,
        report: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<Option<Summary>, SimError> {
        if dispatch.messages.is_empty() {
            // A gateway may have nothing to say of a drive.
            self.keep(dispatch, 0)?;
            return Ok(None);
        }
        self.publish(label, dispatch, report).await.map(Some)
    }

    async fn publish(
        &mut self,
        label: String,
        plan: &Dispatch,
        report: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<Summary, SimError> {
        let before = self.meters()?;
        let Options {
            broker,
            access,
            speed,
            states_ahead,
            time_ahead,
            patience,
            ..
        } = &self.options;
        let window = Window {
            states: *states_ahead,
            time: *time_ahead,
            patience: *patience,
            is_told: plan.is_told,
        };
        let stop = self.stop.subscribe();
        let bus = (broker, access);
        let mut publisher = Publisher::connect(plan, bus, (*speed, window), stop, report).await?;
        let outcome = publisher.publish().await;
        let reached = publisher.reached();
        drop(publisher);
        // Also when it broke off: an odometer that goes back at the next command would be a broken car.
        self.keep(plan, reached)?;
        let after = &self.state.meters;
        let vehicle = &self.options.vehicle;
        Ok(Summary::new(label, plan, outcome?, &before, after, vehicle))
    }

    fn setup<'a>(&'a self, meters: &'a CarMeters) -> Setup<'a> {
        Setup {
            vehicle: &self.options.vehicle,
            identity: &self.options.identity,
            omit: &self.options.omit,
            meters,
            seed: self.options.seed,
            celsius: self.options.celsius,
        }
    }

    fn translator(&self) -> Result<Translator, SimError> {
        let Options {
            gateway,
            identity,
            vehicle,
            ..
        } = &self.options;
        let efficiency = vehicle.charging.ac_efficiency;
        let vin = identity.vin.as_str();
        let meters = self.meters()?;
        Ok(Translator::new(*gateway, vin, efficiency, &meters))
    }

    fn plan_recording(
        &self,
        recording: &DriveRecording,
        start: Timestamp,
        with_position: bool,
    ) -> Result<Plan, SimError> {
        let mut car = Car::new(start, self.setup(&self.meters()?));
        car.drive(recording, with_position)?;
        car.park()?;
        car.close()
    }

    /// Returns the time at which the next command begins: after the last one, and not before the requested start. A
    /// whole second.
    fn start(&self) -> Result<Timestamp, SimError> {
        let start = match self.follows()?.max(self.options.start) {
            Some(start) => start,
            None => self.first_start()?,
        };
        whole_second(start)
    }

    /// Returns the time at which a replay without a requested start begins: its last row is now, and it is after the
    /// last command.
    fn replay_start(&self, recording: &DriveRecording) -> Result<Timestamp, SimError> {
        let last = recording.rows.last();
        let Some(last) = last.filter(|_| self.options.start.is_none()) else {
            return self.start();
        };
        let ends_now = self.options.now.checked_sub(last.offset);
        let ends_now = ends_now.map_err(SimError::Time)?;
        whole_second(
            self.follows()?
                .map_or(ends_now, |follows| follows.max(ends_now)),
        )
    }

    /// A break after the last command.
    fn follows(&self) -> Result<Option<Timestamp>, SimError> {
        let clock = self.state.clock;
        let follows = clock.map(|clock| clock.checked_add(BREAK));
        follows.transpose().map_err(SimError::Time)
    }

    fn first_start(&self) -> Result<Timestamp, SimError> {
        let zone = self.options.zone.clone();
        let today = self.options.now.to_zoned(zone.clone()).date();
        let first = today
            .at(FIRST_HOUR, 0, 0, 0)
            .to_zoned(zone)
            .map_err(SimError::Time)?;
        Ok(first.timestamp())
    }

    fn meters(&self) -> Result<CarMeters, SimError> {
        let mut meters = self.state.meters.clone();
        if let Some(percent) = self.options.charge_percent {
            if !(0.0..=100.0).contains(&percent) {
                let expected = "0 to 100 percent";
                return Err(SimError::OutOfRange {
                    what: "soc",
                    value: percent,
                    expected,
                });
            }
            meters.stored_kwh = self.options.vehicle.battery.capacity_kwh * percent / 100.0;
        }
        Ok(meters)
    }

    fn keep(&mut self, plan: &Dispatch, reached: usize) -> Result<(), SimError> {
        let Some(mark) = plan.mark_after(reached) else {
            return Ok(());
        };
        // A recorded day with its own times may lie in the past; what follows must not.
        self.state.clock = self.state.clock.max(Some(mark.at));
        self.state.meters = mark.meters.clone();
        match &self.options.state {
            Some(path) => self.state.save(path),
            None => Ok(()),
        }
    }
}
