//! Identity and Access Management.

use crate::resource::Resource;

/// The tables of this service.
pub static RESOURCES: &[&dyn Resource] = &[];
