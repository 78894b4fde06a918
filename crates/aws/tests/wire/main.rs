//! Each table's requests and replies on the wire.
//!
//! The emulator answers in one page, never throttles, never loses a reply and accepts what AWS refuses. Here a test
//! says which requests it expects and gives AWS's own replies to them ([`replay`]), and drives one table with them
//! ([`account`]).

// A test that cannot go on has failed.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod account;
mod ec2;
mod ecs;
mod elb;
mod format;
mod replay;

mod cluster;
mod identity;
mod listener;
mod load_balancer;
mod load_balancer_network;
mod log_group;
mod piecemeal;
mod public_repository;
mod repository;
mod repository_policy;
mod role;
mod role_delete;
mod security_group;
mod security_group_rule;
mod service;
mod service_update;
mod subnet;
mod target_group;
mod task_definition;
mod task_definition_register;
mod vpc;
