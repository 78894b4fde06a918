//! Calls of the AWS command line, made without it: the documents use them to change things behind the tables' back.

use serde_json::{Map, Value};

use super::wrong::Wrong;
use crate::{Cloud, Protocol, Service};

/// Makes the call `aws SERVICE OPERATION --name value …`.
pub(super) fn call(cloud: &Cloud, command: &str) -> Result<(), Wrong> {
    let unchecked = || Wrong::UncheckedCommand {
        command: command.to_owned(),
    };
    let mut words = command.split_whitespace().skip(1);
    let service = words
        .next()
        .and_then(Service::from_signing_name)
        .ok_or_else(unchecked)?;
    let operation = pascal(words.next().ok_or_else(unchecked)?);
    let mut options = Vec::new();
    while let Some(option) = words.next() {
        let name = option.strip_prefix("--").ok_or_else(unchecked)?;
        options.push((pascal(name), words.next().ok_or_else(unchecked)?));
    }
    if service.protocol() == Protocol::Json {
        let input: Map<String, Value> = options
            .iter()
            .map(|(name, value)| (camel(name), json(value)))
            .collect();
        cloud.json(service, &operation, &Value::Object(input))?;
    } else {
        let options: Vec<(&str, &str)> = options
            .iter()
            .map(|(name, value)| (name.as_str(), *value))
            .collect();
        cloud.query(service, &operation, &options)?;
    }
    Ok(())
}

fn pascal(name: &str) -> String {
    let words = name.split('-').map(|word| {
        let (first, rest) = word.split_at(word.len().min(1));
        first.to_uppercase() + rest
    });
    words.collect()
}

fn camel(name: &str) -> String {
    let (first, rest) = name.split_at(name.len().min(1));
    first.to_lowercase() + rest
}

fn json(value: &str) -> Value {
    value
        .parse::<i64>()
        .map_or_else(|_| Value::from(value), Value::from)
}
