//! A session that waits for AWS can be stopped at any time, and only one run writes at a time.

mod applying;
mod journal;
mod lock;
mod reading;
mod waiting;

use iasql_tests::running::{changes, end, hold, sqlstate, start};
