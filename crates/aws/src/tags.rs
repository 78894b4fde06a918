//! Tags, in the shapes of the services.

use iasql_engine::{Row, Value};
use serde_json::{Map, Value as Json};

/// The key of the owner tag: database and intent of what neither name nor attributes identify.
pub const OWNER_TAG: &str = "iasql:owner";

/// Tags as a row's value. Left out: AWS's own (`aws:`) and our owner tag.
pub fn from_pairs(pairs: impl IntoIterator<Item = (String, String)>) -> Value {
    let tags: Map<String, Json> = pairs
        .into_iter()
        .filter(|(key, _)| !key.starts_with("aws:") && key != OWNER_TAG)
        .map(|(key, value)| (key, Json::String(value)))
        .collect();
    Value::Json(Json::Object(tags))
}

/// What turns an object's tags into a row's: the tags to set and the keys to take away.
pub struct Retag {
    /// New and changed tags.
    pub set: Vec<(String, String)>,
    /// Keys that go.
    pub remove: Vec<String>,
}

impl Retag {
    /// Compares the tags of an object with those of a row.
    pub fn between(object: &Row, row: &Row) -> Retag {
        let (before, after) = (object.tags(), row.tags());
        Retag {
            set: after
                .iter()
                .filter(|tag| !before.contains(tag))
                .cloned()
                .collect(),
            remove: before
                .into_iter()
                .map(|(key, _)| key)
                .filter(|key| !after.iter().any(|(kept, _)| kept == key))
                .collect(),
        }
    }
}
