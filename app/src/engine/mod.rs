//! The engine: the one thread that owns the database, the open trip, the books and the reconciler.
//!
//! Everything comes in through bounded channels, one thing at a time; everything that goes out was made durable first.

mod awards;
mod effects;
mod enrolment_proof;
mod folding;
mod kept;
mod parts;
mod progress;
mod publish;
mod resume;
mod scene_cache;
mod scenes;
mod signals;
mod silence;
mod troubles;

pub use parts::{EngineError, Inputs, Outgoing, Outputs, Parts};
pub use signals::SignalWatch;

pub use crate::command::{Ask, CheckIn};
use crate::live::LastSeen;
pub use crate::live::{Connection, Live, Reason};

use std::collections::VecDeque;
use std::time::Duration;

use dashpoint_membership::{ServerTime, VehicleId};
use dashpoint_store::{Store, StoreReader};
use dashpoint_sync::{Event, LocalFacts, Now, Reconciler};
use dashpoint_telematics::{Driver, Sample, Settings, Telematics, VehicleFact};
use dashpoint_wire::SigningKey;
use jiff::tz::TimeZone;

use crate::books::Books;
use crate::bus::BusInput;
use crate::clock::Clock;
use crate::cloud_clock::{CloudWatch, Heard, News};
use crate::random::Chance;
use crate::screen::Choices;
use kept::KeptValues;
use progress::ToldSeen;
use resume::{Unsaved, checkpoint_of, marks_of, settings};
use scene_cache::SceneCache;
use troubles::Troubles;

/// Samples taken before anything else is looked at again.
const BATCH: usize = 256;
/// Interval at which the fold learns that the bus is silent.
const QUIET_EVERY: Duration = Duration::from_millis(500);
/// Longest sleep of the engine: the runtime times it by a clock that stands still while the machine is suspended, so a
/// deadline that passes meanwhile is met at most this long after the machine wakes.
const SLEEP_MAX: Duration = Duration::from_secs(60);
/// Pause before evidence that the disk refused is tried again, in milliseconds.
const RETRY_MS: u64 = 5_000;
/// Evidence kept in memory while the disk refuses it: a month of driving. More is refused and counted; the open trip's
/// checkpoint and the meters still hold what it claims.
const UNSAVED_MAX: usize = 512;

/// The one owner of everything that is decided in the car.
///
/// It is a machine of four synchronous steps, [`Engine::take`], [`Engine::tell`], [`Engine::wake`] and [`Engine::end`];
/// [`Engine::run`] drives them from channels, and a simulation drives them by hand.
#[derive(Debug)]
pub struct Engine {
    store: Store,
    books: Books,
    clock: Clock,
    cloud_watch: CloudWatch,
    zone: TimeZone,
    signer: Option<SigningKey>,
    chance: Chance,
    telematics: Telematics,
    machine: Reconciler,
    /// Told and not handled yet.
    events: VecDeque<Event>,
    telling: bool,
    outputs: Outputs,
    live: Live,
    last_seen: LastSeen,
    signals: SignalWatch,
    /// Finished, and not on the disk yet.
    unsaved: VecDeque<Unsaved>,
    /// Last refusals of the disk, file by file.
    troubles: Troubles,
    retry_at_ms: u64,
    last_input_ms: u64,
    told_quiet_ms: u64,
    /// Newest time of a state that the broker had kept.
    newest_kept_ms: Option<i64>,
    kept: KeptValues,
    /// Time at which the reconciler is due, on the monotonic clock.
    due_ms: Option<u64>,
    /// The driver's choices on the screen.
    choices: Choices,
    shows: SceneCache,
    told_seen: ToldSeen,
    /// The driver, and the number of bindings, that `Live` was told of.
    told_wheel: Option<(Driver, usize)>,
}

