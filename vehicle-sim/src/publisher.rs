//! Publishes a plan: paced, complete, and over broken connections.

use std::time::Duration;

use jiff::Timestamp;
use rumqttc::ConnectionError;
use serde::Serialize;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};

use crate::access::{Access, ConnectionRefusal};
use crate::dispatch::Dispatch;
use crate::error::SimError;
use crate::link::{Endpoint, Link, LinkEvent};
use crate::message::Delivery;
use crate::pacing::{Pacer, Permit, Speed, Window};

/// Messages handed to the connection that have not gone out yet.
const HANDED_AHEAD: usize = 64;
/// Time to look for a broker that went away.
const RECONNECT_WITHIN: Duration = Duration::from_secs(30);
const RECONNECT_EVERY: Duration = Duration::from_millis(500);
/// Time to wait at least at the end for a head unit that has answered before, and for one that has not.
const LAST_WORD: Duration = Duration::from_secs(10);
const FIRST_WORD: Duration = Duration::from_secs(3);
/// Time that a hosted broker may take to stop when it is asked to restart.
const RESTART_WITHIN: Duration = Duration::from_secs(5);
const GOODBYE: Duration = Duration::from_secs(2);
/// Further than any command lasts.
const NEVER: Duration = Duration::from_secs(400 * 86_400);

/// Told while a plan is being published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// So many messages went out, and the simulated time.
    Sent { messages: usize, at: Timestamp },
    /// Nobody says on `dashpoint/seen` what was taken: it goes on without pacing. Told once.
    NobodyAnswers,
    /// The broker went away; a new connection is being made.
    Reconnecting,
}

/// The part of the messages that the head unit has taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SeenPart {
    /// Everything.
    All,
    /// Only up to here.
    Until(Timestamp),
    /// It answered, but never for this command.
    Nothing,
    /// There is none, or it does not answer.
    NoAnswer,
    /// The messages have no times, or some of a wrong clock, so nobody can say which of them were taken.
    Untold,
}

/// The result of publishing a whole plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Delivered {
    pub messages: usize,
    /// Of them by QoS 0.
    pub samples: usize,
    /// Sent again after a broken connection, not counted in `messages`.
    pub sent_again: usize,
    /// True when the head unit's answers set the pace throughout.
    pub paced: bool,
    pub seen: SeenPart,
}

/// Publishes one plan.
pub(crate) struct Publisher<'a> {
    plan: &'a Dispatch,
    endpoint: &'a Endpoint,
    access: &'a Access,
    stop: watch::Receiver<bool>,
    report: &'a mut (dyn FnMut(Progress) + Send),
    link: Link,
    pacer: Pacer,
    began: Instant,
    /// The next message to hand over.
    next: usize,
    /// The most that was ever handed over.
    reached: usize,
    /// Handed over and not gone out yet.
    handed: usize,
    /// QoS 1 messages not acknowledged yet.
    unacknowledged: usize,
    /// Everything before it has surely arrived: an acknowledged state says so of all before it.
    confirmed: usize,
    sent_again: usize,
    /// The number of restarts of the broker so far.
    restarted: usize,
}

impl<'a> Publisher<'a> {
    /// Connects.
    ///
    /// # Errors
    /// When there is no broker.
    pub(crate) async fn connect(
        plan: &'a Dispatch,
        (endpoint, access): (&'a Endpoint, &'a Access),
        (speed, window): (Speed, Window),
        stop: watch::Receiver<bool>,
        report: &'a mut (dyn FnMut(Progress) + Send),
    ) -> Result<Self, SimError> {
        let link = connect(endpoint, access)
            .await
            .map_err(|source| not_let_in(endpoint, source))?;
        Ok(Self {
            plan,
            endpoint,
            access,
            stop,
            report,
            link,
            pacer: Pacer::new(speed, window, plan.first()),
            began: Instant::now(),
            next: 0,
            reached: 0,
            handed: 0,
            unacknowledged: 0,
            confirmed: 0,
            sent_again: 0,
            restarted: 0,
        })
    }

    /// Returns the number of messages of the plan that may have gone out.
    pub(crate) fn reached(&self) -> usize {
        self.reached
    }

    /// Publishes everything and waits, within bounds, until the head unit has taken it.
    ///
    /// # Errors
    /// When the broker goes away for good, or somebody says stop.
    pub(crate) async fn publish(&mut self) -> Result<Delivered, SimError> {
        loop {
            let wake = self.hand_over();
            let is_quiet = self.handed == 0 && self.unacknowledged == 0;
            if is_quiet && self.plan.restarts.get(self.restarted) == Some(&self.next) {
                self.restart_broker().await?;
            } else if is_quiet && self.next == self.plan.messages.len() {
                break;
            } else {
                self.wait(wake).await?;
            }
        }
        self.wait_until_seen().await?;
        self.say_goodbye().await;
        Ok(Delivered {
            messages: self.plan.messages.len(),
            samples: self.plan.samples(),
            sent_again: self.sent_again,
            paced: self.plan.is_told && self.pacer.answered() && !self.pacer.gave_up(),
            seen: self.what_was_seen(),
        })
    }

