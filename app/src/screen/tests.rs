//! What the pages are made of, from books made by hand: no window, no disk, no clock.

use std::collections::BTreeMap;

use dashpoint_membership::policy::Policy;
use dashpoint_membership::{
    Account, Adjustment, BindingId, CapId, Catalogue, Cause, Chain, ClockQuality, CoarseTime,
    CompiledPolicy, Cover, DEFAULT_CATALOGUE_TOML, DEFAULT_POLICY_TOML, DeviceId, Epoch, EventTime,
    Evidence, EvidenceDigest, Factor, FactorSeen, Growth, LedgerVersion, MemberAction, MemberId,
    Meter, MeterInterval, Paid, Points, Policies, Profile, Rejection, Seq, ServerEpoch, ServerTime,
    Settlement, Statement, Subject, TierHeld, TierId, Trip, VehicleId, Verdict,
};
use dashpoint_sync::Identity;
use dashpoint_telematics::{Signal, Spell, TripEnd, TripTrace, Value};
use dashpoint_ui::activity::{Failed, Outcome, RowData};
use dashpoint_ui::data::{Exchange, Held, ScreenData};
use dashpoint_ui::home::{MemberData, NoticeData, Settles};
use dashpoint_ui::locale::Language;
use dashpoint_wire::{Binding, ChainPoint, EpochGrant, Signed, SigningKey};

use super::{CarState, OwnEntry, Source, screen_data};
use crate::books::Books;
use crate::engine::{Connection, Live, Reason};

/// 2026-11-22 10:00 in China.
const NOW: ServerTime = ServerTime::from_unix_s(1_795_312_800);
const MEMBER: MemberId = MemberId::from_bytes([3; MemberId::LEN]);
const BINDING: BindingId = BindingId::from_bytes([4; BindingId::LEN]);
const DEVICE: DeviceId = DeviceId::from_bytes([5; DeviceId::LEN]);

/// Books and ledger of a member with 640 points, and what the head unit tells.
struct World {
    books: Books,
    own: Vec<OwnEntry>,
    live: Option<Live>,
    guest: bool,
    sealed: bool,
}

impl World {
    fn new() -> Self {
        let mut world = Self {
            books: books(),
            own: Vec::new(),
            live: None,
            guest: false,
            sealed: false,
        };
        world.books.take_statement(statement(640, 420), NOW);
        world
    }

    /// An own entry, minted as on the road; the cloud has not spoken.
    fn earn(&mut self, evidence: Evidence) -> &mut OwnEntry {
        self.mint(Subject::Earn {
            evidence,
            digest: EvidenceDigest::from_bytes([7; EvidenceDigest::LEN]),
        })
    }

    fn mint(&mut self, subject: Subject) -> &mut OwnEntry {
        let time = EventTime {
            at: CoarseTime::containing_unix_s(NOW.as_unix_s()),
            utc_offset_min: 480,
            quality: ClockQuality::Synced,
        };
        let (entry, _) = self.books.mint(BINDING, time, subject, NOW).unwrap();
        let point = ChainPoint {
            epoch: entry.epoch,
            seq: entry.seq,
            hash: dashpoint_membership::EntryHash::from_bytes([entry.seq.get() as u8; 32]),
        };
        self.books.head = point;
        let own = OwnEntry {
            point,
            entry,
            verdict: None,
            trace: None,
        };
        self.own.insert(0, own);
        &mut self.own[0]
    }

    fn data(&self) -> ScreenData {
        screen_data(&Source {
            books: &self.books,
            member: Some(MEMBER),
            sealed: self.sealed,
            own: &self.own,
            live: self.live.as_ref(),
            guest: self.guest,
            now: NOW,
        })
    }

    fn member(&self) -> MemberData {
        here(self.data().member)
    }

    fn rows(&self) -> Vec<RowData> {
        here(self.data().activity)
    }
}

#[track_caller]
fn here<T>(held: Held<T>) -> T {
    match held {
        Held::Here(held) => held,
        Held::NotYet | Held::Damaged => panic!("nothing is held"),
    }
}

