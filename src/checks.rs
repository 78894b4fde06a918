//! Functions for the CHECK constraints of the module tables that are too slow in SQL.

use pgrx::JsonB;
use pgrx::prelude::*;
use serde_json::Value as Json;

#[pg_extern(sql = false)]
fn valid_tags(tags: JsonB) -> bool {
    match tags.0 {
        Json::Object(tags) => {
            tags.len() <= 50 && tags.iter().all(|(key, value)| is_valid(key, value))
        }
        _ => false,
    }
}

fn is_valid(key: &str, value: &Json) -> bool {
    let is_of_aws = key
        .get(..4)
        .is_some_and(|start| start.eq_ignore_ascii_case("aws:"));
    let fits = |value: &str| value.chars().count() <= 256;
    (1..=128).contains(&key.chars().count()) && !is_of_aws && value.as_str().is_some_and(fits)
}
