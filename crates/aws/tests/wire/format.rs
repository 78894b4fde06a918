//! The formats in which AWS's services answer.

use serde_json::json;

/// The request id of every answer.
pub const REQUEST_ID: &str = "7a1b2c3d-0000-4000-8000-5e6f7a8b9c0d";

/// How a service writes its answers.
#[derive(Clone, Copy)]
pub enum Format {
    Json,
    Query,
    Ec2,
}

impl Format {
    /// The format of the service that a request is signed for.
    pub fn of(service: &str) -> Format {
        match service {
            "ec2" => Format::Ec2,
            "iam" | "sts" | "elasticloadbalancing" => Format::Query,
            _ => Format::Json,
        }
    }

    /// The content type of its answers.
    pub fn content_type(self) -> &'static str {
        match self {
            Format::Json => "application/x-amz-json-1.1",
            Format::Query | Format::Ec2 => "text/xml",
        }
    }

    /// An answer around this document.
    pub fn envelope(self, operation: &str, inner: &str) -> String {
        match self {
            Format::Json => inner.to_owned(),
            Format::Query => format!(
                "<{operation}Response><{operation}Result>{inner}</{operation}Result>\
                 <ResponseMetadata><RequestId>{REQUEST_ID}</RequestId></ResponseMetadata></{operation}Response>"
            ),
            Format::Ec2 => format!(
                "<{operation}Response><requestId>{REQUEST_ID}</requestId>{inner}</{operation}Response>"
            ),
        }
    }

    /// An error.
    pub fn error(self, code: &str, message: &str) -> String {
        match self {
            Format::Json => json!({"__type": code, "message": message}).to_string(),
            Format::Query => format!(
                "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>\
                 <RequestId>{REQUEST_ID}</RequestId></ErrorResponse>"
            ),
            Format::Ec2 => format!(
                "<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors>\
                 <RequestID>{REQUEST_ID}</RequestID></Response>"
            ),
        }
    }
}