fn books() -> Books {
    let cloud = SigningKey::from_pkcs8(&SigningKey::generate().unwrap()).unwrap();
    let chain = Chain::start(NOW);
    let grant = EpochGrant {
        device: DEVICE,
        epoch: Epoch::new(1),
        follows: None,
        issued: NOW.plus_s(-3_600),
        server_epoch: ServerEpoch::new(1),
        chain,
    };
    let grant = Signed::sign(grant, &cloud, &DEVICE).unwrap();
    let binding = Binding {
        id: BINDING,
        device: DEVICE,
        member: MEMBER,
        driver: None,
        valid_from: ServerTime::from_unix_s(0),
        valid_until: NOW.plus_s(86_400),
    };
    let policy: Policy = toml::from_str(DEFAULT_POLICY_TOML).unwrap();
    let catalogue: Catalogue = toml::from_str(DEFAULT_CATALOGUE_TOML).unwrap();
    Books {
        identity: Identity {
            device: DEVICE,
            device_key: cloud.public(),
            cloud_key: cloud.public(),
        },
        vehicle: VehicleId::from_bytes([6; VehicleId::LEN]),
        head: ChainPoint {
            epoch: Epoch::new(1),
            seq: Seq::new(0),
            hash: grant.hash(),
        },
        receipt: None,
        receipt_at: NOW.plus_s(-3_600),
        grant,
        bindings: BTreeMap::from([(BINDING, binding)]),
        policies: Some(Policies::new(CompiledPolicy::compile(policy).unwrap())),
        catalogue: Some(catalogue),
        members: BTreeMap::new(),
        before: None,
    }
}

fn statement(balance: i64, growth: i64) -> Statement {
    Statement {
        member: MEMBER,
        server_epoch: ServerEpoch::new(1),
        issued: NOW.plus_s(-7_200),
        profile: Profile {
            name: "林晓".to_owned(),
            joined: ServerTime::from_unix_s(1_600_000_000),
            zone: "Asia/Shanghai".to_owned(),
        },
        account: Account {
            version: LedgerVersion::new(9),
            lots: vec![dashpoint_membership::Lot {
                id: LedgerVersion::new(1),
                points: Points::new(balance),
                remaining: Points::new(balance),
                expires: NOW.plus_s(20 * 86_400),
            }],
            arrears: Points::ZERO,
            growth: Growth::new(growth),
            growth_in_period: Growth::new(growth),
            tier: TierHeld {
                tier: TierId::new("basic").unwrap(),
                since: ServerTime::from_unix_s(1_600_000_000),
                until: None,
            },
            used: BTreeMap::new(),
            remainders: BTreeMap::new(),
            pending: Vec::new(),
        },
        covers: BTreeMap::new(),
        since: LedgerVersion::new(0),
        settlements: Vec::new(),
    }
}

fn trip(from_m: u64, metres: u64, score_x100: u16) -> Evidence {
    Evidence::Trip(Trip {
        odometer: MeterInterval {
            meter: Meter::Odometer,
            from: from_m,
            to: from_m + metres,
        },
        started: CoarseTime::containing_unix_s(NOW.as_unix_s() - 1_800),
        driving_s: 1_500,
        missed_s: 0,
        // So much that no CO2 is avoided: the trip earns by its score alone.
        used_wh: u32::try_from(metres).unwrap(),
        regained_wh: 0,
        score_x100,
        factors: vec![FactorSeen {
            factor: Factor::HardBraking,
            against_ms: 2_000,
            base_ms: 72_000,
        }],
    })
}

#[test]
fn the_card_is_the_view_and_nothing_else() {
    let mut world = World::new();
    world.earn(trip(1_000, 60_000, 9_800));
    let member = world.member();
    assert_eq!(member.name, "林晓");
    assert_eq!(
        (member.balance, member.worth_fen),
        (Points::new(640), 6_400)
    );
    assert_eq!(member.pending, Points::new(6));
    assert_eq!(member.settles, Settles::NextConnection);
    assert_eq!(
        member.expiring,
        Some((NOW.plus_s(20 * 86_400), Points::new(640)))
    );
    let (next, missing) = member.ladder.next.unwrap();
    assert_eq!((next.en.as_str(), missing), ("Silver", Growth::new(80)));
    assert_eq!(member.today.safe, Points::new(6));
    assert_eq!(member.today.clean, Points::ZERO);
    assert_eq!(member.today.room, Some(Points::new(94)));
}

