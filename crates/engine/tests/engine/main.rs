//! The engine's tests: what each rule of a plan, a run and a sync says.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod intents;
mod kinds;
mod scene;

mod adoption;
mod buttons;
mod companions;
mod drift;
mod executing;
mod order;
mod replacing;
mod resuming;
mod rows_gone;
mod simulation;
mod syncing;
mod three_states;
