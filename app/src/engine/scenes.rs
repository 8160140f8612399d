//! Publishes a new scene whenever its content changes.

use std::sync::Arc;

use dashpoint_membership::{CompiledPolicy, MemberId};
use dashpoint_store::StoreError;
use dashpoint_telematics::DriveState;
use dashpoint_ui::model::EnrolmentData;

use super::Engine;
use super::scene_cache::{LedgerFingerprint, LiveFingerprint};
use crate::books::bound_statements;
use crate::command::Choice;
use crate::screen::{self, Scene, Scenes, Source, put_guest, put_language, put_theme, screen_data};

/// Delay that the time on the pages may have, in seconds.
const MINUTE_S: i64 = 60;

impl Engine {
    /// Shows on a screen what there is to see, from now on; first of all who has just been enrolled.
    pub fn shows_on(&mut self, scenes: Scenes, welcome: Option<EnrolmentData>) {
        self.shows.scenes = Some(scenes);
        self.shows.welcome = welcome;
        self.show();
    }

    /// Keeps what the driver has chosen; a choice that the disk refuses does not hold.
    pub(super) fn keep_choice(&mut self, choice: Choice) {
        if let Choice::Guest(guest) = choice
            && guest != self.choices.guest
        {
            // What is over, and what the car stands in, is of the one before.
            let outcomes = self.telematics.hand_over();
            self.keep(outcomes);
            // An earlier one would give it to who comes.
            self.write_checkpoint_durably();
        }
        let kept = match choice {
            Choice::Language(language) => put_language(&mut self.store, language),
            Choice::Theme(theme) => put_theme(&mut self.store, theme),
            Choice::Guest(guest) => put_guest(&mut self.store, guest),
        };
        if let Err(error) = kept {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "a choice of the driver cannot be kept"
            );
            return;
        }
        match choice {
            Choice::Language(language) => self.choices.language = Some(language),
            Choice::Theme(theme) => self.choices.theme = Some(theme),
            Choice::Guest(guest) => {
                self.choices.guest = guest;
                self.telematics.set_guest(guest);
            }
        }
    }

    /// Hands a new scene to the screen when something in it has changed.
    pub(super) fn show(&mut self) {
        if self.shows.scenes.is_none() {
            return;
        }
        let (held, told) = (self.held(), self.told());
        let before = self.shows.told.as_ref();
        let is_read = before.is_some_and(|(read, _)| *read == held);
        if is_read && before.is_some_and(|(_, known)| *known == told) {
            return;
        }
        let mut is_fresh = true;
        if !is_read && let Err(error) = self.read_ledger() {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "the ledger cannot be read for the screen"
            );
            is_fresh = false;
        }
        let scene = self.scene(&told);
        // Rows that are older than the points beside them are read again at the next look.
        self.shows.told = is_fresh.then_some((held, told));
        if let Some(scenes) = &self.shows.scenes {
            scenes.send_replace(Some(Arc::new(scene)));
        }
    }

    fn read_ledger(&mut self) -> Result<(), StoreError> {
        self.shows.own = screen::read(self.store.read(), &self.books)?;
        let statements = bound_statements(self.store.read(), &self.books.identity)?;
        self.shows.sealed = !statements.sealed.is_empty();
        Ok(())
    }

    fn scene(&self, told: &LiveFingerprint) -> Scene {
        let now = self.clock.now();
        let mut data = screen_data(&Source {
            books: &self.books,
            member: told.member,
            sealed: self.shows.sealed,
            own: &self.shows.own,
            live: Some(&self.live),
            guest: told.choices.guest,
            guest_by_car: told.member.is_none(),
            now,
        });
        data.enrolment.clone_from(&self.shows.welcome);
        Scene {
            data,
            drive: told.drive,
            car: told.car,
            choices: told.choices,
            now,
            zone: self.zone.clone(),
        }
    }

    fn held(&self) -> LedgerFingerprint {
        let books = &self.books;
        LedgerFingerprint {
            head: books.head,
            receipt_at: books.receipt_at,
            statements: books
                .members
                .iter()
                .map(|(member, book)| {
                    let statement = &book.statement;
                    (*member, statement.account.version, statement.issued)
                })
                .collect(),
            policy: books
                .policies
                .as_ref()
                .map(|policies| CompiledPolicy::version(policies.newest())),
            catalogue: books.catalogue.as_ref().map(|catalogue| catalogue.version),
        }
    }

    fn told(&self) -> LiveFingerprint {
        let live = &self.live;
        LiveFingerprint {
            // A silent bus tells nothing: not even that the car is still parked.
            drive: if live.bus {
                screen::drive(self.telematics.drive_state())
            } else {
                screen::drive(DriveState::Unknown)
            },
            connection: live.connection.clone(),
            last_refusal: live.last_refusal,
            next_try_unix_s: live.next_try_unix_s,
            waiting: live.waiting,
            awaiting: live.awaiting,
            policy_refused: live.policy_refused,
            other_vehicle: live.other_vehicle,
            car: live.car,
            choices: self.choices,
            member: self.member_at_wheel(),
            minute: self.clock.now().as_unix_s().div_euclid(MINUTE_S),
        }
    }

    pub(super) fn member_at_wheel(&self) -> Option<MemberId> {
        let binding = self.books.binding_of(&self.telematics.at_the_wheel());
        binding.map(|binding| binding.member)
    }
}
