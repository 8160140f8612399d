//! `dashpoint screenshot`: a page of the screen as a picture.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, bail};
use dashpoint_membership::ServerTime;
use dashpoint_store::StoreReader;
use dashpoint_ui::gallery::{png_bytes, whole_file};
use dashpoint_ui::headless::Canvas;
use dashpoint_ui::locale::Locale;
use dashpoint_ui::model::{Availability, EnrolmentData, EnrolmentStep, ScreenData};
use dashpoint_ui::nav::{Intent, Nav};
use dashpoint_ui::screen::{ScreenState, Situation, screen};
use dashpoint_ui::{DashpointWindow, Drive, Page, ThemeChoice, show};
use serde::Serialize;
use slint::ComponentHandle;

use super::args::{DriveName, PageName, ScreenshotArgs, ThemeName};
use super::out::print_json;
use crate::books::{Books, certificate};
use crate::config::Config;
use crate::data_folder::open_reader;
use crate::error::NotWritten;
use crate::language::{of_command_line, of_environment};
use crate::live::Live;
use crate::other_car;
use crate::runtime::{HeldData, held};
use crate::screen::{self, Choices, ShownCode};
use crate::socket;

/// Height of the screen.
const HEIGHT_PX: u32 = 720;

/// Output of `screenshot --json`.
#[derive(Debug, Serialize)]
struct ScreenshotReport<'a> {
    file: &'a Path,
    width_px: u32,
    height_px: u32,
}

/// Draws a page into a file.
pub(super) fn screenshot(args: &ScreenshotArgs) -> anyhow::Result<ExitCode> {
    let config = Config::load(&args.place.config)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    // What it shows without the running program is what the files hold.
    let live = runtime.block_on(socket::ask(&config.data)).ok();
    let reader = open_reader(&config)?;
    let shown = match args.page {
        Some(page) => page,
        None if Books::is_enrolled(&reader)? => PageName::Home,
        None => PageName::Enrol,
    };
    let live = match live {
        Some(live) => Some(live),
        None => last_seen(&config, &reader)?,
    };
    let held = held(&config, &reader, live.as_ref())?;
    if shown == PageName::Trip && held.data.trip.is_none() {
        bail!(args.language.unwrap_or_else(of_command_line).choose(
            "there is no trip of this car to summarise yet; drive first, or draw another page",
            "本车还没有可汇总的行程；请先行驶，或画其他页面",
        ));
    }
    let state = page(args, shown, &reader, held, live.as_ref());
    let png = draw(&state, args.width)?;
    whole_file(&args.out, &png).map_err(|source| NotWritten {
        path: args.out.clone(),
        source,
    })?;
    if args.json {
        print_json(&ScreenshotReport {
            file: &args.out,
            width_px: args.width,
            height_px: HEIGHT_PX,
        })?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The state of a stopped head unit, where it was left with something that keeps points from coming.
fn last_seen(config: &Config, reader: &StoreReader) -> anyhow::Result<Option<Live>> {
    if !Books::is_enrolled(reader)? {
        return Ok(None);
    }
    let certificate = certificate(reader, &config.cloud.key)?;
    let certified = certificate.body();
    Ok(other_car::last_seen(config, reader, certified.device, certified.vehicle).as_live())
}

fn page(
    args: &ScreenshotArgs,
    shown: PageName,
    reader: &StoreReader,
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
    match shown {
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
    let mut preferences = Choices::read(reader).preferences(car.language().or_else(of_environment));
    if let Some(language) = args.language {
        preferences.language = language;
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
fn enrolment(reader: &StoreReader, data: &ScreenData, now: ServerTime) -> EnrolmentData {
    if let Ok(Some(code)) = ShownCode::read(reader) {
        return code.page(now);
    }
    EnrolmentData {
        vin_end: String::new(),
        step: match &data.member {
            Availability::Here(member) => EnrolmentStep::Enrolled {
                name: member.name.clone(),
            },
            Availability::NotYet | Availability::Damaged | Availability::OtherCar => {
                EnrolmentStep::Offline
            }
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
