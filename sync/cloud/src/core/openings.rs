//! Openings of meters: judged when they come, decided by an operator otherwise, and what waits with them.

use std::collections::BTreeSet;

use dashpoint_membership::{
    DeviceId, Entry, EntryHash, EntryRef, Meter, MeterNumber, MeterOpening, Points, ServerTime,
    Settlement, VehicleId, Verdict, settle_late,
};
use serde::Serialize;

use super::CloudCore;
use super::consent::given;
use super::judged::Judged;
use super::losers::{LatePayment, counted_at};
use super::unit_of_work::UnitOfWork;
use crate::error::CloudError;
use crate::plausible::{Doubt, opening_doubt};
use crate::store::devices::Device;
use crate::store::openings::{self, OpenedMeter, OpeningState, OpeningWord};
use crate::store::{accounts, intervals, log, reviews, uses};

/// One opening, as `meter list` shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OpeningLine {
    /// The opening.
    #[serde(flatten)]
    pub opened: OpenedMeter,
    /// The doubt in words, when it was not opened at once.
    pub doubt: Option<String>,
    /// Entries of the vehicle that wait with it.
    pub waiting: usize,
}

/// Outcome of an operator's word on the opening of a meter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OpeningRuling {
    /// The vehicle.
    pub vehicle: VehicleId,
    /// The entry that opens the meter.
    pub entry: EntryRef,
    /// What it said, with the readings that hold now.
    #[serde(flatten)]
    pub opening: MeterOpening,
    /// The state from now on.
    pub state: OpeningState,
    /// Outcome for the entries that waited with it.
    pub waited: WaitedEntries,
}

/// Outcome for the entries that waited with the opening of a meter.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct WaitedEntries {
    /// Entries that are paid, and hold their stretch from now on.
    pub paid: Vec<LatePayment>,
    /// Entries that are in doubt for another reason: an operator decides each.
    pub in_doubt: Vec<EntryRef>,
    /// Entries that are refused with the opening.
    pub refused: Vec<EntryRef>,
}

/// Readings that an operator gives an opening in place of those that it said.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CorrectedReadings {
    /// Last reading of the meter before it.
    pub last: Option<u64>,
    /// First reading of the new one.
    pub first: Option<u64>,
}

impl CloudCore {
    /// Lists the openings of a vehicle's meters, or of all vehicles.
    ///
    /// # Errors
    /// [`CloudError`] when the database fails.
    pub fn opening_lines(
        &self,
        vehicle: Option<VehicleId>,
    ) -> Result<Vec<OpeningLine>, CloudError> {
        let mut lines = Vec::new();
        for opened in openings::list(&self.db, vehicle)? {
            let review = reviews::find(&self.db, opened.entry)?;
            lines.push(OpeningLine {
                opened,
                doubt: review.map(|review| review.doubt),
                waiting: waiting_with(&self.db, &opened)?.len(),
            });
        }
        Ok(lines)
    }

    /// Opens a meter whose opening waits, or was refused: what was claimed on it is judged again and paid.
    ///
    /// # Errors
    /// [`CloudError::NoOpening`], [`CloudError::OpenAlready`], [`CloudError::NoReason`].
    pub fn accept_opening(
        &mut self,
        entry: EntryRef,
        reason: &str,
        now: ServerTime,
    ) -> Result<OpeningRuling, CloudError> {
        self.work(now, |unit| {
            unit.accept_opening(&unit.opening(entry)?, given(reason)?)
        })
    }

    /// Refuses an opening that waits: what was claimed on the meter is refused with it.
    ///
    /// # Errors
    /// [`CloudError::NoOpening`], [`CloudError::OpenAlready`] for a meter that is open, [`CloudError::NoReason`].
    pub fn refuse_opening(
        &mut self,
        entry: EntryRef,
        reason: &str,
        now: ServerTime,
    ) -> Result<OpeningRuling, CloudError> {
        self.work(now, |unit| {
            unit.refuse_opening(&unit.opening(entry)?, given(reason)?)
        })
    }

