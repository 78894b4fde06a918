//! A request as AWS's clients send it.

use std::io::{BufRead, BufReader, Read};
use std::net::TcpStream;

use serde_json::{Map, Value as Json};

use super::Refusal;

/// A request.
#[derive(Debug)]
pub struct Request {
    /// The service that it is signed for.
    pub service: String,
    /// The region that it is signed for.
    pub region: String,
    /// AWS's name of the operation; for a request that is not signed, the path.
    pub operation: String,
    /// The parameters. Those of the query protocols are a flat object of strings.
    parameters: Json,
}

impl Request {
    /// Reads the next request of a connection; None at its end.
    pub fn read(reader: &mut BufReader<TcpStream>) -> Option<Self> {
        let mut line = String::new();
        let (mut path, mut length, mut scope, mut target) = (None, 0, None, None);
        loop {
            line.clear();
            if reader.read_line(&mut line).ok()? == 0 {
                return None;
            }
            let header = line.trim_end();
            if header.is_empty() {
                break;
            }
            let Some((name, value)) = header.split_once(':').filter(|_| path.is_some()) else {
                path = header.split(' ').nth(1).map(str::to_owned);
                continue;
            };
            let value = value.trim();
            if name.eq_ignore_ascii_case("content-length") {
                length = value.parse().ok()?;
            } else if name.eq_ignore_ascii_case("authorization") {
                // AWS4-HMAC-SHA256 Credential=<key>/<date>/<region>/<service>/aws4_request, …
                let mut words = value.split('/').skip(2);
                scope = Some((words.next()?.to_owned(), words.next()?.to_owned()));
            } else if name.eq_ignore_ascii_case("x-amz-target") {
                target = value.rsplit('.').next().map(str::to_owned);
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        let (operation, parameters) = match (&scope, target) {
            (None, _) => (path?, Json::Null),
            (Some(_), Some(target)) => (target, serde_json::from_slice(&body).ok()?),
            (Some(_), None) => form(&body)?,
        };
        let (region, service) = scope.unwrap_or_default();
        Some(Self {
            service,
            region,
            operation,
            parameters,
        })
    }

    /// A parameter.
    pub fn get(&self, name: &str) -> &Json {
        &self.parameters[name]
    }

    /// A parameter as text; empty where it is not given.
    pub fn text(&self, name: &str) -> &str {
        self.get(name).as_str().unwrap_or_default()
    }

    /// A parameter as a number.
    pub fn number(&self, name: &str) -> Option<usize> {
        match self.get(name) {
            Json::String(text) => text.parse().ok(),
            value => value.as_u64().and_then(|value| usize::try_from(value).ok()),
        }
    }

    /// The parameters that a form numbers: `ResourceArns.member.1`, `ResourceArns.member.2`, …
    pub fn numbered<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        (1..).map_while(move |number| self.get(&format!("{name}.{number}")).as_str())
    }

    /// The elements of a JSON array of text.
    pub fn texts(&self, name: &str) -> impl Iterator<Item = &str> {
        let values = self.get(name).as_array().into_iter().flatten();
        values.filter_map(Json::as_str)
    }

    /// The size of the pages asked for. AWS refuses what is larger than its largest page.
    pub fn page_size(&self, name: &str, unless: usize, largest: usize) -> Result<usize, Refusal> {
        match self.number(name) {
            None => Ok(unless),
            Some(size) if size <= largest => Ok(size),
            Some(size) => Err(Refusal::new(
                "InvalidParameterValue",
                format!("{name} is {size}, and the largest is {largest}"),
            )),
        }
    }

    /// Where the page asked for begins.
    pub fn page_start(&self, name: &str) -> usize {
        self.number(name).unwrap_or_default()
    }
}

fn form(body: &[u8]) -> Option<(String, Json)> {
    let pairs = form_urlencoded::parse(body);
    let mut parameters: Map<String, Json> = pairs
        .map(|(name, value)| (name.into_owned(), value.into_owned().into()))
        .collect();
    let operation = parameters.remove("Action")?;
    Some((operation.as_str()?.to_owned(), parameters.into()))
}
