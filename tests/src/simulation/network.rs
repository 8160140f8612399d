//! The network between cars and cloud.

use dashpoint::engine::{Engine, Outgoing};
use dashpoint_membership::{EntryRef, Verdict};
use dashpoint_sync::{Event, Response, TransportFailure};
use dashpoint_wire::decode;
use dashpoint_wire::message::{Divergence, EntriesResponse};

use super::api_layer::ok;
use super::cloud::Deed;
use super::flight::{Flight, Reply};
use super::travelling::Travelling;
use super::violation::Violation;
use super::weather::FlightFate;
use super::world::SimulatedWorld;

/// Time that the transport waits for an answer, in milliseconds.
const TIMEOUT_MS: u64 = 30_000;

impl SimulatedWorld {
    /// Sends what a car wants to send.
    pub(super) fn send_all(&mut self, number: usize) {
        while let Some(outgoing) = self.cars[number].outgoing() {
            self.send(number, outgoing);
        }
    }

    fn send(&mut self, car: usize, outgoing: Outgoing) {
        let Outgoing {
            ticket,
            request,
            unix_s,
            ..
        } = outgoing;
        let from = &self.cars[car];
        let signed = from
            .requests_key()
            .map(|key| Travelling::new(&request, from.device, key, unix_s));
        let mut reply = Reply {
            car,
            life: from.life,
            ticket,
            fate: FlightFate::Fine,
        };
        let Some(request) = signed.flatten() else {
            self.fly(1, Flight::ToCar(reply, Err(TransportFailure::NotSent)));
            return;
        };
        if from.offline_until_ms > self.now_ms {
            self.fly(
                500,
                Flight::ToCar(reply, Err(TransportFailure::Unreachable)),
            );
            return;
        }
        let fate = FlightFate::draw(&mut self.random, self.faults_permille);
        if let Some(fault) = fate.name() {
            self.tally.fault(fault);
        }
        reply.fate = fate;
        self.send_with(fate, reply, request);
    }

    fn send_with(&mut self, fate: FlightFate, reply: Reply, mut request: Travelling) {
        let way_ms = self.random.range(20, 900);
        let gives_up = Flight::ToCar(reply, Err(TransportFailure::TimedOut));
        let to_cloud = |request, waits: bool| Flight::ToCloud {
            car: reply.car,
            request,
            reply: waits.then_some(reply),
        };
        match fate {
            FlightFate::Fine
            | FlightFate::AnswerCut
            | FlightFate::AnswerDamaged
            | FlightFate::ErrorAfter => {
                self.fly(way_ms, to_cloud(request, true));
            }
            FlightFate::Lost => self.fly(TIMEOUT_MS, gives_up),
            FlightFate::Doubled => {
                self.fly(way_ms, to_cloud(request.clone(), true));
                let later_ms = self.random.range(1, 100_000);
                self.fly(way_ms + later_ms, to_cloud(request, false));
            }
            FlightFate::Delayed => {
                self.fly(TIMEOUT_MS, gives_up);
                let late_ms = TIMEOUT_MS + self.random.range(1, 80_000);
                self.fly(late_ms, to_cloud(request, false));
            }
            FlightFate::Cut => {
                let kept = self.random.range(0, request.body.len() as u64 + 1);
                request.body.truncate(usize::try_from(kept).unwrap_or(0));
                self.fly(way_ms, to_cloud(request, true));
            }
            FlightFate::AnswerLost => {
                self.fly(TIMEOUT_MS, gives_up);
                self.fly(way_ms, to_cloud(request, false));
            }
            FlightFate::AnswerLate => {
                // Gives up at once, and the answer comes all the same.
                self.fly(1, gives_up);
                self.fly(way_ms, to_cloud(request, true));
            }
            FlightFate::Forged => {
                let answer = self.forged(&request);
                self.fly(way_ms, Flight::ToCar(reply, Ok(answer)));
            }
            FlightFate::ErrorBefore => {
                let answer = self.server_error();
                self.fly(way_ms, Flight::ToCar(reply, Ok(answer)));
            }
        }
    }

    fn fly(&mut self, after_ms: u64, flight: Flight) {
        self.sent += 1;
        self.flights
            .insert((self.now_ms + after_ms, self.sent), flight);
    }

    /// A message arrives.
    pub(super) fn arrive(&mut self, flight: Flight) -> Result<(), Violation> {
        match flight {
            Flight::ToCloud {
                car,
                request,
                reply,
            } => {
                let now = self.now();
                let crashes = self.cloud.crashes;
                let answer = self.cloud.handle(&request, now)?;
                self.tell(&format!(
                    "car {car}: {} {} -> {:?}",
                    request.method,
                    request.path.rsplit('/').next().unwrap_or_default(),
                    answer.as_ref().map(|answer| answer.status)
                ));
                if self.cloud.crashes > crashes {
                    self.tally.fault("cloud power cut");
                }
                self.take_postings(car)?;
                self.note_divergence(car, answer.as_ref());
                let Some(reply) = reply else { return Ok(()) };
                let way_ms = self.random.range(20, 900);
                let answer = self.on_the_way_back(reply.fate, answer);
                self.fly(way_ms, Flight::ToCar(reply, answer));
                Ok(())
            }
            Flight::ToCar(reply, answer) => self.answer(reply, answer),
        }
    }

