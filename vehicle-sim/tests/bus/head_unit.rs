//! A head unit reduced to counting and answering.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use rumqttc::{
    AsyncClient, Event, MqttOptions, Outgoing, Packet, PublishOptions, QoS, SubscribeFilter,
};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use vehicle_sim::VssSignal;

/// Topic on which a head unit says up to which time it has taken everything.
pub const SEEN: &str = "dashpoint/seen";
/// Longer than a broker on the same machine needs for anything.
pub const IDLE: Duration = Duration::from_secs(2);

pub fn at_most_once() -> PublishOptions {
    PublishOptions::at_most_once()
}

/// A head unit reduced to counting: what it took by topic, the last payload of each, and how late the latest came.
#[derive(Default)]
pub struct Taken {
    pub counts: BTreeMap<String, usize>,
    pub last: BTreeMap<String, String>,
    pub retained: usize,
    pub newest: Option<Timestamp>,
    /// The furthest that a message was behind the newest one, in milliseconds.
    pub late_ms: i64,
}

impl Taken {
    pub fn total(&self) -> usize {
        self.counts.values().sum()
    }
}

/// A head unit that runs.
pub struct Running {
    task: JoinHandle<Taken>,
    /// Ends it once it has taken the last message.
    end: oneshot::Sender<()>,
}

impl Running {
    /// Waits for the last message.
    pub async fn end(self) -> Taken {
        drop(self.end);
        self.task.await.unwrap()
    }
}

/// Subscribes, and says `dashpoint/seen` once a second of event time if `answers`. It is up when it has taken the states that
/// the broker retains, and goes on after the last message until it is ended: a car may still wait for its answer.
pub async fn head_unit(port: u16, answers: bool, retained: usize, until: usize) -> Running {
    let (ready, subscribed) = oneshot::channel();
    let (end, mut ended) = oneshot::channel::<()>();
    let mut ready = Some(ready);
    let task = tokio::spawn(async move {
        let mut options =
            MqttOptions::new(format!("head-unit-{answers}-{until}"), ("127.0.0.1", port));
        options.set_keep_alive(20);
        let (client, mut events) = AsyncClient::builder(options).capacity(1000).build();
        // Each answer is a small packet that the car waits for.
        events.network_options.set_tcp_nodelay(true);
        let filters = VssSignal::ALL.into_iter().map(|signal| {
            let path = signal.path().replace('.', "/");
            SubscribeFilter::new(format!("vss/{path}"), QoS::AtLeastOnce)
        });
        client.subscribe_many(filters).await.unwrap();
        let mut taken = Taken::default();
        let mut said = None;
        let mut answered: Option<String> = None;
        let mut is_subscribed = false;
        while taken.total() < until {
            // An answer of QoS 0 can be lost on its way; while nothing comes it is said again.
            let Ok(polled) = timeout(IDLE, events.poll()).await else {
                if let Some(answer) = &answered {
                    client
                        .publish(SEEN, answer.clone(), at_most_once())
                        .await
                        .unwrap();
                }
                continue;
            };
            let publish = match polled.unwrap() {
                Event::Incoming(Packet::SubAck(_)) => {
                    is_subscribed = true;
                    tell_when_up(&mut ready, retained == 0);
                    continue;
                }
                Event::Incoming(Packet::Publish(publish)) => publish,
                Event::Incoming(_) | Event::Outgoing(_) => continue,
            };
            let payload = String::from_utf8(publish.payload.to_vec()).unwrap();
            let json: serde_json::Value = serde_json::from_str(&payload).unwrap();
            let ts: Timestamp = json["ts"].as_str().unwrap().parse().unwrap();
            // Retained states come in any order.
            if let Some(newest) = taken.newest.filter(|_| !publish.retain) {
                taken.late_ms = taken
                    .late_ms
                    .max(newest.duration_since(ts).as_millis() as i64);
            }
            taken.newest = taken.newest.max(Some(ts));
            taken.retained += usize::from(publish.retain);
            let topic = String::from_utf8(publish.topic.to_vec()).unwrap();
            *taken.counts.entry(topic.clone()).or_default() += 1;
            taken.last.insert(topic, payload);
            tell_when_up(&mut ready, is_subscribed && taken.retained >= retained);
            let second = taken.newest.map(Timestamp::as_second);
            if answers && said != second {
                said = second;
                let answer = format!(r#"{{"ts":"{ts:.3}"}}"#);
                answered = Some(answer.clone());
                client.publish(SEEN, answer, at_most_once()).await.unwrap();
            }
        }
        // An answer of QoS 0 can be lost on its way: it is said again for as long as the car may wait for it.
        let mut again = tokio::time::interval(IDLE);
        loop {
            tokio::select! {
                biased;
                _ = &mut ended => break,
                polled = events.poll() => drop(polled.unwrap()),
                _ = again.tick() => if let Some(answer) = &answered {
                    client
                        .publish(SEEN, answer.clone(), at_most_once())
                        .await
                        .unwrap();
                },
            }
        }
        // The last answer still has to leave.
        client.disconnect().await.unwrap();
        while events.poll().await.unwrap() != Event::Outgoing(Outgoing::Disconnect) {}
        taken
    });
    subscribed.await.unwrap();
    Running { task, end }
}

fn tell_when_up(ready: &mut Option<oneshot::Sender<()>>, is_up: bool) {
    if is_up && let Some(ready) = ready.take() {
        ready.send(()).unwrap();
    }
}