    /// Hands over what may go now; the time at which to look again.
    fn hand_over(&mut self) -> Duration {
        let restart = self.plan.restarts.get(self.restarted);
        while self.handed < HANDED_AHEAD && restart != Some(&self.next) {
            let Some(message) = self.plan.messages.get(self.next) else {
                break;
            };
            let now = self.began.elapsed();
            let permit = self.pacer.permit(message, now);
            if self.pacer.take_gave_up() {
                (self.report)(Progress::NobodyAnswers);
            }
            match permit {
                Permit::Wait(until) => return until,
                Permit::Go => {
                    if !self.link.hand(message) {
                        break;
                    }
                    self.pacer.sent(message, now);
                    self.handed += 1;
                    self.unacknowledged += usize::from(message.delivery() == Delivery::State);
                    self.sent_again += usize::from(self.next < self.reached);
                    self.next += 1;
                    self.reached = self.reached.max(self.next);
                }
            }
        }
        NEVER
    }

    /// Waits for something to happen, at most until `wake`.
    async fn wait(&mut self, wake: Duration) -> Result<(), SimError> {
        let wake = self.began + wake.min(NEVER);
        let event = tokio::select! {
            event = self.link.event() => Some(event),
            () = sleep_until(wake) => None,
            () = told_to_stop(&mut self.stop) => return Err(self.stopped()),
        };
        match event {
            Some(event) => self.take(event).await,
            None => Ok(()),
        }
    }

    async fn take(&mut self, event: LinkEvent) -> Result<(), SimError> {
        match event {
            LinkEvent::Connected => {}
            LinkEvent::Sent => {
                self.handed = self.handed.saturating_sub(1);
                let messages = self.next - self.handed;
                if let Some(last) = self.plan.messages.get(messages.saturating_sub(1)) {
                    (self.report)(Progress::Sent {
                        messages,
                        at: last.at(),
                    });
                }
            }
            LinkEvent::Acknowledged => self.confirm(),
            LinkEvent::Seen(ts) => self.pacer.seen(ts),
            LinkEvent::Closed => self.reconnect(ConnectionError::RequestsDone).await?,
            LinkEvent::Lost(error) => self.reconnect(error).await?,
        }
        Ok(())
    }

    /// Brokers acknowledge in the order of sending, so this is for the oldest state that still waits.
    fn confirm(&mut self) {
        self.unacknowledged = self.unacknowledged.saturating_sub(1);
        let waiting = self
            .plan
            .messages
            .get(self.confirmed..self.next)
            .unwrap_or_default();
        if let Some(at) = waiting
            .iter()
            .position(|message| message.delivery() == Delivery::State)
        {
            self.confirmed += at + 1;
        }
    }

    /// Makes a new connection and begins again after what has surely arrived. The head unit may get some messages
    /// twice, with the same times; QoS 1 promises no better.
    async fn reconnect(&mut self, mut source: ConnectionError) -> Result<(), SimError> {
        (self.report)(Progress::Reconnecting);
        let deadline = Instant::now() + RECONNECT_WITHIN;
        loop {
            match connect(self.endpoint, self.access).await {
                Ok(link) => {
                    self.link = link;
                    break;
                }
                Err(error) if Instant::now() < deadline => source = error,
                Err(_) => {
                    let broker = self.endpoint.to_string();
                    let waited_s = RECONNECT_WITHIN.as_secs();
                    return Err(SimError::Lost {
                        broker,
                        waited_s,
                        source: Box::new(source),
                    });
                }
            }
            tokio::select! {
                () = sleep_until(Instant::now() + RECONNECT_EVERY) => {}
                () = told_to_stop(&mut self.stop) => return Err(self.stopped()),
            }
        }
        self.next = self.confirmed;
        self.handed = 0;
        self.unacknowledged = 0;
        self.pacer.broke();
        Ok(())
    }

    /// Everything before has arrived. A broker that does not go away when asked is none that this crate hosts.
    async fn restart_broker(&mut self) -> Result<(), SimError> {
        let is_asked = self.link.ask_for_restart();
        let deadline = Instant::now() + RESTART_WITHIN;
        while is_asked && Instant::now() < deadline {
            let event = tokio::select! {
                event = self.link.event() => event,
                () = sleep_until(deadline) => break,
                () = told_to_stop(&mut self.stop) => return Err(self.stopped()),
            };
            match event {
                LinkEvent::Seen(ts) => self.pacer.seen(ts),
                LinkEvent::Connected | LinkEvent::Sent | LinkEvent::Acknowledged => {}
                LinkEvent::Closed => return self.come_back(ConnectionError::RequestsDone).await,
                LinkEvent::Lost(error) => return self.come_back(error).await,
            }
        }
        Err(SimError::NotHosted {
            broker: self.endpoint.to_string(),
        })
    }

