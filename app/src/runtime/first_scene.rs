//! Makes the first scene of a window from the data folder, before the folder is checked or opened for writing.

use dashpoint_membership::{MemberId, ServerTime};
use dashpoint_store::StoreReader;
use dashpoint_telematics::Driver;
use dashpoint_ui::Drive;
use dashpoint_ui::model::{EnrolmentData, EnrolmentStep, ScreenData};
use jiff::tz::TimeZone;

use crate::books::{Books, BooksError, bound_statements};
use crate::config::Config;
use crate::data_folder::{member_zone, open_reader, reading_clock};
use crate::live::{CarState, Live};
use crate::other_car;
use crate::screen::{self, Choices, Scene, Source, screen_data, unknown_member};

/// Makes the first scene of a window: the data folder as it is, before anything of it is checked or opened for writing.
pub(super) fn first_scene(config: &Config) -> Scene {
    let blank = |enrolment| {
        let mut data = unknown_member();
        data.enrolment = enrolment;
        Scene {
            data,
            // Nobody knows before the bus has spoken.
            drive: Drive::Unknown,
            car: CarState::default(),
            choices: Choices::default(),
            now: ServerTime::from_unix_s(0),
            zone: config.zone.clone(),
        }
    };
    let nobody = EnrolmentData {
        vin_end: String::new(),
        step: EnrolmentStep::Offline,
    };
    let reader = match open_reader(config) {
        Ok(reader) => reader,
        Err(error) if matches!(error.downcast_ref(), Some(BooksError::NotEnrolled)) => {
            return blank(Some(nobody));
        }
        Err(error) => {
            // The program that owns the folder says what is wrong with it, and mends what can be mended.
            tracing::warn!(
                error = %format_args!("{error:#}"),
                "the first frame shows nothing of the data folder"
            );
            return blank(None);
        }
    };
    let held = match held(config, &reader, None) {
        Ok(held) => held,
        Err(error) => {
            tracing::warn!(
                error = %format_args!("{error:#}"),
                "the first frame shows nothing of the data folder"
            );
            return blank(None);
        }
    };
    // What cannot be read is no reason to show a code: the owner of the folder says what is wrong with it.
    let is_enrolled = Books::is_enrolled(&reader).unwrap_or(true);
    let mut data = held.data;
    data.enrolment = (!is_enrolled).then_some(nobody);
    Scene {
        data,
        choices: Choices::read(&reader),
        now: held.now,
        zone: held.zone,
        ..blank(None)
    }
}

/// Content of the data folder for the screen.
pub struct HeldData {
    /// Data of the pages.
    pub data: ScreenData,
    /// Time zone of the member.
    pub zone: TimeZone,
    /// Time of the scene.
    pub now: ServerTime,
}

/// Reads the data folder for the screen.
///
/// # Errors
/// When it cannot be read.
pub fn held(
    config: &Config,
    reader: &StoreReader,
    live: Option<&Live>,
) -> anyhow::Result<HeldData> {
    let mut clock = reading_clock(config, reader)?;
    if let Some(newest_ms) = live.and_then(|live| live.newest_ms) {
        clock.heard(newest_ms);
    }
    let books = match Books::open(reader, config.cloud.key, clock.now()) {
        Ok(books) => books,
        Err(BooksError::NotEnrolled) => {
            return Ok(HeldData {
                data: unknown_member(),
                zone: config.zone.clone(),
                now: clock.now(),
            });
        }
        Err(error) => return Err(error.into()),
    };
    clock.signed(books.receipt_at);
    // A head unit that has just started knows what it saw when it ran last.
    let seen = other_car::last_seen(config, reader, books.identity.device, books.vehicle).as_live();
    let live = live.or(seen.as_ref());
    let choices = Choices::read(reader);
    let source = Source {
        books: &books,
        member: at_wheel(&books),
        sealed: !bound_statements(reader, &books.identity)?.sealed.is_empty(),
        own: &screen::read(reader, &books)?,
        live,
        guest: choices.guest,
        guest_by_car: live.is_some_and(|live| live.guest_by_car),
        now: clock.now(),
    };
    Ok(HeldData {
        data: screen_data(&source),
        zone: member_zone(reader, config),
        now: clock.now(),
    })
}

fn at_wheel(books: &Books) -> Option<MemberId> {
    let binding = books.binding_of(&Driver::Unidentified);
    binding.map(|binding| binding.member)
}