impl Engine {
    /// Goes on from the last checkpoint.
    ///
    /// # Errors
    /// [`EngineError`].
    pub fn start(parts: Parts) -> Result<Self, EngineError> {
        let Parts {
            store,
            books,
            mut clock,
            zone,
            signer,
            chance,
            send_within,
            outputs,
        } = parts;
        clock.signed(books.receipt_at);
        let zone = books
            .members
            .values()
            .find_map(|book| TimeZone::get(&book.statement.profile.zone).ok())
            .unwrap_or(zone);
        let choices = Choices::read(store.read());
        let settings = Settings {
            is_guest: choices.guest,
            ..settings(&books, &clock, &zone)?
        };
        let marks = marks_of(&store)?;
        let kept = checkpoint_of(&store, &books)?;
        let is_unnamed = kept.as_ref().is_some_and(|kept| kept.is_unnamed);
        let clock_agreed = kept.as_ref().and_then(|kept| kept.clock_agreed);
        let (telematics, outcomes, unsaved) = match kept {
            Some(kept) => {
                let (telematics, outcomes) = Telematics::resume(settings, marks, kept.state);
                (telematics, outcomes, kept.unsaved)
            }
            None => (
                Telematics::new(settings, marks),
                Vec::new(),
                VecDeque::new(),
            ),
        };
        let signer = signer.filter(|key| {
            let is_own = books.is_own_key(key);
            if !is_own {
                tracing::error!(
                    "the device key is not the one of the certificate; nothing is signed with it"
                );
            }
            is_own
        });
        let machine = Reconciler::new(books.identity, send_within);
        let last_seen = LastSeen::read(store.read(), books.identity.device);
        let mut engine = Self {
            store,
            cloud_watch: CloudWatch::new(books.receipt_at, clock_agreed),
            books,
            clock,
            zone,
            signer,
            chance,
            telematics,
            machine,
            events: VecDeque::new(),
            telling: false,
            outputs,
            live: Live::default(),
            last_seen,
            signals: SignalWatch::default(),
            unsaved,
            troubles: Troubles::default(),
            retry_at_ms: 0,
            last_input_ms: 0,
            told_quiet_ms: 0,
            newest_kept_ms: None,
            kept: KeptValues::default(),
            due_ms: None,
            choices,
            shows: SceneCache::default(),
            told_seen: ToldSeen::default(),
            told_wheel: None,
        };
        engine.live.guest_in_a_row = last_seen.guest;
        engine.live.last_refusal = last_seen.refused;
        engine.live.salvaged = !engine.store.incidents().is_empty();
        engine.look_at_held_time();
        engine.tell_skipped_rules();
        engine.save_all();
        engine.keep(outcomes);
        if is_unnamed {
            engine.name_checkpoint();
        }
        engine.sign_awaiting();
        let head = engine.books.head;
        // One that cannot be read counts as just made: it waits.
        let newest = engine.store.read().entry(head.epoch, head.seq);
        let facts = LocalFacts {
            head_made_unix_s: newest.ok().flatten().map(|newest| newest.made_at_unix_s),
            ..engine.books.facts(true)
        };
        engine.tell(Event::Started(facts));
        engine.publish();
        Ok(engine)
    }

    /// Runs until it is told to stop, then leaves a checkpoint behind.
    ///
    /// # Errors
    /// [`EngineError::Store`] when the last checkpoint cannot be written; nothing that was shown is lost by it.
    pub async fn run(mut self, mut inputs: Inputs) -> Result<(), EngineError> {
        let mut batch = Vec::with_capacity(BATCH);
        while !*inputs.stop.borrow() {
            let pause = self.pause().min(SLEEP_MAX);
            tokio::select! {
                biased;
                changed = inputs.stop.changed() => if changed.is_err() { break },
                Some(event) = inputs.answers.recv() => self.tell(event),
                Some(ask) = inputs.asks.recv() => self.answer(ask),
                taken = inputs.bus.recv_many(&mut batch, BATCH) => {
                    if taken == 0 {
                        break;
                    }
                    self.take(batch.drain(..));
                }
                () = tokio::time::sleep(pause) => {}
            }
            // Also after input: a bus that never pauses must not keep the reconciler from its time.
            self.wake();
            self.publish();
            self.show();
        }
        self.end()
    }

