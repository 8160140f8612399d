//! `dashpoint screenshot`: a page of the screen as a picture.

use std::process::ExitCode;

use anyhow::Context;
use dashpoint_membership::{MemberId, ServerTime};
use dashpoint_store::Reader;
use dashpoint_telematics::Driver;
use dashpoint_ui::data::{Held, ScreenData};
use dashpoint_ui::enrolment::{EnrolmentData, EnrolmentStep};
use dashpoint_ui::gallery::png_bytes;
use dashpoint_ui::headless::Canvas;
use dashpoint_ui::locale::Locale;
use dashpoint_ui::nav::{Intent, Nav};
use dashpoint_ui::screen::{ScreenState, Situation, screen};
use dashpoint_ui::{DashpointWindow, Drive, Page, ThemeChoice, show};
use jiff::tz::TimeZone;
use slint::ComponentHandle;

use super::args::{DriveName, PageName, ScreenshotArgs, ThemeName};
use super::ledger::zone;
use super::status::open_reader;
use crate::books::{Books, BooksError, bound_statements};
use crate::clock::{Clock, Machine};
use crate::config::{ClockSource, Config};
use crate::engine::Live;
use crate::screen::{
    self, CarState, Choices, Scene, ShownCode, Source, screen_data, unknown_member,
};
use crate::socket;

/// Height of the screen.
const HEIGHT_PX: u32 = 720;

/// Draws a page into a file.
pub(super) fn screenshot(args: &ScreenshotArgs) -> anyhow::Result<ExitCode> {
    let config = Config::load(&args.place.config)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let live = runtime.block_on(socket::ask(&config.data));
    let reader = open_reader(&config)?;
    let held = held(&config, &reader, live.as_ref())?;
    let state = page(args, &reader, held, live.as_ref());
    let png = draw(&state, args.width)?;
    std::fs::write(&args.out, png)
        .with_context(|| format!("{}: cannot be written", args.out.display()))?;
    Ok(ExitCode::SUCCESS)
}

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
            tracing::warn!(%error, "the first frame shows nothing of the data folder");
            return blank(None);
        }
    };
    let held = match held(config, &reader, None) {
        Ok(held) => held,
        Err(error) => {
            tracing::warn!(%error, "the first frame shows nothing of the data folder");
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
struct HeldData {
    data: ScreenData,
    zone: TimeZone,
    now: ServerTime,
}

fn held(config: &Config, reader: &Reader, live: Option<&Live>) -> anyhow::Result<HeldData> {
    let mut clock = Clock::new(config.clock, Machine::system(), ServerTime::from_unix_s(0));
    if config.clock == ClockSource::Bus {
        let floor = reader.last_receipt()?.map(|receipt| receipt.server_time);
        floor.into_iter().for_each(|floor| clock.signed(floor));
    }
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
    let choices = Choices::read(reader);
    let source = Source {
        books: &books,
        member: at_wheel(&books),
        sealed: !bound_statements(reader, &books.identity)?.sealed.is_empty(),
        own: &screen::read(reader, &books)?,
        live,
        guest: choices.guest,
        now: clock.now(),
    };
    Ok(HeldData {
        data: screen_data(&source),
        zone: zone(reader, config),
        now: clock.now(),
    })
}

fn at_wheel(books: &Books) -> Option<MemberId> {
    let binding = books.binding_of(&Driver::Unidentified);
    binding.map(|binding| binding.member)
}

fn page(
    args: &ScreenshotArgs,
    reader: &Reader,
    held: HeldData,
    live: Option<&Live>,
) -> ScreenState {
    let HeldData {
        mut data,
        zone,
        now,
    } = held;
    let mut nav = Nav::new();
    // The summary comes by itself when a trip ends; here it is asked for.
    nav.handle(Intent::TripDone, &[]);
    match args.page {
        PageName::Home => {}
        PageName::Activity => nav.handle(Intent::Open(Page::Activity), &[]),
        PageName::Benefits => nav.handle(Intent::Open(Page::Benefits), &[]),
        PageName::Settings => nav.handle(Intent::Open(Page::Settings), &[]),
        PageName::Trip => nav.trip_ended(),
        PageName::Enrol => {
            let enrolment = enrolment(reader, &data, now);
            // A code has come from the cloud a moment ago.
            data.link.online |= matches!(enrolment.step, EnrolmentStep::Waiting { .. });
            data.enrolment = Some(enrolment);
        }
    }
    let car = live.map(|live| live.car).unwrap_or_default();
    let mut preferences = Choices::read(reader).preferences(car.language());
    if let Some(language) = args.language {
        preferences.language = language.into();
    }
    if let Some(theme) = args.theme {
        preferences.theme = match theme {
            ThemeName::Day => ThemeChoice::Day,
            ThemeName::Night => ThemeChoice::Night,
        };
    }
    let situation = Situation {
        drive: drive(args.drive_state, live),
        car_at_night: car.night,
        now,
    };
    let locale = Locale {
        language: preferences.language,
        zone,
    };
    screen(&data, situation, &nav, preferences, &locale)
}

/// The code that waits for a phone; else who the member is, else that there is none.
fn enrolment(reader: &Reader, data: &ScreenData, now: ServerTime) -> EnrolmentData {
    if let Ok(Some(code)) = ShownCode::read(reader) {
        return code.page(now);
    }
    EnrolmentData {
        vin_end: String::new(),
        step: match &data.member {
            Held::Here(member) => EnrolmentStep::Enrolled {
                name: member.name.clone(),
            },
            Held::NotYet | Held::Damaged => EnrolmentStep::Offline,
        },
    }
}

fn drive(asked: Option<DriveName>, live: Option<&Live>) -> Drive {
    match asked {
        Some(DriveName::Parked) => Drive::Parked,
        Some(DriveName::Standing) => Drive::Standing,
        Some(DriveName::Moving) => Drive::Moving,
        Some(DriveName::Unknown) => Drive::Unknown,
        None => live
            .and_then(|live| live.drive_state)
            .map_or(Drive::Parked, screen::drive),
    }
}

fn draw(state: &ScreenState, width_px: u32) -> anyhow::Result<Vec<u8>> {
    let canvas = Canvas::install().context("nothing can be drawn")?;
    let window = DashpointWindow::new().context("the page cannot be made")?;
    window.show().context("the page cannot be shown")?;
    canvas.resize(width_px, HEIGHT_PX);
    show::apply(&window, state);
    let picture = canvas.draw().context("the page cannot be drawn")?;
    Ok(png_bytes(&picture)?)
}
