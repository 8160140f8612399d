//! Entries of a ledger, explained with what stayed in the car.

use std::path::{Path, PathBuf};

use dashpoint::books::DEVICE_META;
use dashpoint_membership::policy::{EarningRule, Trigger};
use dashpoint_membership::{
    Award, BindingId, Chain, ClockQuality, CoarseTime, DEFAULT_POLICY_TOML, DeviceId, DrivingTime,
    Entry, EntryBody, EntryHash, Epoch, EventTime, Evidence, EvidenceDigest, Factor, FactorSeen,
    MemberAction, MemberId, Meter, MeterInterval, Milli, Points, Policy, PolicyVersion, RuleId,
    Seq, ServerEpoch, ServerTime, Text, Transaction, Trip, VehicleId,
};
use dashpoint_store::{CheckDepth, NewEntry, SealKey, Store, StoreOptions};
use dashpoint_telematics::{BrakingSource, PrivateEvidence, Spell, TripEnd, TripTrace};
use dashpoint_wire::{Binding, DeviceCertificate, EpochGrant, Signed, SigningKey, digest};

use serde_json::Value;

use crate::{dashpoint, explained, refusal};

const DEVICE: DeviceId = DeviceId::from_bytes([1; 16]);

/// A data folder with one trip in it, and its configuration.
fn ledger(folder: &Path) -> PathBuf {
    let (cloud, device) = (
        SigningKey::from_seed(&[4; 32]),
        SigningKey::from_seed(&[5; 32]),
    );
    let data = folder.join("data");
    std::fs::create_dir_all(&data).unwrap();
    let seal = [9; SealKey::LEN];
    std::fs::write(data.join("seal.key"), seal).unwrap();
    let options = StoreOptions {
        vfs: None,
        seal: Some(SealKey::from_bytes(seal)),
        nonces: Box::new(dashpoint::random::bytes),
        check: CheckDepth::Ends,
    };
    let mut store = Store::open(&data, options).unwrap();
    let issued = ServerTime::from_unix_s(1_790_000_000);
    let certificate = DeviceCertificate {
        device: DEVICE,
        vehicle: VehicleId::from_bytes([2; 16]),
        key: device.public(),
        issued,
        valid_until: issued.plus_s(1_000_000_000),
    };
    store
        .put_certificate(&Signed::sign(certificate, &cloud, &DEVICE).unwrap())
        .unwrap();
    store.put_meta(DEVICE_META, DEVICE.as_bytes()).unwrap();
    let grant = EpochGrant {
        device: DEVICE,
        epoch: Epoch::new(1),
        follows: None,
        issued,
        server_epoch: ServerEpoch::new(1),
        chain: Chain::start(issued),
    };
    let grant = Signed::sign(grant, &cloud, &DEVICE).unwrap();
    store.begin_epoch(&grant, &[]).unwrap();
    let binding = Binding {
        id: BindingId::from_bytes([3; 16]),
        device: DEVICE,
        member: MemberId::from_bytes([6; 16]),
        driver: None,
        valid_from: issued,
        valid_until: issued.plus_s(1_000_000_000),
    };
    store
        .put_binding(&Signed::sign(binding, &cloud, &DEVICE).unwrap())
        .unwrap();
    let mut policy: Policy = toml::from_str(DEFAULT_POLICY_TOML).unwrap();
    policy.rules.push(tried());
    store
        .put_policy(&Signed::sign(policy, &cloud, &()).unwrap())
        .unwrap();

    let trace = PrivateEvidence::Trip(TripTrace {
        started_ms: 1_790_000_000_000,
        ended_ms: 1_790_000_754_000,
        end: TripEnd::Gap,
        parked_ms: 0,
        speed_integral_m: 12_001,
        braking: BrakingSource::Acceleration,
        spells: vec![Spell {
            factor: Factor::HardBraking,
            from_ms: 1_790_000_100_000,
            to_ms: 1_790_000_102_000,
            worst: 412,
        }],
        spells_unlisted: 0,
    });
    let mut private = vec![7; 16];
    serde_json::to_writer(&mut private, &trace).unwrap();
    let (first, second) = (private.clone(), b"something else".to_vec());
    let mut prev = grant.hash();
    for (seq, kept) in [(1, first), (2, second)] {
        let signed = Signed::sign(trip(seq, prev, &private), &device, &DEVICE).unwrap();
        prev = signed.hash();
        store
            .commit_entry(&NewEntry::new(&signed, Some(kept), 0))
            .unwrap();
    }
    let signed = Signed::sign(check_in(3, prev), &device, &DEVICE).unwrap();
    store
        .commit_entry(&NewEntry::new(&signed, None, 0))
        .unwrap();
    store.close().unwrap();
    let config = folder.join("dashpoint.toml");
    let text = format!(
        "data = \"data\"\n[cloud]\nurl = \"http://127.0.0.1:1\"\nkey = \"{}\"\n",
        cloud.public()
    );
    std::fs::write(&config, text).unwrap();
    config
}