    /// Leaves a checkpoint behind and closes the files. Dropped without it, the engine is a crashed one.
    ///
    /// # Errors
    /// [`EngineError::Store`], as for [`Engine::run`].
    pub fn end(mut self) -> Result<(), EngineError> {
        self.save_all();
        self.put_checkpoint(&self.telematics.checkpoint())?;
        self.store.close()?;
        Ok(())
    }

    fn answer(&mut self, ask: Ask) {
        match ask {
            Ask::Sync(answer) => {
                let number = self.reconcile();
                if answer.is_some_and(|answer| answer.send(number).is_err()) {
                    tracing::debug!("whoever asked to reconcile did not wait for the answer");
                }
            }
            Ask::Keep(choice) => self.keep_choice(choice),
            Ask::CheckIn(answer) => {
                if answer.send(self.check_in()).is_err() {
                    tracing::debug!("whoever checked in did not wait for the answer");
                }
            }
        }
    }

    /// Begins an attempt to reconcile now and returns its number; [`Live::attempts`] tells when it has ended.
    pub fn reconcile(&mut self) -> u64 {
        let number = self.live.attempts.begin();
        self.tell(Event::SyncRequested);
        number
    }

    /// Takes what came from the bus, in its order.
    pub fn take(&mut self, inputs: impl Iterator<Item = BusInput>) {
        let mut is_first = true;
        for input in inputs {
            if self.kept.says_again(&input) {
                continue;
            }
            if std::mem::take(&mut is_first) {
                self.end_silence();
            }
            match input {
                BusInput::Sample {
                    signal,
                    value,
                    ts_ms,
                    retained,
                } => {
                    if retained {
                        self.newest_kept_ms = self.newest_kept_ms.max(ts_ms);
                    }
                    let ts_ms = ts_ms.unwrap_or_else(|| self.clock.unix_ms());
                    self.observe(&Sample {
                        signal,
                        value,
                        ts_ms,
                        retained,
                    });
                }
                BusInput::Refused { signal, error } => self.signals.refuse(signal, error),
                BusInput::UnknownTopic => self.signals.refuse_topic(),
                BusInput::Connected => self.live.bus = true,
                BusInput::Lost => self.live.bus = false,
            }
        }
    }

    /// Takes the name of the car that the head unit sits in, from its configuration or from the bus: in another one than
    /// it was enrolled in nothing is earned, and nothing of its member is shown.
    pub fn sits_in(&mut self, vehicle: VehicleId) {
        let is_other = vehicle != self.books.vehicle;
        if std::mem::replace(&mut self.live.other_vehicle, is_other) != is_other {
            // What was dropped meanwhile is news when it is said again.
            self.kept = KeptValues::default();
        }
        self.live.vehicle_named = true;
        // Another car's meters must not be settled against this one's marks.
        self.telematics.set_elsewhere(self.live.other_vehicle);
        if self.live.other_vehicle {
            tracing::error!(
                "this is another car than the one that the head unit was enrolled in: nothing is earned; put the data folder of \
                 this car back, or enrol with a new one"
            );
        }
    }

    /// Takes a time that the cloud has signed, in the order of the chain, and says when it contradicts the car's clocks.
    fn hear_time(&mut self, at: ServerTime) {
        let news = self.cloud_watch.hear(Heard {
            at,
            reading: self.clock.reading(),
            is_set: self.clock.is_set(),
        });
        self.tell_cloud_clock(news);
    }

    /// Says at the start when the newest signed time on the disk contradicts an own clock that has been right.
    fn look_at_held_time(&mut self) {
        let (reading, is_set) = (self.clock.reading(), self.clock.is_set());
        let news = self.cloud_watch.start(reading, is_set);
        self.tell_cloud_clock(news);
    }

