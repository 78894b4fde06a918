//! Answers in the formats of AWS's services, written from JSON documents in AWS's own field names.

use std::fmt::Write;

use iasql_tests::Protocol;
use serde_json::Value as Json;

const REQUEST_ID: &str = "7a1b2c3d-0000-4000-8000-5e6f7a8b9c0d";

/// The protocol of the service with this signing name.
pub fn protocol(service: &str) -> Protocol {
    match service {
        "ec2" => Protocol::Ec2,
        "iam" | "sts" | "elasticloadbalancing" => Protocol::Query,
        _ => Protocol::Json,
    }
}

/// An answer that is being written, field by field.
pub struct Document {
    protocol: Protocol,
    text: String,
}

impl Document {
    /// An answer without fields.
    pub fn new(protocol: Protocol) -> Self {
        let text = String::new();
        Self { protocol, text }
    }

    /// Adds a field.
    pub fn field(mut self, name: &str, value: &Json) -> Self {
        self.part();
        match self.protocol {
            Protocol::Json => self.push(format_args!("\"{name}\":{value}")),
            _ => element(&mut self.text, self.protocol, name, value),
        }
        self
    }

    /// Adds a field where there is a value.
    pub fn optional(self, name: &str, value: Option<String>) -> Self {
        match value {
            Some(value) => self.field(name, &value.into()),
            None => self,
        }
    }

    /// Adds a list of members that are written already, as [`member`] writes them.
    pub fn list<'a>(mut self, name: &str, members: impl Iterator<Item = &'a str>) -> Self {
        self.part();
        if self.protocol == Protocol::Json {
            self.push(format_args!("\"{name}\":["));
            for (position, member) in members.enumerate() {
                if position > 0 {
                    self.text.push(',');
                }
                self.text.push_str(member);
            }
            self.text.push(']');
        } else {
            self.push(format_args!("<{name}>"));
            members.for_each(|member| self.text.push_str(member));
            self.push(format_args!("</{name}>"));
        }
        self
    }

    /// The whole body.
    pub fn finish(self, operation: &str) -> String {
        let text = self.text;
        match self.protocol {
            Protocol::Json => format!("{{{text}}}"),
            Protocol::Query => format!(
                "<{operation}Response><{operation}Result>{text}</{operation}Result>\
                 <ResponseMetadata><RequestId>{REQUEST_ID}</RequestId></ResponseMetadata></{operation}Response>"
            ),
            Protocol::Ec2 => format!(
                "<{operation}Response><requestId>{REQUEST_ID}</requestId>{text}</{operation}Response>"
            ),
        }
    }

    fn part(&mut self) {
        if self.protocol == Protocol::Json && !self.text.is_empty() {
            self.text.push(',');
        }
    }

    fn push(&mut self, text: std::fmt::Arguments<'_>) {
        // Writing to a string does not fail.
        let _ = self.text.write_fmt(text);
    }
}

/// A member of a list.
pub fn member(protocol: Protocol, value: &Json) -> String {
    let mut text = String::new();
    match protocol {
        Protocol::Json => return value.to_string(),
        Protocol::Query => element(&mut text, protocol, "member", value),
        Protocol::Ec2 => element(&mut text, protocol, "item", value),
    }
    text
}

/// The body of an error.
pub fn error(protocol: Protocol, code: &str, message: &str) -> String {
    match protocol {
        Protocol::Json => serde_json::json!({"__type": code, "message": message}).to_string(),
        Protocol::Query => format!(
            "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>\
             <RequestId>{REQUEST_ID}</RequestId></ErrorResponse>"
        ),
        Protocol::Ec2 => format!(
            "<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors>\
             <RequestID>{REQUEST_ID}</RequestID></Response>"
        ),
    }
}

fn element(out: &mut String, protocol: Protocol, name: &str, value: &Json) {
    if value.is_null() {
        return;
    }
    let _ = write!(out, "<{name}>");
    match value {
        Json::Null => {}
        Json::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Json::Number(value) => {
            let _ = write!(out, "{value}");
        }
        Json::String(text) => escape(out, text),
        Json::Array(values) => {
            let name = if protocol == Protocol::Ec2 {
                "item"
            } else {
                "member"
            };
            for value in values {
                element(out, protocol, name, value);
            }
        }
        Json::Object(fields) => {
            for (name, value) in fields {
                element(out, protocol, name, value);
            }
        }
    }
    let _ = write!(out, "</{name}>");
}

fn escape(out: &mut String, text: &str) {
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            other => out.push(other),
        }
    }
}
