//! The pure core of iasql.
//!
//! It knows what a table's columns are ([`kind`]), compares what the database wants, what both sides last agreed on
//! and what the cloud holds ([`plan`], [`sync`]), and runs the resulting steps as a state machine ([`execute`]) that
//! writes every intent to a journal first ([`journal`]).
//!
//! It must not know Postgres, AWS, a clock, a network or a file: values come in, values go out. That is what lets the
//! tests drive it through faults, crashes and time from one seed.

pub mod clear;
pub mod compare;
pub mod document;
pub mod execute;
pub mod journal;
pub mod kind;
pub mod object;
pub mod plan;
pub mod row;
pub mod sync;
pub mod value;

pub use kind::{Catalog, Column, Kind};
pub use object::{Known, Object};
pub use row::{CloudId, ObjectKey, Region, Row, RowKey};
pub use value::{Ref, Value};
