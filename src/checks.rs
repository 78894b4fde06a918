//! Functions for the CHECK constraints of the module tables that are too slow in SQL.

use pgrx::prelude::*;
use pgrx::{Internal, direct_function_call};
use std::collections::HashMap;
use std::ffi::CStr;

/// It takes a jsonb as it comes: pgrx's own type raises an internal error where a number is too large for a float.
#[pg_extern(sql = false)]
fn valid_tags(tags: Internal) -> bool {
    // `unwrap` is pgrx's name for taking the argument: an option, which cannot panic.
    let tags = tags.unwrap();
    // SAFETY: the function is declared with one argument, a jsonb, and is strict.
    let text = unsafe { direct_function_call::<&CStr>(pg_sys::jsonb_out, &[tags]) };
    let text = text.map(CStr::to_bytes).unwrap_or_default();
    // Whatever is no object of texts is an error.
    serde_json::from_slice::<HashMap<String, String>>(text)
        .is_ok_and(|tags| tags.len() <= 50 && tags.iter().all(|(key, value)| is_valid(key, value)))
}

fn is_valid(key: &str, value: &str) -> bool {
    let is_of_aws = key
        .get(..4)
        .is_some_and(|start| start.eq_ignore_ascii_case("aws:"));
    (1..=128).contains(&key.chars().count()) && !is_of_aws && value.chars().count() <= 256
}
