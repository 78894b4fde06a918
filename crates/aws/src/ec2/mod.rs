//! Elastic Compute Cloud: networks and their security groups.

use crate::resource::Resource;

/// The tables of this service.
pub static RESOURCES: &[&dyn Resource] = &[];