#[test]
fn the_words_of_the_cloud_become_what_came_of_a_row() {
    let mut world = World::new();
    let paid = |points| Paid {
        points: Points::new(points),
        growth: Growth::ZERO,
    };
    let why = Adjustment::Cap {
        cap: CapId::new("all-day").unwrap(),
    };
    let words = [
        None,
        Some(Verdict::Accepted { paid: paid(6) }),
        Some(Verdict::Adjusted {
            paid: paid(2),
            reasons: vec![why.clone()],
        }),
        Some(Verdict::Rejected {
            reason: Rejection::AlreadyPaid,
        }),
    ];
    for (index, verdict) in (0..).zip(words) {
        world.earn(trip(index * 100_000, 60_000, 9_800)).verdict = verdict;
    }
    let predicted: Vec<Points> = world.own.iter().map(|own| own.entry.predicted()).collect();
    let outcomes: Vec<Outcome> = world.rows().into_iter().map(|row| row.outcome).collect();
    assert_eq!(
        outcomes,
        [
            Outcome::Rejected {
                predicted: predicted[0],
                reason: Rejection::AlreadyPaid,
            },
            Outcome::Adjusted {
                paid: Points::new(2),
                predicted: predicted[1],
                why,
            },
            Outcome::Booked {
                points: Points::new(6),
            },
            Outcome::AwaitingConnection {
                predicted: predicted[3],
            },
        ]
    );
}

#[test]
fn what_earned_nothing_says_which_condition_failed() {
    let mut world = World::new();
    for (evidence, expected) in [
        (
            trip(0, 30_000, 8_800),
            Failed::Score {
                got_x100: 8_800,
                needed_x100: 9_000,
            },
        ),
        (
            trip(100_000, 1_900, 9_900),
            Failed::Distance {
                got_m: 1_900,
                needed_m: 2_000,
            },
        ),
    ] {
        world.earn(evidence);
        assert_eq!(world.rows()[0].outcome, Outcome::Nothing(expected));
    }
    // Two hundred kilometres reach the cap of the day; the next trip finds it used up.
    world.earn(trip(200_000, 200_000, 9_900));
    world.earn(trip(500_000, 50_000, 9_900));
    let cap = Failed::CapReached {
        cap: Points::new(20),
    };
    assert_eq!(world.rows()[0].outcome, Outcome::Nothing(cap));
}

#[test]
fn a_check_in_is_a_row_and_neither_clean_nor_safe() {
    let mut world = World::new();
    world.mint(Subject::Member {
        action: MemberAction::CheckIn,
    });
    let row = &world.rows()[0];
    assert_eq!(row.subject, dashpoint_ui::activity::Subject::CheckIn);
    assert_eq!(row.rule.as_ref().unwrap().0.en, "Daily check-in");
    let today = world.member().today;
    assert_eq!((today.clean, today.safe), (Points::ZERO, Points::ZERO));
    assert_eq!(today.other, Points::new(1));
}

#[test]
fn what_the_statement_covers_is_booked_and_an_old_copy_is_silent() {
    let mut world = World::new();
    let predicted = world.earn(trip(0, 60_000, 9_800)).entry.predicted();
    let mut newer = statement(646, 420);
    newer.account.version = LedgerVersion::new(10);
    let cover = |epoch| Cover {
        epoch: Epoch::new(epoch),
        through: Seq::new(1),
        head: world.books.head.hash,
        chain: Chain::start(NOW),
    };
    let covers = [cover(1), cover(2)];
    newer.covers.insert(DEVICE, covers[0]);
    world.books.take_statement(newer.clone(), NOW);
    let booked = Outcome::Booked { points: predicted };
    assert_eq!(world.rows()[0].outcome, booked);

    newer.account.version = LedgerVersion::new(11);
    newer.covers.insert(DEVICE, covers[1]);
    world.books.take_statement(newer, NOW);
    assert_eq!(world.rows(), []);
}

#[test]
fn what_others_did_to_the_account_is_in_the_list() {
    let mut world = World::new();
    let mut newer = statement(600, 420);
    newer.account.version = LedgerVersion::new(12);
    newer.settlements = [
        Cause::Granted {
            reason: "sorry for the wait".to_owned(),
        },
        Cause::Expired {
            lot: LedgerVersion::new(1),
        },
    ]
    .into_iter()
    .zip([(50, 10), (-90, 11)])
    .map(|(cause, (points, version))| Settlement {
        version: LedgerVersion::new(version),
        at: NOW.plus_s(version.cast_signed()),
        cause,
        points: Points::new(points),
        growth: Growth::ZERO,
        arrears: Points::ZERO,
        allocations: Vec::new(),
        promoted: None,
    })
    .collect();
    world.books.take_statement(newer, NOW);
    let points: Vec<_> = world.rows().into_iter().map(|row| row.outcome).collect();
    let booked = |points| Outcome::Booked {
        points: Points::new(points),
    };
    assert_eq!(points, [booked(-90), booked(50)]);
}

