//! Elastic Container Registry, private and public.

pub mod public_repository;
pub mod repository;
pub mod repository_policy;
mod tags;

use crate::operation::{Operation, Service};
use crate::resource::Resource;

/// The tables of this service.
pub static RESOURCES: &[&dyn Resource] = &[
    &repository::Repository,
    &repository_policy::RepositoryPolicy,
    &public_repository::PublicRepository,
];

/// The largest page of every list.
const PAGE: i32 = 1000;

const fn op(name: &'static str) -> Operation {
    Service::Ecr.op(name)
}

const fn public_op(name: &'static str) -> Operation {
    Service::EcrPublic.op(name)
}