    /// Gives the opening of a meter other readings, and opens the meter unless it is open: nothing is paid below its first reading
    /// from now on.
    ///
    /// # Errors
    /// [`CloudError::NoOpening`], [`CloudError::OpenAlready`] when another entry has opened that number,
    /// [`CloudError::NoReason`].
    pub fn correct_opening(
        &mut self,
        entry: EntryRef,
        readings: CorrectedReadings,
        reason: &str,
        now: ServerTime,
    ) -> Result<OpeningRuling, CloudError> {
        self.work(now, |unit| {
            let reason = given(reason)?;
            let mut opened = unit.opening(entry)?;
            let MeterOpening { last, first, .. } = opened.opening;
            opened.opening.last = readings.last.unwrap_or(last);
            opened.opening.first = readings.first.unwrap_or(first);
            openings::correct(unit.db, &opened, opened.opening.last, opened.opening.first)?;
            openings::keep_word(unit.db, &opened, OpeningWord::Corrected, reason, unit.now)?;
            let waited = unit.open_meter(&opened)?;
            Ok(ruling(&opened, OpeningState::Open, waited))
        })
    }
}

fn ruling(opened: &OpenedMeter, state: OpeningState, waited: WaitedEntries) -> OpeningRuling {
    OpeningRuling {
        vehicle: opened.vehicle,
        entry: opened.entry,
        opening: opened.opening,
        state,
        waited,
    }
}

