//! The program's data for the screen, before it is put into words. Pages read it; it names no page.

mod availability;
mod benefits;
mod enrolment;
mod ledger;
mod member;
mod screen;
mod trip;

pub use availability::Availability;
pub use benefits::BenefitData;
pub use enrolment::{EnrolmentData, EnrolmentStep};
pub use ledger::{Failed, LimitData, RowData, RowOutcome, RowSubject, UnpaidRule};
pub use member::{LadderData, MemberData, NoticeData, Settles, TierData, TodayData};
pub use screen::{DeviceData, Exchange, LinkData, ScreenData};
pub use trip::{CauseData, TripData};
