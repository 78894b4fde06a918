//! AWS for iasql: one file per table, in a folder per service.
//!
//! A table's file holds a typed literal that says what each column is ([`iasql_engine::Kind`]) and the calls behind
//! its rows ([`resource::Resource`]). Everything else is shared: the session and its clients ([`session`]), sending,
//! retrying and pacing calls ([`access`], [`limits`]), paging ([`paging`]), journaling writes ([`writer`]), tags
//! ([`tags`], [`tagging`]), reading all tables side by side ([`read`]) and running a plan ([`run`]).
//!
//! This crate must not know Postgres.

pub mod access;
pub mod error;
pub mod limits;
pub mod operation;
pub mod paging;
pub mod resource;
pub mod session;
pub mod tagging;
pub mod tags;
pub mod time;
pub mod writer;

pub mod logs;

use resource::Resource;

/// Every table's calls.
pub static RESOURCES: &[&dyn Resource] = &[&logs::log_group::LogGroup];

/// The calls behind a table.
pub fn resource(table: &str) -> Option<&'static dyn Resource> {
    RESOURCES
        .iter()
        .copied()
        .find(|resource| resource.kind().table == table)
}