    fn take_postings(&mut self, car: usize) -> Result<(), Violation> {
        let owner = self.owner(car);
        let may_be_new = self.cloud.crashes > 0 || self.disks_fail;
        for (device, deed) in std::mem::take(&mut self.cloud.deeds) {
            match deed {
                Deed::Granted(at) => self.oracle.grant(device, at)?,
                Deed::Shown(at) => {
                    self.oracle.remind(device, at)?;
                    self.tally.row("enrolment shown to a cloud that forgot it");
                }
                Deed::BrokeDown(at) => self.oracle.lose_sight(device, at)?,
            }
        }
        let postings = std::mem::take(&mut self.cloud.postings);
        if postings.is_empty() {
            return Ok(());
        }
        // What an answer that nobody saw has settled, the ledger shows.
        self.read_ledgers()?;
        for posting in &postings {
            for said in &posting.response.verdicts {
                if matches!(said.verdict, Verdict::Rejected { .. }) {
                    self.tell(&format!("car {car}: {} is {:?}", said.seq, said.verdict));
                }
            }
            self.oracle
                .take(posting, &owner, may_be_new, &mut self.tally)?;
        }
        Ok(())
    }

    fn note_divergence(&mut self, car: usize, answer: Option<&Response>) {
        let Some(answer) = answer.filter(|answer| answer.status == 409) else {
            return;
        };
        let known = decode::<Divergence>(&answer.body)
            .ok()
            .map(|said| said.known);
        let engine = self.cars[car].engine();
        if let (Some(known), Some(engine)) = (known, engine)
            && let Ok(Some(own)) = engine.reader().point(known.epoch, known.seq)
            && own == known
        {
            self.tally
                .row("gap or wrong prev: sent again after the known entry");
        }
    }

    fn on_the_way_back(
        &mut self,
        fate: FlightFate,
        answer: Option<Response>,
    ) -> Result<Response, TransportFailure> {
        let mut answer = answer.ok_or(TransportFailure::Unreachable)?;
        match fate {
            FlightFate::AnswerCut => Err(TransportFailure::BadAnswer),
            FlightFate::ErrorAfter => Ok(self.server_error()),
            FlightFate::AnswerDamaged => {
                let place = self.random.range(0, answer.body.len() as u64);
                let place = usize::try_from(place).unwrap_or(0);
                if let Some(byte) = answer.body.get_mut(place) {
                    *byte ^= 1 << self.random.range(0, 8);
                }
                Ok(answer)
            }
            FlightFate::Fine
            | FlightFate::Lost
            | FlightFate::Doubled
            | FlightFate::Delayed
            | FlightFate::Cut
            | FlightFate::AnswerLost
            | FlightFate::AnswerLate
            | FlightFate::Forged
            | FlightFate::ErrorBefore => Ok(answer),
        }
    }

    fn server_error(&mut self) -> Response {
        let status = [500, 502, 503][usize::try_from(self.random.range(0, 3)).unwrap_or(0)];
        Response {
            status,
            retry_after_s: self.random.one_in(3).then_some(20),
            body: b"<html>".to_vec(),
        }
    }

    fn forged(&mut self, request: &Travelling) -> Response {
        let (now, key) = (self.now(), self.cloud.forgers_key());
        let forged = request
            .entries()
            .and_then(|asked| self.cloud.forge(request.device, &asked, &key, now));
        forged.map_or_else(|| self.server_error(), |forged| ok(&forged))
    }

    fn answer(
        &mut self,
        reply: Reply,
        answer: Result<Response, TransportFailure>,
    ) -> Result<(), Violation> {
        let car = &self.cars[reply.car];
        // The connection went with the program that had opened it.
        if car.life != reply.life || !car.is_running() {
            return Ok(());
        }
        if car.suspended {
            // On waking the transport finds that its time is over.
            self.fly(
                60_000,
                Flight::ToCar(reply, Err(TransportFailure::TimedOut)),
            );
            return Ok(());
        }
        self.clear_flags(reply.car, &answer);
        let ticket = reply.ticket;
        self.step(reply.car, move |engine: &mut Engine| {
            engine.tell(Event::Answered { ticket, answer });
        })
    }

    /// The planted flag: an answer to entries clears it, whatever becomes of the statement.
    fn clear_flags(&mut self, car: usize, answer: &Result<Response, TransportFailure>) {
        let Some(flags) = self.flags.get_mut(&car) else {
            return;
        };
        let Ok(answer) = answer else { return };
        let Ok(answered) = decode::<EntriesResponse>(&answer.body) else {
            return;
        };
        let answered = |place: &EntryRef| {
            let mut verdicts = answered.verdicts.iter();
            verdicts.any(|verdict| verdict.seq == place.seq)
        };
        flags.retain(|place| !answered(place));
    }
}
