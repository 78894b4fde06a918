//! The one place where errors leave: SQLSTATE, message, DETAIL and HINT.

mod aws;
mod hint;
mod plan;
mod problem;
mod sqlstate;

pub use aws::unread;
pub use plan::notice_text;
pub use problem::{Ended, Problem};

use pgrx::pg_sys::panic::ErrorReport;

impl From<Problem> for ErrorReport {
    fn from(problem: Problem) -> ErrorReport {
        let mut report = ErrorReport::new(problem.code(), problem.to_string(), "iasql");
        if let Some(detail) = problem.detail() {
            report = report.set_detail(detail);
        }
        if let Some(hint) = problem.hint() {
            report = report.set_hint(hint);
        }
        report
    }
}