/// A rule that pays nothing yet.
fn tried() -> EarningRule {
    EarningRule {
        id: RuleId::new("long-trip").unwrap(),
        on: Trigger::Trip.into(),
        title: Text {
            en: "Long trip".to_owned(),
            zh: "长途".to_owned(),
        },
        when: "distance_m >= 10000".to_owned(),
        points: "distance_m / 8".to_owned(),
        growth: "0".to_owned(),
        shadow: true,
    }
}

fn trip(seq: u64, prev: EntryHash, private: &[u8]) -> Entry {
    let started = CoarseTime::containing_unix_s(1_790_000_000);
    Entry {
        epoch: Epoch::new(1),
        seq: Seq::new(seq),
        prev,
        binding: BindingId::from_bytes([3; 16]),
        time: EventTime {
            at: started,
            utc_offset_min: 480,
            quality: ClockQuality::Synced,
        },
        receipt_at: ServerTime::from_unix_s(1_790_000_000),
        policy: PolicyVersion::new(1),
        body: EntryBody::Fresh(Transaction::Earn {
            evidence: Evidence::Trip(Trip {
                odometer: MeterInterval::of_first(
                    Meter::Odometer,
                    seq * 20_000,
                    seq * 20_000 + 12_000,
                ),
                started,
                driving: DrivingTime::Minutes(13),
                missed_s: 14,
                used_wh: 2_000,
                regained_wh: 300,
                assisted_percent: None,
                braking_resolution_s: None,
                score_x100: 8_225,
                factors: vec![FactorSeen {
                    factor: Factor::HardBraking,
                    against_ms: 2_000,
                    base_ms: 72_000,
                }],
            }),
            digest: EvidenceDigest::from_bytes(digest(private)),
            awards: awarded(seq),
        }),
    }
}

/// The first trip has its award; what an earlier one had left over completes a point.
fn awarded(seq: u64) -> Vec<Award> {
    let award = Award {
        rule: RuleId::new("safe-trip").unwrap(),
        points: Milli::new(2_935),
        growth: Milli::new(2_935),
        predicted: Points::new(3),
    };
    (seq == 1).then_some(award).into_iter().collect()
}

/// A check-in of a day on which there was no more room.
fn check_in(seq: u64, prev: EntryHash) -> Entry {
    Entry {
        body: EntryBody::Fresh(Transaction::Member {
            action: MemberAction::CheckIn,
            awards: vec![Award {
                rule: RuleId::new("check-in").unwrap(),
                points: Milli::new(1_000),
                growth: Milli::new(1_000),
                predicted: Points::ZERO,
            }],
        }),
        ..trip(seq, prev, &[])
    }
}

