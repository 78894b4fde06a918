//! What AWS answered when it did not do what was asked.

use crate::operation::Operation;
use crate::secrets::Secrets;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_types::request_id::RequestId;
use iasql_engine::Kind;
use iasql_engine::kind::Errors;
use std::error::Error;

/// A call that failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{operation}: {}{message}", code.as_deref().map(|code| format!("{code}: ")).unwrap_or_default())]
pub struct AwsError {
    /// The operation.
    pub operation: Operation,
    /// What the failure means for what comes next.
    pub class: Class,
    /// AWS's error code.
    pub code: Option<String>,
    /// AWS's message, or what went wrong on the way.
    pub message: String,
    /// The id that AWS gave the request.
    pub request_id: Option<String>,
}

/// What a failure means for what comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// AWS asks to slow down. Nothing was done.
    Throttled,
    /// AWS had a fault of its own. Something may have been done.
    Fault,
    /// No complete answer came. Something may have been done.
    NoAnswer,
    /// The request could not be sent. Nothing was done.
    NotSent,
    /// There are no credentials, or AWS does not accept them.
    Credentials,
    /// The caller may not do this.
    Denied,
    /// The answer was not one that AWS gives.
    Malformed,
    /// AWS refused the request. Nothing was done.
    Refused,
    /// The row asks for what cannot be done; no request was sent.
    Unsupported,
    /// The run was cancelled before the request was sent.
    Cancelled,
}

impl Class {
    /// Whether the request may have been carried out all the same.
    pub fn is_ambiguous(self) -> bool {
        matches!(self, Class::Fault | Class::NoAnswer | Class::Malformed)
    }
}

const THROTTLING: &[&str] = &[
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "RequestThrottled",
    "RequestThrottledException",
    "TooManyRequestsException",
    "RequestLimitExceeded",
    "BandwidthLimitExceeded",
    "ProvisionedThroughputExceededException",
    "PriorRequestNotComplete",
    "SlowDown",
];

const CREDENTIALS: &[&str] = &[
    "InvalidClientTokenId",
    "UnrecognizedClientException",
    "AuthFailure",
    "SignatureDoesNotMatch",
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidAccessKeyId",
    "IncompleteSignature",
    "MissingAuthenticationToken",
    "RequestExpired",
];

const DENIED: &[&str] = &[
    "AccessDenied",
    "AccessDeniedException",
    "UnauthorizedOperation",
    "OptInRequired",
];

impl AwsError {
    /// What the SDK says, in our terms.
    pub fn from_sdk<E>(operation: Operation, error: SdkError<E, HttpResponse>) -> AwsError
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let request_id = error.request_id().map(str::to_owned);
        let code = error.code().map(str::to_owned);
        let status = error
            .raw_response()
            .map(|response| response.status().as_u16());
        let message = match (error.message(), status) {
            (Some(message), _) => message.to_owned(),
            (None, Some(status)) if code.is_none() => {
                format!("answered with HTTP {status} and a body that AWS does not send")
            }
            _ => causes(&error).replace('\n', " "),
        };
        let class = match &error {
            SdkError::ConstructionFailure(_) => Class::NotSent,
            SdkError::TimeoutError(_) => Class::NoAnswer,
            SdkError::DispatchFailure(_) => {
                if message.contains("credentials") {
                    Class::Credentials
                } else if message.contains("(Connect)") {
                    Class::NotSent
                } else {
                    Class::NoAnswer
                }
            }
            _ => classify(code.as_deref(), status),
        };
        AwsError {
            operation,
            class,
            code,
            message,
            request_id,
        }
    }

    /// The same without the secrets that AWS's answer echoes.
    pub(crate) fn without(self, secrets: &Secrets) -> AwsError {
        let hidden = |text: String| secrets.hidden_in(&text);
        AwsError {
            code: self.code.map(hidden),
            message: hidden(self.message),
            request_id: self.request_id.map(hidden),
            ..self
        }
    }

    /// A row that asks for what cannot be done. Nothing was sent.
    pub fn unsupported(operation: Operation, message: impl Into<String>) -> AwsError {
        AwsError {
            operation,
            class: Class::Unsupported,
            code: None,
            message: message.into(),
            request_id: None,
        }
    }

    /// An answer without something that AWS always gives.
    pub fn malformed(operation: Operation, message: impl Into<String>) -> AwsError {
        AwsError {
            class: Class::Malformed,
            ..AwsError::unsupported(operation, message)
        }
    }

    /// A call that was not begun because the run is being cancelled.
    pub fn cancelled(operation: Operation) -> AwsError {
        AwsError {
            class: Class::Cancelled,
            ..AwsError::unsupported(operation, "cancelled before it was sent")
        }
    }

    /// Whether the code is one of these. Where AWS uses one code for many things, a part of the message tells them
    /// apart: `Code:part of the message`.
    pub fn is(&self, codes: &[&str]) -> bool {
        let Some(code) = self.code.as_deref() else {
            return false;
        };
        codes.iter().any(|wanted| match wanted.split_once(':') {
            Some((wanted, part)) => wanted == code && self.message.contains(part),
            None => *wanted == code,
        })
    }

    /// Whether the object does not exist.
    pub fn is_absent(&self, errors: &Errors) -> bool {
        self.is(errors.absent)
    }
}

/// What was asked for, or None where it does not exist.
pub fn found<T>(kind: &Kind, answer: Result<T, AwsError>) -> Result<Option<T>, AwsError> {
    match answer {
        Err(error) if error.is_absent(&kind.errors) => Ok(None),
        answer => answer.map(Some),
    }
}

/// The error and what caused it. The SDK's own way of showing this adds the whole answer.
fn causes(error: &dyn Error) -> String {
    match error.source() {
        Some(cause) => format!("{error}: {}", causes(cause)),
        None => error.to_string(),
    }
}

fn classify(code: Option<&str>, status: Option<u16>) -> Class {
    let is = |codes: &[&str]| code.is_some_and(|code| codes.contains(&code));
    if is(THROTTLING) || status == Some(429) {
        Class::Throttled
    } else if is(CREDENTIALS) {
        Class::Credentials
    } else if is(DENIED) {
        Class::Denied
    } else if status.is_some_and(|status| status >= 500) {
        Class::Fault
    } else if code.is_none() {
        Class::Malformed
    } else {
        Class::Refused
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operation::Service;

    #[test]
    fn a_code_may_be_told_apart_by_its_message() {
        let error = AwsError {
            class: Class::Refused,
            code: Some("InvalidParameterException".to_owned()),
            ..AwsError::unsupported(
                Service::Ecs.op("CreateService"),
                "Unable to Start a service that is still Draining.",
            )
        };
        assert!(error.is(&["InvalidParameterException"]));
        assert!(error.is(&["InvalidParameterException:still Draining"]));
        assert!(!error.is(&["InvalidParameterException:not idempotent"]));
        assert!(!error.is(&["ClientException:still Draining"]));
        let unnamed = AwsError {
            code: None,
            ..error
        };
        assert!(!unnamed.is(&["InvalidParameterException"]));
    }
}
