//! Elastic Container Registry, private and public.

use crate::resource::Resource;

/// The tables of this service.
pub static RESOURCES: &[&dyn Resource] = &[];
