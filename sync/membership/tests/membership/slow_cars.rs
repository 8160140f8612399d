//! The rule for cars that say their speed too seldom to judge braking, which the shipped policy has as an example.

use dashpoint_membership::policy::Policy;
use dashpoint_membership::*;

use crate::support::*;

/// The shipped policy with the marks before its example taken away.
fn with_example() -> CompiledPolicy {
    let lines: Vec<&str> = DEFAULT_POLICY_TOML.lines().collect();
    let from = lines
        .iter()
        .position(|line| *line == "# [[rules]]")
        .unwrap();
    let length = lines[from..].iter().position(|line| line.is_empty());
    let until = from + length.unwrap();
    let uncommented = lines.iter().enumerate().map(|(at, line)| {
        if (from..until).contains(&at) {
            line.trim_start_matches("# ")
        } else {
            line
        }
    });
    let text: Vec<&str> = uncommented.collect();
    compiled(Policy::from_toml(&text.join("\n")).unwrap())
}

fn safe_rules(trip: &Trip) -> Vec<(String, i64)> {
    appraise(&with_example(), &earned(Evidence::Trip(trip.clone())), 480)
        .into_iter()
        .filter(|appraisal| appraisal.held && appraisal.rule.as_str().starts_with("safe"))
        .map(|held| (held.rule.to_string(), held.points.get()))
        .collect()
}

#[test]
fn a_slow_car_drives_safely() {
    let speeding = |against_ms: u64| FactorSeen {
        factor: Factor::ExcessiveSpeed,
        against_ms,
        base_ms: 1_800_000,
    };
    let slow = Trip {
        braking_resolution_s: Some(30),
        factors: vec![speeding(0)],
        ..trip(0, 20_000, 3_000)
    };
    let as_slow = vec![("safe-trip-slow-car".to_owned(), 1_000)];
    assert_eq!(safe_rules(&slow), as_slow);
    let fast = Trip {
        braking_resolution_s: Some(1),
        ..trip(0, 20_000, 3_000)
    };
    assert_eq!(safe_rules(&fast), [("safe-trip".to_owned(), 2_000)]);
    // Acceleration tells of braking, however seldom a speed is said: no trip is paid twice.
    let felt = Trip {
        braking_resolution_s: Some(30),
        ..fast
    };
    assert_eq!(safe_rules(&felt), [("safe-trip".to_owned(), 2_000)]);
    for unsafe_or_unknown in [
        Trip {
            factors: vec![speeding(1_000)],
            ..slow.clone()
        },
        Trip {
            score_x100: 8_999,
            ..slow.clone()
        },
        Trip {
            missed_s: 181,
            ..slow.clone()
        },
        Trip {
            braking_resolution_s: Some(5),
            ..slow.clone()
        },
        Trip {
            braking_resolution_s: None,
            ..slow
        },
    ] {
        assert_eq!(safe_rules(&unsafe_or_unknown), [], "{unsafe_or_unknown:?}");
    }
}
