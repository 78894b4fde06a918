//! Elastic Container Service on Fargate.

use crate::resource::Resource;

/// The tables of this service.
pub static RESOURCES: &[&dyn Resource] = &[];
