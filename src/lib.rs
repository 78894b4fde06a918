//! iasql: a Postgres extension that turns an AWS account into ordinary tables.
//!
//! This crate is everything that touches Postgres: the functions that users call (`functions`), reading and writing
//! rows (`tables`, `write`), the extension's own records (`store`), credentials (`connection`), and the thread
//! that calls AWS (`pump`). What a plan is knows `iasql-engine`; what AWS is knows `iasql-aws`.

mod applying;
mod around;
mod changes;
mod checks;
mod connection;
mod functions;
mod importing;
mod installing;
mod internal;
mod journal;
mod kinds;
mod local;
mod locks;
mod memory;
mod modules;
mod planning;
mod pump;
mod report;
mod room;
mod settings;
mod sql;
mod store;
mod syncing;
mod tables;
mod tightening;
mod world;
mod write;

pgrx::pg_module_magic!();

/// Called when the library is loaded, in whatever process that is: registers settings and nothing more.
#[pgrx::pg_guard]
pub extern "C-unwind" fn _PG_init() {
    settings::register();
}