    fn tell_cloud_clock(&mut self, news: News) {
        match news {
            News::Nothing => {}
            News::Contradicts(found) => tracing::warn!(
                ?found,
                "the cloud's signed time contradicts the car's clocks; what was signed under it is paid when it is right"
            ),
            News::Agrees => {
                tracing::info!("the cloud's signed time agrees with the car's clocks again");
            }
        }
        self.live.cloud_clock = self.cloud_watch.contradiction();
    }

    /// Takes the VIN of the car that the head unit sits in.
    pub fn sits_in_car(&mut self, vin: &str) {
        self.sits_in(self.books.name_of(vin));
    }

    fn observe(&mut self, sample: &Sample) {
        let outcomes = self.telematics.observe(sample);
        if !self.live.other_vehicle
            && let Some(newest_ms) = self.telematics.bus_time_ms()
        {
            self.clock.heard(newest_ms);
        }
        self.keep(outcomes);
    }

    /// Takes a fact about the car.
    fn learn(&mut self, fact: &VehicleFact) {
        match fact {
            VehicleFact::Vin(vin) => self.sits_in_car(vin),
            VehicleFact::Connectivity(available) => self.tell(Event::ConnectivityChanged {
                available: *available,
            }),
            VehicleFact::ChargePercent(_)
            | VehicleFact::ServiceDue(_)
            | VehicleFact::NightMode(_)
            | VehicleFact::Language(_) => self.live.car.take(fact),
        }
    }

    /// Something's time has come: the reconciler's, the quiet bus's, or that of evidence the disk refused.
    pub fn wake(&mut self) {
        let now_ms = self.clock.monotonic_ms();
        if self
            .machine
            .poll_timeout()
            .is_some_and(|due_ms| due_ms <= now_ms)
        {
            self.tell(Event::Tick);
        }
        self.tell_quiet(now_ms);
        if self.must_retry() && now_ms >= self.retry_at_ms {
            self.retry_at_ms = now_ms + RETRY_MS;
            self.retry();
        }
    }

    fn must_retry(&self) -> bool {
        !self.unsaved.is_empty() || self.troubles.worst().is_some()
    }

    /// Returns the time that the engine may sleep before it wants [`Engine::wake`].
    #[must_use]
    pub fn pause(&self) -> Duration {
        let now_ms = self.clock.monotonic_ms();
        let machine = self.machine.poll_timeout();
        let retry = self.must_retry().then_some(self.retry_at_ms);
        let due_ms = machine.into_iter().chain(retry).min();
        let pause = due_ms.map_or(Duration::from_secs(60), |due_ms| {
            Duration::from_millis(due_ms.saturating_sub(now_ms))
        });
        if self.told_quiet_ms < self.quiet_max_ms() {
            pause.min(QUIET_EVERY)
        } else {
            pause
        }
    }

    /// Tells the reconciler something and does what it asks for. What is told meanwhile waits its turn, so that an
    /// effect is answered before the next event comes.
    pub fn tell(&mut self, event: Event) {
        self.events.push_back(event);
        if std::mem::replace(&mut self.telling, true) {
            return;
        }
        while let Some(event) = self.events.pop_front() {
            let now = Now {
                monotonic_ms: self.clock.monotonic_ms(),
                unix_s: self.clock.unix_ms().div_euclid(1_000),
                random: self.chance.spread(),
            };
            for effect in self.machine.handle(event, now) {
                self.live.attempts.take(&effect);
                let answer = self.carry_out(effect);
                self.events.extend(answer);
            }
        }
        self.telling = false;
        self.look_at_attempt();
    }

    /// The books as they stand: what is shown is made of them.
    #[must_use]
    pub const fn books(&self) -> &Books {
        &self.books
    }

    /// The files behind them.
    #[must_use]
    pub const fn reader(&self) -> &StoreReader {
        self.store.read()
    }

    /// The engine's estimate of the cloud's time.
    #[cfg(test)]
    pub(crate) fn now(&self) -> ServerTime {
        self.clock.now()
    }

    /// Returns the live state of the engine beyond its files.
    #[must_use]
    pub const fn live(&self) -> &Live {
        &self.live
    }
}

#[cfg(test)]
mod tests;