    async fn come_back(&mut self, source: ConnectionError) -> Result<(), SimError> {
        self.confirmed = self.next;
        self.restarted += 1;
        self.reconnect(source).await
    }

    async fn wait_until_seen(&mut self) -> Result<(), SimError> {
        if !self.plan.is_told {
            return Ok(());
        }
        let pacer = &self.pacer;
        let patience = last_patience(pacer.answered(), pacer.gave_up(), pacer.patience());
        let mut deadline = Instant::now() + patience;
        while !self.pacer.all_seen() && Instant::now() < deadline {
            let event = tokio::select! {
                event = self.link.event() => event,
                () = sleep_until(deadline) => return Ok(()),
                () = told_to_stop(&mut self.stop) => return Err(self.stopped()),
            };
            match event {
                LinkEvent::Seen(ts) => {
                    let before = self.pacer.seen_until();
                    self.pacer.seen(ts);
                    if self.pacer.seen_until() > before {
                        deadline = Instant::now() + patience;
                    }
                }
                LinkEvent::Connected | LinkEvent::Sent | LinkEvent::Acknowledged => {}
                // Everything has arrived; whether it was taken can no longer be heard.
                LinkEvent::Closed | LinkEvent::Lost(_) => return Ok(()),
            }
        }
        Ok(())
    }

    /// Ends the connection in order, behind everything that was handed over. States are acknowledged by now; what goes by
    /// QoS 0 has left, but nobody says when the broker has taken it.
    async fn say_goodbye(&mut self) {
        if !self.link.close() {
            return;
        }
        let link = &mut self.link;
        let goodbye = async {
            while !matches!(link.event().await, LinkEvent::Closed | LinkEvent::Lost(_)) {}
        };
        if timeout(GOODBYE, goodbye).await.is_err() {
            tracing::debug!("the broker did not take the goodbye in time");
        }
    }

    fn what_was_seen(&self) -> SeenPart {
        match self.pacer.seen_until() {
            _ if !self.plan.is_told => SeenPart::Untold,
            Some(_) if self.pacer.all_seen() => SeenPart::All,
            Some(ts) => SeenPart::Until(ts),
            None if self.pacer.answered() => SeenPart::Nothing,
            None => SeenPart::NoAnswer,
        }
    }

    fn stopped(&self) -> SimError {
        let (first, _) = self.plan.span();
        SimError::Stopped {
            at: self
                .plan
                .mark_after(self.reached)
                .map_or(first, |mark| mark.at),
        }
    }
}

/// Returns the time that the head unit may be silent at the end, after all messages have arrived: as long as before it when
/// that is longer, and no time when it was waited for in vain already.
fn last_patience(answered: bool, gave_up: bool, patience: Duration) -> Duration {
    match (answered, gave_up) {
        (true, false) => LAST_WORD.max(patience),
        (true, true) => LAST_WORD,
        (false, false) => FIRST_WORD.max(patience),
        (false, true) => Duration::ZERO,
    }
}

/// Resolves when somebody says stop; never when nobody can any more.
async fn told_to_stop(stop: &mut watch::Receiver<bool>) {
    if stop.wait_for(|stop| *stop).await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// A connection that stands.
async fn connect(endpoint: &Endpoint, access: &Access) -> Result<Link, ConnectionError> {
    let mut link = Link::open(endpoint, access);
    loop {
        match link.event().await {
            LinkEvent::Connected => return Ok(link),
            LinkEvent::Lost(error) => return Err(error),
            LinkEvent::Closed => return Err(ConnectionError::RequestsDone),
            LinkEvent::Sent | LinkEvent::Acknowledged | LinkEvent::Seen(_) => {}
        }
    }
}

/// Makes the error for a refused connection, in words that say what to do.
fn not_let_in(endpoint: &Endpoint, source: ConnectionError) -> SimError {
    let broker = endpoint.to_string();
    let rejection = ConnectionRefusal::of(&source);
    let source = Box::new(source);
    match rejection {
        Some(ConnectionRefusal::ByBroker) => SimError::Refused { broker, source },
        Some(ConnectionRefusal::OfBroker) => SimError::Untrusted { broker, source },
        None => SimError::Unreachable { broker, source },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_the_end_a_head_unit_has_the_time_that_it_has_before() {
        let minute = Duration::from_secs(60);
        for (answered, gave_up, patience, expected) in [
            (true, false, Duration::ZERO, LAST_WORD),
            (true, false, minute, minute),
            (true, true, minute, LAST_WORD),
            (false, false, Duration::ZERO, FIRST_WORD),
            (false, false, minute, minute),
            (false, true, minute, Duration::ZERO),
        ] {
            assert_eq!(last_patience(answered, gave_up, patience), expected);
        }
    }
}
