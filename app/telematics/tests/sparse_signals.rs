//! Signals that come minutes apart: the last word before a silence counts when the silence has lasted.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[expect(dead_code, reason = "each test file uses another part of it")]
mod common;

use common::drift::{Arrival, arrivals, counter, cruise, start, tell_all};
use common::{Car, charges, finished, settings};
use dashpoint_telematics::{Marks, Outcome, Sample, Signal, Telematics, Value};

struct Heard {
    telematics: Telematics,
    outcomes: Vec<Outcome>,
    /// The most that a stamp was ahead of the bus when it had arrived.
    lag_ms: i64,
}

/// Lets all that a car says arrive, and a silence of two hours after it.
fn listen(car: &mut Car, piece_ms: i64) -> Heard {
    listen_for(car, piece_ms, 7_200_000)
}

/// Lets all that a car says arrive, and a silence after it: nothing is drained. In pieces of so many milliseconds, something comes that
/// is of no signal, and the head unit begins anew to count the silence.
fn listen_for(car: &mut Car, piece_ms: i64, silence_ms: i64) -> Heard {
    car.wait(silence_ms);
    let mut telematics = Telematics::new(settings(), Marks::default());
    let mut outcomes = Vec::new();
    let (mut silent_ms, mut lag_ms) = (0, 0);
    for arrival in arrivals(car) {
        match arrival {
            Arrival::Sample(sample) => {
                silent_ms = 0;
                outcomes.extend(telematics.observe(&sample));
                lag_ms = lag_ms.max(sample.ts_ms - telematics.bus_time_ms().unwrap());
            }
            Arrival::Silence(ms) => {
                for passed_ms in (silent_ms..silent_ms + ms).step_by(1_000) {
                    outcomes.extend(telematics.quiet(passed_ms % piece_ms + 1_000));
                }
                silent_ms += ms;
            }
            Arrival::Restart => unreachable!(),
        }
    }
    Heard {
        telematics,
        outcomes,
        lag_ms,
    }
}

/// The head unit is told of each silence from its beginning, or hears something of no signal each 20 seconds.
const PIECES_MS: [i64; 2] = [10_000_000, 20_000];

fn charged_wh(outcomes: &[Outcome]) -> u64 {
    let charges = charges(&finished(outcomes)).into_iter();
    charges.map(|charge| charge.charged.length()).sum()
}

/// Seconds in which the car charges.
const SESSIONS_S: [(i64, i64); 2] = [(60, 1_560), (2_460, 3_960)];

/// Charges twice at 3.6 kW. The counter and the state of charge come when they have changed, so many seconds apart: the first word of
/// the counter after a session tells the end of it.
fn charge_twice(counter_s: i64, percent_s: i64) -> Car {
    let mut car = Car::new();
    car.meters();
    let mut said_kwh = car.charged_kwh;
    for second in 1..4_300 {
        car.wait(1_000);
        if let Some((from_s, _)) = SESSIONS_S
            .iter()
            .find(|(from_s, to_s)| [*from_s, *to_s].contains(&second))
        {
            car.flag(Signal::IsCharging, *from_s == second);
        }
        let ended = SESSIONS_S.iter().rev().find(|(from_s, _)| *from_s < second);
        let Some((_, ended_s)) = ended else { continue };
        if second <= *ended_s {
            car.charged_kwh += 0.001;
            if second % percent_s == 0 {
                car.number(Signal::StateOfCharge, 60.0);
            }
        }
        if second % counter_s == 70 && said_kwh < car.charged_kwh {
            let ago_s = if *ended_s < second {
                second - ended_s + 1
            } else {
                0
            };
            counter(&mut car, ago_s * -1_000);
            said_kwh = car.charged_kwh;
        }
    }
    car
}

#[test]
fn a_last_word_before_silence_counts() {
    for counter_s in [120, 180, 240, 300] {
        for (percent_s, piece_ms) in [170, 250, 330]
            .into_iter()
            .zip(PIECES_MS.into_iter().cycle())
        {
            let case = format!("{counter_s} s, {percent_s} s, {piece_ms} ms");
            let mut car = charge_twice(counter_s, percent_s);
            let heard = listen(&mut car, piece_ms);
            assert!(!heard.telematics.is_charging(), "{case}");
            assert!(
                heard.lag_ms == 0 || piece_ms == PIECES_MS[1],
                "{case}: {} ms",
                heard.lag_ms
            );
            // The rest of a session that came behind its end is of the next one.
            let paid_wh = charged_wh(&heard.outcomes);
            assert!((2_700..=3_000).contains(&paid_wh), "{case}: {paid_wh} Wh");
            car.charge(1.0, 10);
            let heard = listen(&mut car, piece_ms);
            assert_eq!(charged_wh(&heard.outcomes), 4_000, "{case}");
        }
    }
}

#[test]
fn a_wild_word_before_silence_waits() {
    // So much time has not gone by: it moves no time until it has, and what comes next is in time.
    for piece_ms in PIECES_MS {
        for wild_ms in [120_000, 900_000, 7_100_000] {
            let case = format!("{wild_ms} ms, {piece_ms} ms");
            let mut car = Car::new();
            car.meters();
            car.wait(300_000);
            counter(&mut car, wild_ms);
            let arrived_ms = car.now_ms;
            let wild_at_ms = arrived_ms + wild_ms;
            let bus_ms = |heard: Heard| heard.telematics.bus_time_ms().unwrap();
            let early_ms = bus_ms(listen_for(&mut car, piece_ms, wild_ms * 3 / 4));
            assert!(early_ms < arrived_ms, "{case}: {}", early_ms - arrived_ms);
            assert_eq!(bus_ms(listen(&mut car, piece_ms)), wild_at_ms, "{case}");
            car.number(Signal::StateOfCharge, 60.0);
            car.charge(6.0, 60);
            let heard = listen(&mut car, piece_ms);
            assert_eq!(charged_wh(&heard.outcomes), 6_000, "{case}");
        }
    }
}

#[test]
fn words_that_are_refused_end_no_silence() {
    // The ignition stays on, all clocks go back an hour, and one word comes each 100 s: the trip ends as in one long silence.
    let mut car = Car::new();
    start(&mut car, 0);
    cruise(&mut car, 300, |car, _| tell_all(car, 0));
    let mut telematics = Telematics::new(settings(), Marks::default());
    for sample in &car.samples {
        telematics.observe(sample);
    }
    for step in 1..=20 {
        for silent_s in 1..100 {
            telematics.quiet(silent_s * 1_000);
        }
        telematics.observe(&Sample {
            signal: Signal::StateOfCharge,
            value: Value::Number(60.0),
            ts_ms: car.now_ms - 3_600_000 - step,
            retained: false,
        });
    }
    assert!(telematics.trip_driver().is_none());
}
