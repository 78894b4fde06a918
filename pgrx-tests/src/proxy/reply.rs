//! Answers in the cloud's place, shaped as each service shapes them.

use serde_json::json;

use super::Call;
use crate::{Protocol, Service};

/// An HTTP answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The headers, but for the length.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Reply {
    /// The request id in every answer that is made here.
    pub const REQUEST_ID: &'static str = "00000000-0000-4000-8000-000000000000";

    /// An error, in the form in which this call's service sends errors.
    pub fn error(call: &Call, status: u16, code: &str, message: &str) -> Self {
        let id = Self::REQUEST_ID;
        let (content_type, body) = match protocol(call) {
            Protocol::Json => (
                "application/x-amz-json-1.1",
                json!({"__type": code, "message": message}).to_string(),
            ),
            Protocol::Ec2 => (
                "text/xml",
                format!(
                    "<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors>\
                     <RequestID>{id}</RequestID></Response>"
                ),
            ),
            Protocol::Query => (
                "text/xml",
                format!(
                    "<ErrorResponse><Error><Type>{kind}</Type><Code>{code}</Code><Message>{message}</Message></Error>\
                     <RequestId>{id}</RequestId></ErrorResponse>",
                    kind = if status < 500 { "Sender" } else { "Receiver" },
                ),
            ),
        };
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let headers = vec![
            header("content-type", content_type),
            header("x-amzn-requestid", id),
        ];
        Self {
            status,
            headers,
            body: body.into_bytes(),
        }
    }

    /// "Not so fast", as this call's service says it.
    pub fn throttle(call: &Call) -> Self {
        match protocol(call) {
            Protocol::Ec2 => {
                Self::error(call, 503, "RequestLimitExceeded", "Request limit exceeded.")
            }
            Protocol::Query => Self::error(call, 400, "Throttling", "Rate exceeded"),
            Protocol::Json => Self::error(call, 400, "ThrottlingException", "Rate exceeded"),
        }
    }

    /// "Our fault", as this call's service says it.
    pub fn internal_error(call: &Call) -> Self {
        let code = match protocol(call) {
            Protocol::Ec2 => "InternalError",
            Protocol::Query => "InternalFailure",
            Protocol::Json => "ServerException",
        };
        Self::error(call, 500, code, "An internal error has occurred")
    }

    /// "You may not", as this call's service says it.
    pub fn access_denied(call: &Call) -> Self {
        let message = format!("User is not authorized to perform: {}", call.name);
        match protocol(call) {
            Protocol::Ec2 => Self::error(call, 403, "UnauthorizedOperation", &message),
            Protocol::Query => Self::error(call, 403, "AccessDenied", &message),
            Protocol::Json => Self::error(call, 400, "AccessDeniedException", &message),
        }
    }
}

fn protocol(call: &Call) -> Protocol {
    call.service.map_or(Protocol::Query, Service::protocol)
}
