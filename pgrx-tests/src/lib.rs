//! The harness of the black-box tests: a throw-away Postgres with this build of the extension, the AWS emulator, a
//! proxy that counts calls and injects faults, the clients that people use, and a reader of the documents.
//!
//! It must not know the extension's code: like a user, it sees only SQL on one side and HTTP on the other.

mod cloud;
mod cluster;
mod database;
pub mod document;
mod emulator;
mod error;
mod fixture;
mod inventory;
mod leash;
pub mod matrix;
mod message;
mod migrations;
mod process;
pub mod proxy;
mod rows;
pub mod running;
mod service;
mod session;
mod stage;
mod staged;
mod world;

pub use cloud::{Cloud, elements};
pub use cluster::{Cluster, ClusterOptions, Shutdown};
pub use database::Database;
pub use emulator::Emulator;
pub use error::{Error, Result, ensure};
pub use fixture::{Fixture, REGION};
pub use inventory::{Inventory, inventory, missing};
pub use message::ServerMessage;
pub use migrations::Migrations;
pub use process::{Output, Signal, wait_for};
pub use rows::Rows;
pub use service::{Protocol, Service};
pub use session::Session;
pub use stage::Stage;
pub use world::{Edit, UPDATES, Update, World};
