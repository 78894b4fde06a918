//! AWS for iasql: one file per table, in a folder per service.
//!
//! A table's file holds a typed literal that says what each column is ([`iasql_engine::Kind`]) and the calls behind
//! its rows ([`resource::Resource`]). Everything else is shared: the session and its clients ([`session`]), sending,
//! retrying and pacing calls ([`access`], [`limits`]), paging ([`paging`]), journaling writes ([`writer`]), tags
//! ([`tags`], [`tagging`]), reading all tables side by side ([`read`]), what lists do not settle ([`doubt`]),
//! running a plan ([`run`]), what a run need not ask again ([`seen`]) and keeping secrets (`secrets`).
//!
//! This crate must not know Postgres.

pub mod access;
pub mod doubt;
pub mod error;
pub mod limits;
pub mod operation;
pub mod paging;
pub mod read;
pub mod resource;
pub mod run;
mod secrets;
pub mod seen;
pub mod session;
pub mod tagging;
pub mod tags;
pub mod time;
pub mod writer;

pub mod ec2;
pub mod ecr;
pub mod ecs;
pub mod elb;
pub mod iam;
pub mod logs;

use resource::Resource;

/// Every table's calls.
pub fn resources() -> impl Iterator<Item = &'static dyn Resource> {
    [
        ec2::RESOURCES,
        ecr::RESOURCES,
        ecs::RESOURCES,
        elb::RESOURCES,
        iam::RESOURCES,
        logs::RESOURCES,
    ]
    .into_iter()
    .flatten()
    .copied()
}

/// The calls behind a table.
pub fn resource(table: &str) -> Option<&'static dyn Resource> {
    resources().find(|resource| resource.kind().table == table)
}
