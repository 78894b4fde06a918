//! Elastic Load Balancing, version 2.

use crate::resource::Resource;

/// The tables of this service.
pub static RESOURCES: &[&dyn Resource] = &[];
