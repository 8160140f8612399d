//! A plan as it goes out: of the car itself, or through a gateway.

use jiff::Timestamp;

use crate::gateway::{Gateway, GatewayMessage, Translator};
use crate::message::Delivery;
use crate::plan::{Mark, Plan};
use crate::posted::Posted;

/// The messages of a command in the order of sending.
#[derive(Debug)]
pub(crate) struct Dispatch {
    pub(crate) messages: Vec<Posted>,
    /// The meters as they stand once so many messages went out, in that order.
    pub(crate) marks: Vec<Mark>,
    /// Before which messages the broker is to be restarted, in order.
    pub(crate) restarts: Vec<usize>,
    /// A head unit can say what it has taken: the payloads have times, and none is of a wrong clock. After a clock that was
    /// ahead its newest time stands still.
    pub(crate) is_told: bool,
}

impl Dispatch {
    /// Lets the gateway translate the plan; after the last message it goes on until it has said nearly everything.
    pub(crate) fn of(plan: Plan, translator: &mut Translator) -> Self {
        Self::through(plan, translator, Translator::settle)
    }

    /// The same where the car goes on: a gateway that went ahead of it would be blind when it does.
    pub(crate) fn of_step(plan: Plan, translator: &mut Translator) -> Self {
        Self::through(plan, translator, |_, _| {})
    }

    fn through(
        plan: Plan,
        translator: &mut Translator,
        end: impl FnOnce(&mut Translator, &mut Vec<GatewayMessage>),
    ) -> Self {
        let gateway = translator.gateway();
        let has_wrong_clock = plan.messages.iter().any(|said| !said.clock_ahead.is_zero());
        let is_told = gateway.says_times() && !has_wrong_clock;
        if gateway == Gateway::Vss {
            return Self {
                messages: plan.messages.into_iter().map(Posted::Car).collect(),
                marks: plan.marks,
                restarts: plan.restarts,
                is_told,
            };
        }
        let mut out = Vec::new();
        let mut sent_by = vec![0];
        for message in &plan.messages {
            translator.take(message, &mut out);
            sent_by.push(out.len());
        }
        end(translator, &mut out);
        let all = plan.messages.len();
        let sent = |messages: usize| match sent_by.get(messages) {
            Some(sent) if messages < all => *sent,
            Some(_) | None => out.len(),
        };
        let marks = plan.marks.iter().map(|mark| Mark {
            messages: sent(mark.messages),
            ..mark.clone()
        });
        Self {
            marks: marks.collect(),
            restarts: plan.restarts.iter().map(|at| sent(*at)).collect(),
            messages: out.into_iter().map(Posted::Gateway).collect(),
            is_told,
        }
    }

    /// The number of messages that are samples or otherwise of QoS 0.
    pub(crate) fn samples(&self) -> usize {
        let unconfirmed = self.messages.iter();
        unconfirmed
            .filter(|message| message.delivery() != Delivery::State)
            .count()
    }

    /// The time and the stamp of the first message.
    pub(crate) fn first(&self) -> (Timestamp, Timestamp) {
        self.messages
            .first()
            .map_or((Timestamp::UNIX_EPOCH, Timestamp::UNIX_EPOCH), |first| {
                (first.at(), first.stamp())
            })
    }

    /// The time of the first message and the latest time of any.
    pub(crate) fn span(&self) -> (Timestamp, Timestamp) {
        let latest = self.messages.iter().map(Posted::at).max();
        match (self.messages.first(), latest) {
            (Some(first), Some(latest)) => (first.at(), latest),
            (_, None) | (None, _) => (Timestamp::UNIX_EPOCH, Timestamp::UNIX_EPOCH),
        }
    }

    /// Returns the car's state when only the first `published` messages went out: the meters of the step that the last
    /// of them belongs to, since the head unit may have seen any of its messages. `None` when nothing of it went out.
    pub(crate) fn mark_after(&self, published: usize) -> Option<&Mark> {
        if published >= self.messages.len() {
            // Also what the car did after the last message, or without one.
            return self.marks.last();
        }
        if published == 0 {
            return None;
        }
        let at = self.marks.partition_point(|mark| mark.messages < published);
        self.marks.get(at).or(self.marks.last())
    }
}
