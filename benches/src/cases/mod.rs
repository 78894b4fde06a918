//! The cases, each with its goal.

mod bulk;
mod calls;
mod creates;
mod engine;
mod latency;
mod tutorial;

pub use engine::plan_once;

use crate::bench::Bench;
use crate::error::Result;
use crate::result::Finding;

/// A case.
pub struct Case {
    /// The name to run it alone by.
    pub name: &'static str,
    /// Runs it.
    pub run: fn(&Bench) -> Result<Vec<Finding>>,
}

/// All of them, in the order of the results.
pub const CASES: &[Case] = &[
    Case {
        name: "calls",
        run: calls::run,
    },
    Case {
        name: "tutorial",
        run: tutorial::run,
    },
    Case {
        name: "creates",
        run: creates::run,
    },
    Case {
        name: "bulk",
        run: bulk::run,
    },
    Case {
        name: "engine",
        run: engine::run,
    },
    Case {
        name: "latency",
        run: latency::run,
    },
];