/// Runs a command on the ledger of a test, and returns what it prints.
fn printed(command: &[&str], config: &str) -> String {
    let output = dashpoint(&[command, &["--config", config]].concat());
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_check_in_is_explained_by_its_rule() {
    let folder = tempfile::tempdir().unwrap();
    let config = ledger(folder.path());
    let (json, table) = explained(&["1-3", "--config", config.to_str().unwrap()]);
    insta::assert_snapshot!(table);
    let found = &json["found"][0];
    assert_eq!(found["seen"]["kind"], "check-in");
    assert_eq!(found["rules"][0]["rule"], "check-in");
    assert_eq!(found["rules"][0]["raw_milli"], 1_000);
    // The sums are those of a recording: of an entry the ledger tells what was paid.
    assert_eq!((json.get("points"), found.get("points")), (None, None));
}

#[test]
fn a_ledger_without_a_statement_says_so_and_is_verified_in_both_languages() {
    let folder = tempfile::tempdir().unwrap();
    let config = ledger(folder.path());
    let config = config.to_str().unwrap();
    let english = printed(&["ledger", "--verify"], config);
    assert!(
        english.contains("no statement of the cloud is held"),
        "{english}"
    );
    assert!(
        english.contains("entry 1-2: the private evidence is another"),
        "{english}"
    );
    let chinese = printed(&["ledger", "--verify", "--language", "zh"], config);
    assert!(chinese.contains("未持有云端对账单"), "{chinese}");
    assert!(chinese.contains("记录 1-2：私有凭据不符"), "{chinese}");
    let json: Value =
        serde_json::from_str(&printed(&["ledger", "--verify", "--json"], config)).unwrap();
    assert_eq!(json["no_statement"], true);
    let checks = json["verification"]["checks"].as_array().unwrap();
    let faults = checks
        .iter()
        .flat_map(|check| check["faults"].as_array().unwrap());
    let faults: Vec<&str> = faults.map(|fault| fault.as_str().unwrap()).collect();
    assert!(
        faults.contains(&"entry 1-2: the private evidence is another"),
        "{faults:?}"
    );
}

#[test]
fn an_entry_is_explained_with_what_stayed_in_the_car() {
    let folder = tempfile::tempdir().unwrap();
    let config = ledger(folder.path());
    let config = config.to_str().unwrap();
    let (json, table) = explained(&["1-1", "--config", config]);
    insta::assert_snapshot!(table);
    assert_eq!(json["found"][0]["seen"]["end"], "gap");
    let spell = &json["found"][0]["seen"]["factors"][0]["spells"][0];
    assert_eq!(spell["worst_mg"], 412, "{spell}");

    // Private evidence that is not what was signed is not believed.
    let (json, _) = explained(&["1-2", "--config", config]);
    let braking = &json["found"][0]["seen"]["factors"][0];
    assert_eq!(braking["against_ms"], 2_000);
    assert_eq!(braking["spells"].as_array().unwrap().len(), 0);

    let line = refusal(&["1-4", "--config", config]);
    insta::assert_snapshot!(line, @"dashpoint: 1-4: no such entry in the ledger; see `dashpoint ledger`");
}

/// A row of the ledger has the figures that the row of the screen has.
#[test]
fn the_ledger_tells_what_was_measured() {
    let folder = tempfile::tempdir().unwrap();
    let config = ledger(folder.path());
    let config = config.to_str().unwrap();
    let english = printed(&["ledger"], config);
    assert_eq!(english.matches("12.0 km, 2.0 kWh, score 82.2").count(), 2);
    let chinese = printed(&["ledger", "--language", "zh"], config);
    assert_eq!(
        chinese.matches("12.0 公里，2.0 度，驾驶评分 82.2").count(),
        2
    );
    let json: Value = serde_json::from_str(&printed(&["ledger", "--json"], config)).unwrap();
    let [check_in, trip, _] = [0, 1, 2].map(|place| &json["entries"][place]);
    let figures = ["distance_m", "used_wh", "score_x100"];
    assert_eq!(figures.map(|figure| &trip[figure]), [12_000, 2_000, 8_225]);
    assert!(figures.iter().all(|figure| check_in.get(figure).is_none()));
}

/// The policy that a car counts by is told to people as it is to programs.
#[test]
fn status_names_the_policy_in_force() {
    let folder = tempfile::tempdir().unwrap();
    let config = ledger(folder.path());
    let config = config.to_str().unwrap();
    let english = printed(&["status"], config);
    assert!(english.contains("\n  policy version 1\n"), "{english}");
    let chinese = printed(&["status", "--language", "zh"], config);
    assert!(chinese.contains("\n  积分规则版本 1\n"), "{chinese}");
    let json: Value = serde_json::from_str(&printed(&["status", "--json"], config)).unwrap();
    assert_eq!(json["policy_version"], 1);
}

/// The ledger of a car tells, entry by entry, the amount that a tried rule would give.
#[test]
fn the_ledger_tells_what_a_tried_rule_would_give() {
    let folder = tempfile::tempdir().unwrap();
    let config = ledger(folder.path());
    let shown = dashpoint(&["ledger", "--json", "--config", config.to_str().unwrap()]);
    let ledger: Value = serde_json::from_slice(&shown.stdout).unwrap();
    let rows = ledger["entries"].as_array().unwrap();
    let told: Vec<&Value> = rows.iter().map(|row| &row["shadow_rules"]).collect();
    let tried = serde_json::json!([{ "rule": "long-trip", "held": true, "worth_milli": 1_500 }]);
    assert_eq!(told, [&Value::Null, &tried, &tried]);
}