#[test]
fn a_trip_names_its_causes_and_what_each_rule_pays() {
    let mut world = World::new();
    let from_ms = NOW.as_unix_s() * 1_000 - 600_000;
    world.earn(trip(0, 60_000, 9_800)).trace = Some(TripTrace {
        started_ms: NOW.as_unix_s() * 1_000 - 1_700_000,
        ended_ms: NOW.as_unix_s() * 1_000 - 100_000,
        end: TripEnd::Parked,
        parked_ms: 0,
        speed_integral_m: 60_000,
        braking: dashpoint_telematics::BrakingSource::Speed,
        spells: vec![Spell {
            factor: Factor::HardBraking,
            from_ms,
            to_ms: from_ms + 2_000,
            worst: 340,
        }],
        spells_unlisted: 0,
    });
    let trip = world.data().trip.unwrap();
    assert_eq!(trip.started, NOW.plus_s(-1_700));
    assert_eq!(trip.ended, NOW.plus_s(-100));
    assert_eq!(trip.awards.len(), 1);
    assert_eq!(trip.awards[0].1, Points::new(6));
    assert_eq!(trip.causes.len(), 1);
    assert_eq!(
        (trip.causes[0].at, trip.causes[0].seconds),
        (NOW.plus_s(-600), 2)
    );
    assert_eq!(trip.factors, 6);
}

#[test]
fn without_a_statement_there_is_no_card_and_a_sealed_one_is_damaged() {
    let mut world = World::new();
    world.books.members.clear();
    assert_eq!(world.data().member, Held::NotYet);
    world.sealed = true;
    assert_eq!(world.data().member, Held::Damaged);
    assert_eq!(world.data().activity, Held::Damaged);
}

#[test]
fn the_connection_and_the_queue_are_told_as_they_are() {
    let mut world = World::new();
    world.earn(trip(0, 60_000, 9_800));
    let data = world.data();
    assert!(!data.link.online);
    assert_eq!(data.link.as_of, Some(NOW.plus_s(-3_600)));
    assert_eq!(data.device.waiting, 1);
    assert_eq!(data.device.head.unwrap().0, Seq::new(1));

    world.live = Some(Live {
        connection: Connection::Online { since_unix_s: 0 },
        ..Live::default()
    });
    let data = world.data();
    assert!(data.link.online);
    assert_eq!(data.device.exchange, Exchange::Done);
}

#[test]
fn the_worst_is_what_the_member_is_told() {
    let mut world = World::new();
    assert_eq!(world.member().notice, None);
    let offline = |reason| Connection::Offline {
        since_unix_s: None,
        reason,
    };
    let next_try = NOW.plus_s(90);
    let mut live = Live {
        connection: offline(Reason::NoNetwork),
        next_try_unix_s: Some(next_try.as_unix_s()),
        ..Live::default()
    };
    for (change, expected) in [
        ((|_: &mut Live| {}) as fn(&mut Live), None),
        (
            |live: &mut Live| {
                live.connection = Connection::Offline {
                    since_unix_s: None,
                    reason: Reason::TimedOut,
                };
            },
            Some(NoticeData::Unreachable { next_try }),
        ),
        (
            |live: &mut Live| live.policy_refused = true,
            Some(NoticeData::PolicyRefused),
        ),
        (
            |live: &mut Live| live.salvaged = true,
            Some(NoticeData::Salvaged),
        ),
        (
            |live: &mut Live| live.awaiting = 2,
            Some(NoticeData::AwaitingSignature { awards: 2 }),
        ),
    ] {
        change(&mut live);
        world.live = Some(live.clone());
        assert_eq!(world.member().notice, expected);
    }
}

#[test]
fn the_state_of_the_car_suggests_benefits_and_the_tier_opens_them() {
    let mut world = World::new();
    let mut car = CarState::default();
    car.take(Signal::StateOfCharge, &Value::Number(14.0));
    car.take(Signal::DayNight, &Value::Text("NIGHT".to_owned()));
    car.take(Signal::Language, &Value::Text("en".to_owned()));
    assert!(car.night);
    assert_eq!(car.language(), Some(Language::English));
    world.live = Some(Live {
        car,
        ..Live::default()
    });
    let benefits = here(world.data().benefits);
    assert!(benefits.iter().any(|benefit| benefit.fits_now));
    assert!(benefits.iter().any(|benefit| !benefit.open));
    for benefit in benefits {
        let suits_charge = benefit.benefit.suits == dashpoint_membership::Suits::LowCharge;
        assert_eq!(benefit.fits_now, suits_charge, "{:?}", benefit.benefit.id);
        assert_eq!(benefit.open, benefit.tier.en == "Basic");
    }
}
