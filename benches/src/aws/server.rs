//! The HTTP side of the load generator: a thread for each connection.

use std::collections::BTreeMap;
use std::io::{BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use super::account::{Account, Sizes};
use super::document::{self, protocol};
use super::limits::{self, Buckets};
use super::meter::{Call, Calls};
use super::request::Request;
use iasql_tests::Protocol;

/// How fast AWS answers.
#[derive(Debug, Clone, Default)]
pub struct Pace {
    /// How long each call takes.
    pub latency: Duration,
    /// How long each call takes in regions that differ.
    pub regions: BTreeMap<String, Duration>,
    /// Whether calls that come too fast are refused.
    pub limits: bool,
}

impl Pace {
    /// Every call takes this long.
    pub fn of(latency: Duration) -> Self {
        Self {
            latency,
            ..Self::default()
        }
    }

    /// The same with AWS's request limits.
    #[must_use]
    pub fn limited(mut self) -> Self {
        self.limits = true;
        self
    }

    /// Calls to this region take this long.
    #[must_use]
    pub fn region(mut self, region: &str, latency: Duration) -> Self {
        self.regions.insert(region.to_owned(), latency);
        self
    }
}

/// A running load generator. It runs as long as the process.
#[derive(Clone)]
pub struct LoadGenerator {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

struct State {
    sizes: Sizes,
    account: Account,
    pace: Pace,
    buckets: Buckets,
    calls: Calls,
    /// Whether a call has changed the account.
    changed: bool,
}

impl State {
    fn new(sizes: Sizes, pace: Pace) -> Self {
        Self {
            account: Account::new(&sizes),
            buckets: Buckets::default(),
            calls: Calls::default(),
            changed: false,
            sizes,
            pace,
        }
    }
}

impl LoadGenerator {
    /// Starts one with an account of this size; `port` 0 is any.
    pub fn start(port: u16, sizes: Sizes, pace: Pace) -> std::io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", port))?;
        let generator = Self {
            address: listener.local_addr()?,
            state: Arc::new(Mutex::new(State::new(sizes, pace))),
        };
        let state = Arc::clone(&generator.state);
        thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let state = Arc::clone(&state);
                thread::spawn(move || serve(connection, &state));
            }
        });
        Ok(generator)
    }

    /// Where it listens.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Begins anew with an account of this size. One of the same size that no call has changed is kept: to write out a
    /// hundred thousand objects takes a moment.
    pub fn reset(&self, sizes: &Sizes, pace: Pace) {
        let mut state = self.state();
        if state.changed || state.sizes != *sizes {
            *state = State::new(sizes.clone(), pace);
        } else {
            state.calls = Calls::default();
            state.buckets = Buckets::default();
            state.pace = pace;
        }
    }

    /// Answers at this pace from now on.
    pub fn set_pace(&self, pace: Pace) {
        self.state().pace = pace;
    }

    /// The calls since the last time they were taken.
    pub fn take_calls(&self) -> Calls {
        std::mem::take(&mut self.state().calls)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Answers the requests of a connection until the client closes it.
fn serve(connection: TcpStream, state: &Mutex<State>) {
    let Ok(mut writer) = connection.try_clone() else {
        return;
    };
    // Replies leave as they are written; what is left of one never waits for an acknowledgement.
    let _ = connection.set_nodelay(true);
    let mut reader = BufReader::new(connection);
    while let Some(request) = Request::read(&mut reader) {
        let reply = match request.service.as_str() {
            "" => control(&request.operation, state),
            _ => call(&request, state),
        };
        if writer.write_all(&reply).is_err() {
            return;
        }
    }
}

fn call(request: &Request, state: &Mutex<State>) -> Vec<u8> {
    let arrived = Instant::now();
    let protocol = protocol(&request.service);
    let (status, body, throttled, latency) = {
        let mut state = lock(state);
        let (service, region) = (request.service.as_str(), request.region.as_str());
        let latency = state.pace.regions.get(region).copied();
        let latency = latency.unwrap_or(state.pace.latency);
        if state.pace.limits && !state.buckets.take(service, region, &request.operation) {
            let code = limits::refusal(service);
            let body = document::error(protocol, code, "Rate exceeded");
            (
                if protocol == Protocol::Ec2 { 503 } else { 400 },
                body,
                true,
                latency,
            )
        } else {
            state.changed |= !super::reads(&request.operation);
            match super::answer(&mut state.account, request) {
                Ok(document) => (200, document.finish(&request.operation), false, latency),
                Err(refusal) => {
                    let body = document::error(protocol, refusal.code, &refusal.message);
                    (400, body, false, latency)
                }
            }
        }
    };
    let content_type = match protocol {
        Protocol::Json => "application/x-amz-json-1.1",
        Protocol::Query | Protocol::Ec2 => "text/xml",
    };
    let reply = http(status, content_type, &body);
    thread::sleep((arrived + latency).saturating_duration_since(Instant::now()));
    let call = Call {
        name: format!("{}:{}", request.service, request.operation),
        arrived,
        // The few microseconds of the write itself are the client's to wait for.
        replied: Instant::now(),
        throttled,
    };
    lock(state).calls.0.push(call);
    reply
}

/// `/calls` says what came since the last reset, `/reset` begins anew.
fn control(path: &str, state: &Mutex<State>) -> Vec<u8> {
    let mut state = lock(state);
    match path {
        "/calls" => {
            let (total, throttled) = (state.calls.count(), state.calls.throttled());
            let said = json!({"total": total, "throttled": throttled, "operations": state.calls.by_operation()});
            http(200, "application/json", &said.to_string())
        }
        "/reset" => {
            *state = State::new(state.sizes.clone(), state.pace.clone());
            http(200, "application/json", "{}")
        }
        _ => http(404, "text/plain", "either /calls or /reset"),
    }
}

fn http(status: u16, content_type: &str, body: &str) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 {status} Bench\r\ncontent-type: {content_type}\r\ncontent-length: {}\r\n\
         x-amzn-requestid: 7a1b2c3d-0000-4000-8000-5e6f7a8b9c0d\r\n\r\n",
        body.len()
    );
    let mut reply = Vec::with_capacity(head.len() + body.len());
    reply.extend_from_slice(head.as_bytes());
    reply.extend_from_slice(body.as_bytes());
    reply
}
