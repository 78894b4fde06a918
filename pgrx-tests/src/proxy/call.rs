//! A call, as it is read off the wire.

use std::sync::atomic::{AtomicU64, Ordering};

use hyper::HeaderMap;

use crate::{Protocol, Service};

/// One call of an AWS operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// Service and operation as IAM writes them: `ec2:CreateVpc`. Of what is no AWS call, the path.
    pub name: String,
    /// The service, if it is one that is known here.
    pub service: Option<Service>,
    /// The region in the signature; empty if the call is not signed.
    pub region: String,
    /// The access key in the signature; empty if the call is not signed.
    pub access_key_id: String,
    /// The headers as sent, a line each.
    pub headers: String,
    /// The body as sent: a form or JSON.
    pub body: String,
    /// How many calls of this name there were since the last [`Proxy::forget_calls`](super::Proxy::forget_calls),
    /// this one included.
    pub occurrence: usize,
    /// Whether it was passed on to the cloud.
    pub forwarded: bool,
    /// The status the cloud answered with, if it was asked and has answered; the caller may have seen another.
    pub status: Option<u16>,
    /// Tells calls apart.
    pub(super) id: u64,
}

impl Call {
    /// Reads a request.
    pub(super) fn read(path: &str, headers: &HeaderMap, body: &[u8]) -> Self {
        static LAST_ID: AtomicU64 = AtomicU64::new(0);
        let header = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let body = String::from_utf8_lossy(body).into_owned();

        let authorization = header("authorization").unwrap_or_default();
        let credential = authorization
            .split_once("Credential=")
            .map_or("", |(_, rest)| rest);
        let mut scope = credential
            .split([',', ' '])
            .next()
            .unwrap_or_default()
            .split('/');
        let access_key_id = scope.next().unwrap_or_default().to_owned();
        let region = scope.nth(1).unwrap_or_default().to_owned();
        let signing_name = scope.next();

        let target = header("x-amz-target").and_then(|target| target.rsplit_once('.'));
        let operation = target
            .map(|(_, operation)| operation.to_owned())
            .or_else(|| form_value(&body, "Action"));
        let service = match signing_name {
            Some(name) => Service::from_signing_name(name),
            // The token service alone takes calls without a signature, from who has no credentials yet.
            None => operation.as_ref().map(|_| Service::Sts),
        };
        let name = match (service, operation) {
            (Some(service), Some(operation)) => format!("{}:{operation}", service.signing_name()),
            _ => path.to_owned(),
        };
        let headers = headers.iter().map(|(name, value)| {
            format!("{name}: {}\n", String::from_utf8_lossy(value.as_bytes()))
        });
        let id = LAST_ID.fetch_add(1, Ordering::Relaxed);
        Self {
            name,
            service,
            region,
            access_key_id,
            headers: headers.collect(),
            body,
            occurrence: 0,
            forwarded: false,
            status: None,
            id,
        }
    }

    /// The operation alone: `CreateVpc`.
    pub fn operation(&self) -> &str {
        self.name.rsplit(':').next().unwrap_or_default()
    }

    /// Whether it changes the cloud.
    pub fn mutates(&self) -> bool {
        const READING: [&str; 6] = [
            "Describe",
            "List",
            "Get",
            "BatchGet",
            "BatchCheck",
            "AssumeRole",
        ];
        !READING
            .iter()
            .any(|verb| self.operation().starts_with(verb))
    }

    /// A parameter's value: of a form by its full name (`Filter.1.Name`), of JSON a member of the outermost object,
    /// written as JSON unless it is a string.
    pub fn parameter(&self, name: &str) -> Option<String> {
        if self.service.map(Service::protocol) != Some(Protocol::Json) {
            return form_value(&self.body, name);
        }
        match serde_json::from_str::<serde_json::Value>(&self.body)
            .ok()?
            .get(name)?
        {
            serde_json::Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        }
    }
}

fn form_value(form: &str, name: &str) -> Option<String> {
    form_urlencoded::parse(form.as_bytes())
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    fn call(headers: &[(&'static str, &'static str)], body: &str) -> Call {
        let headers = headers.iter().map(|(name, value)| {
            (
                hyper::header::HeaderName::from_static(name),
                HeaderValue::from_static(value),
            )
        });
        Call::read("/path", &headers.collect(), body.as_bytes())
    }

    const ELB: &str = "AWS4-HMAC-SHA256 Credential=AKID/20250101/eu-west-1/elasticloadbalancing/aws4_request, \
                       SignedHeaders=host, Signature=0";
    const ECS: &str =
        "AWS4-HMAC-SHA256 Credential=AKID/20250101/us-east-2/ecs/aws4_request, Signature=0";

    #[test]
    fn a_form_is_named_by_its_action_and_the_signature() {
        let call = call(
            &[("authorization", ELB)],
            "Action=CreateListener&Port=80&Name=a+b%26c&Version=2015-12-01",
        );
        assert_eq!(call.name, "elasticloadbalancing:CreateListener");
        assert_eq!(
            (call.service, call.operation()),
            (Some(Service::Elbv2), "CreateListener")
        );
        assert_eq!(
            (call.region.as_str(), call.access_key_id.as_str()),
            ("eu-west-1", "AKID")
        );
        assert_eq!(call.parameter("Name").as_deref(), Some("a b&c"));
        assert_eq!(call.parameter("None"), None);
    }

    #[test]
    fn json_is_named_by_its_target() {
        let target = (
            "x-amz-target",
            "AmazonEC2ContainerServiceV20141113.UpdateService",
        );
        let call = call(
            &[("authorization", ECS), target],
            r#"{"service":"web","desiredCount":2}"#,
        );
        assert_eq!(call.name, "ecs:UpdateService");
        assert_eq!(call.parameter("service").as_deref(), Some("web"));
        assert_eq!(call.parameter("desiredCount").as_deref(), Some("2"));
    }

    #[test]
    fn an_unsigned_form_is_for_the_token_service_and_all_else_is_a_path() {
        assert_eq!(
            call(&[], "Action=AssumeRoleWithWebIdentity").name,
            "sts:AssumeRoleWithWebIdentity"
        );
        assert_eq!(call(&[], "").name, "/path");
    }

    #[test]
    fn reading_is_told_from_changing() {
        let mutates =
            |operation| call(&[("authorization", ELB)], &format!("Action={operation}")).mutates();
        for reading in [
            "DescribeVpcs",
            "ListRoles",
            "GetCallerIdentity",
            "AssumeRole",
        ] {
            assert!(!mutates(reading), "{reading}");
        }
        for changing in [
            "CreateVpc",
            "PutRolePolicy",
            "DeregisterTaskDefinition",
            "AuthorizeSecurityGroupIngress",
        ] {
            assert!(mutates(changing), "{changing}");
        }
    }
}