impl UnitOfWork<'_> {
    fn opening(&self, entry: EntryRef) -> Result<OpenedMeter, CloudError> {
        openings::of_entry(self.db, entry)?.ok_or(CloudError::NoOpening(entry))
    }

    pub(super) fn accept_opening(
        &self,
        opened: &OpenedMeter,
        reason: &str,
    ) -> Result<OpeningRuling, CloudError> {
        if opened.state == OpeningState::Open {
            return Err(CloudError::OpenAlready(opened.entry));
        }
        openings::keep_word(self.db, opened, OpeningWord::Accepted, reason, self.now)?;
        let waited = self.open_meter(opened)?;
        Ok(ruling(opened, OpeningState::Open, waited))
    }

    pub(super) fn refuse_opening(
        &self,
        opened: &OpenedMeter,
        reason: &str,
    ) -> Result<OpeningRuling, CloudError> {
        if opened.state == OpeningState::Open {
            return Err(CloudError::OpenAlready(opened.entry));
        }
        openings::keep_word(self.db, opened, OpeningWord::Refused, reason, self.now)?;
        openings::enter(self.db, opened, OpeningState::Refused)?;
        self.end_held_opening(opened, false)?;
        let mut waited = WaitedEntries::default();
        for entry in waiting_with(self.db, opened)? {
            match self.give_up_held(entry, reason) {
                Ok(_) => waited.refused.push(entry),
                Err(CloudError::NotHeld(_)) => {}
                Err(failed) => return Err(failed),
            }
        }
        Ok(ruling(opened, OpeningState::Refused, waited))
    }

    /// Opens a meter, unless it is open, and judges what waits with it again.
    fn open_meter(&self, opened: &OpenedMeter) -> Result<WaitedEntries, CloudError> {
        let MeterOpening { meter, number, .. } = opened.opening;
        let open = openings::open(self.db, opened.vehicle, meter, number)?;
        if open.is_some_and(|open| open.origin != opened.origin) {
            return Err(CloudError::OpenAlready(opened.entry));
        }
        openings::enter(self.db, opened, OpeningState::Open)?;
        self.end_held_opening(opened, true)?;
        self.pay_waiting(opened.vehicle)
    }

    /// Ends what is held back for an opening itself, if the account of its member has it there: it is worth nothing, and the member
    /// reads that it was decided.
    fn end_held_opening(&self, opened: &OpenedMeter, accepted: bool) -> Result<(), CloudError> {
        let Some(member) = self.member_of_held(opened.entry)? else {
            return Ok(());
        };
        let (zone, mut account) = (self.zone(member)?, self.account(member)?);
        let row = if accepted {
            account.accept(opened.entry, self.now, &zone, self.policy())
        } else {
            account.refuse(opened.entry, None, self.now, &zone, self.policies)
        };
        if let Some(row) = row {
            accounts::save(self.db, member, &account, &[row])?;
        }
        Ok(())
    }

    /// The member for whom something is held back for an entry.
    fn member_of_held(
        &self,
        entry: EntryRef,
    ) -> Result<Option<dashpoint_membership::MemberId>, CloudError> {
        let Some(member) = log::find(self.db, entry)?.and_then(|logged| logged.member) else {
            return Ok(None);
        };
        let account = self.account(member)?;
        let is_held = account.pending.iter().any(|held| held.entry == entry);
        Ok(is_held.then_some(member))
    }

    /// Pays what was claimed on meters of a vehicle that were not open and are now, in the order in which it came, unless it is in
    /// doubt for another reason.
    pub(super) fn pay_waiting(&self, vehicle: VehicleId) -> Result<WaitedEntries, CloudError> {
        let mut done = WaitedEntries::default();
        for entry in reviews::awaiting_meter(self.db, vehicle)? {
            let (device, body) = self.logged(entry)?;
            let claim = self.late_claim(&device, entry, &body)?;
            let (Some(claim), Some(member)) = (claim, self.member_of_held(entry)?) else {
                continue;
            };
            let interval = claim.evidence.interval();
            if !is_open(self.db, vehicle, interval.meter, interval.number)? {
                continue;
            }
            let origin = log::origin(self.db, entry)?;
            if intervals::overlaps(self.db, vehicle, interval, origin)?
                || self.is_doubted(&device, &body, &claim)?
            {
                done.in_doubt.push(entry);
                continue;
            }
            let (zone, mut account) = (self.zone(member)?, self.account(member)?);
            let at = counted_at(&body, &claim);
            let paid = settle_late(
                &mut account,
                &zone,
                self.policies,
                entry,
                &body,
                at,
                self.now,
            );
            done.paid.push(LatePayment {
                entry,
                points: points_of(&paid.row),
            });
            accounts::save(self.db, member, &account, &[paid.row])?;
            self.hold_late(&device, Some(&claim), paid.given.as_ref())?;
        }
        Ok(done)
    }

    /// Holds the opening of a meter against what is known of the one before, and against the policy in force: one that a restore has
    /// taken over stands as it stood.
    pub(super) fn opening_doubt(
        &self,
        device: &Device,
        entry: &Entry,
        opening: &MeterOpening,
        origin: EntryHash,
        known_from: ServerTime,
    ) -> Result<Option<Doubt>, CloudError> {
        match openings::find(self.db, device.vehicle, origin)?.map(|known| known.state) {
            Some(OpeningState::Open) => return Ok(None),
            Some(OpeningState::Waits | OpeningState::Refused) => {
                return Ok(Some(Doubt::BeforeRestore));
            }
            None => {}
        }
        let (vehicle, enrolled) = (device.vehicle, device.enrolled);
        let history =
            uses::opening_history(self.db, vehicle, opening, enrolled, known_from, self.now)?;
        let most = self.policy().policy().allowance.meters_per_year();
        Ok(opening_doubt(entry, opening, most, &history, self.now))
    }

    /// Returns whether an entry of another origin has opened the meter.
    pub(super) fn is_opened_by_another(
        &self,
        vehicle: VehicleId,
        opening: &MeterOpening,
        origin: EntryHash,
    ) -> Result<bool, CloudError> {
        let open = openings::open(self.db, vehicle, opening.meter, opening.number)?;
        Ok(open.is_some_and(|open| open.origin != origin))
    }

    /// Writes down the opening that an entry of the log says, when it was not rejected. Returns whether its meter is open now.
    pub(super) fn note_opening(
        &self,
        vehicle: VehicleId,
        place: EntryRef,
        opening: &MeterOpening,
        judged: &Judged,
        verdict: &Verdict,
    ) -> Result<bool, CloudError> {
        let state = match verdict {
            Verdict::Accepted { .. } | Verdict::Adjusted { .. } => OpeningState::Open,
            Verdict::Review { .. } => OpeningState::Waits,
            Verdict::Rejected { .. } => return Ok(false),
        };
        openings::write(
            self.db,
            &OpenedMeter {
                vehicle,
                entry: place,
                origin: judged.origin,
                opening: *opening,
                receipt_at: judged.known_from,
                arrived: self.now,
                state,
            },
        )?;
        Ok(state == OpeningState::Open)
    }

    /// Withdraws the openings of a fraud: those that wait, and those on whose meters nobody else has claimed anything.
    pub(super) fn withdraw_openings(
        &self,
        device: DeviceId,
        reason: &str,
    ) -> Result<(), CloudError> {
        let vehicle = self.device(device)?.vehicle;
        let all = openings::list(self.db, Some(vehicle))?;
        // The last one first: a meter is not taken from under a later one.
        for opened in all
            .iter()
            .rev()
            .filter(|opened| opened.entry.device == device)
        {
            let MeterOpening { meter, number, .. } = opened.opening;
            let stays = match opened.state {
                OpeningState::Waits => false,
                OpeningState::Open => {
                    openings::highest(self.db, vehicle, meter)? > number
                        || openings::is_used_by_others(self.db, opened)?
                }
                OpeningState::Refused => true,
            };
            if !stays {
                openings::keep_word(self.db, opened, OpeningWord::Refused, reason, self.now)?;
                openings::enter(self.db, opened, OpeningState::Refused)?;
            }
        }
        Ok(())
    }

    /// Brings the accounts in line with openings that a restore has taken over: what waited for them here is paid.
    pub(super) fn settle_openings(&self) -> Result<(), CloudError> {
        let mut vehicles = BTreeSet::new();
        for opened in openings::list(self.db, None)? {
            match opened.state {
                OpeningState::Waits => continue,
                OpeningState::Open => self.end_held_opening(&opened, true)?,
                OpeningState::Refused => self.end_held_opening(&opened, false)?,
            }
            vehicles.insert(opened.vehicle);
        }
        for vehicle in vehicles {
            self.pay_waiting(vehicle)?;
        }
        Ok(())
    }
}

