//! The cloud as somebody else sees it: calls that do not go through the extension.

use serde_json::Value;

use crate::service::Protocol;
use crate::{Error, Result, Service};

/// Calls AWS operations in one region, to look at what the extension did and to change things behind its back.
#[derive(Debug, Clone)]
pub struct Cloud {
    endpoint: String,
    region: String,
}

impl Cloud {
    /// The cloud at this endpoint, seen from this region.
    pub fn new(endpoint: &str, region: &str) -> Self {
        Self {
            endpoint: endpoint.to_owned(),
            region: region.to_owned(),
        }
    }

    /// Calls an operation of a service that takes forms ([`Protocol::Ec2`], [`Protocol::Query`]); returns the XML.
    pub fn query(
        &self,
        service: Service,
        operation: &str,
        parameters: &[(&str, &str)],
    ) -> Result<String> {
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("Action", operation)
            .append_pair("Version", service.api_version())
            .extend_pairs(parameters)
            .finish();
        self.send(service, operation, form)
    }

    /// Calls an operation of a service that takes JSON ([`Protocol::Json`]). An empty answer is null.
    pub fn json(&self, service: Service, operation: &str, input: &Value) -> Result<Value> {
        let text = self.send(service, operation, input.to_string())?;
        if text.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_str(&text).map_err(|_| Error::Malformed { what: "JSON", text })
    }

    fn send(&self, service: Service, operation: &str, body: String) -> Result<String> {
        let (name, region) = (service.signing_name(), &self.region);
        let request = ureq::post(&self.endpoint).config().http_status_as_error(false).build().header(
            "Authorization",
            // The emulator reads service and region here and checks no signature.
            format!("AWS4-HMAC-SHA256 Credential=test/20250101/{region}/{name}/aws4_request, Signature=none"),
        );
        let request = match service.protocol() {
            Protocol::Json => request
                .header("Content-Type", "application/x-amz-json-1.1")
                .header(
                    "X-Amz-Target",
                    format!("{}.{operation}", service.api_version()),
                ),
            Protocol::Ec2 | Protocol::Query => {
                request.header("Content-Type", "application/x-www-form-urlencoded")
            }
        };
        let failed = |source| Error::Http {
            operation: operation.to_owned(),
            source: Box::new(source),
        };
        let mut response = request.send(body).map_err(failed)?;
        let status = response.status().as_u16();
        let body = response.body_mut().read_to_string().map_err(failed)?;
        if status >= 400 {
            return Err(Error::Refused {
                operation: operation.to_owned(),
                status,
                body,
            });
        }
        Ok(body)
    }
}

/// The texts of all XML elements with this name that hold nothing but text, in order.
pub fn elements<'x>(xml: &'x str, name: &str) -> Vec<&'x str> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let text = |rest: &'x str| rest.split_once(close.as_str()).map(|(text, _)| text);
    xml.split(open.as_str())
        .skip(1)
        .filter_map(text)
        .filter(|text| !text.contains('<'))
        .collect()
}