/// Returns whether a meter is open: the first of its quantity always is.
fn is_open(
    db: &rusqlite::Connection,
    vehicle: VehicleId,
    meter: Meter,
    number: MeterNumber,
) -> Result<bool, CloudError> {
    Ok(number.is_first() || openings::open(db, vehicle, meter, number)?.is_some())
}

/// Lists the entries that were claimed on the meter of an opening before it was open, and wait.
fn waiting_with(
    db: &rusqlite::Connection,
    opened: &OpenedMeter,
) -> Result<Vec<EntryRef>, CloudError> {
    let mut waiting = Vec::new();
    for entry in reviews::awaiting_meter(db, opened.vehicle)? {
        let raw = log::raw_from(db, entry.device, entry.epoch, entry.seq, 1)?;
        let raw = raw.into_iter().next().ok_or(CloudError::NotHeld(entry))?;
        let body = dashpoint_wire::Raw::<Entry>::from(raw).claimed()?;
        let claimed = body.transaction().interval();
        let MeterOpening { meter, number, .. } = opened.opening;
        if claimed.is_some_and(|claimed| (claimed.meter, claimed.number) == (meter, number)) {
            waiting.push(entry);
        }
    }
    Ok(waiting)
}

const fn points_of(row: &Settlement) -> Points {
    row.points.minus(row.arrears)
}
