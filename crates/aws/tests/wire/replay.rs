//! A server that plays AWS by a script.
//!
//! The script lists the calls that a test expects, in their order, and the reply to each. A call that was not
//! expected and an expectation that was not met fail the test.

use crate::format::{Format, REQUEST_ID};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value as Json, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

/// Stands for whatever the SDK makes up, such as a client token, in an expected request.
pub const ANYTHING: &str = "*";

/// A call as it arrived.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// The region and the service that the request is signed for.
    pub signed_for: (String, String),
    /// AWS's name of the operation.
    pub operation: String,
    /// The parameters. Those of the query protocol (EC2, IAM, ELB, STS) are a flat object of strings.
    pub parameters: Json,
}

/// The reply to a call.
#[derive(Debug, Clone)]
enum Reply {
    Json(Json),
    Xml(String),
    Error {
        status: u16,
        code: &'static str,
        message: &'static str,
    },
    Html(u16),
    Lost,
}

/// An expected call, still without its reply.
pub struct Expected {
    operation: &'static str,
    parameters: Json,
}

/// An expected call and its reply.
#[derive(Debug, Clone)]
pub struct Call {
    operation: &'static str,
    parameters: Json,
    reply: Reply,
    service: Option<&'static str>,
    beside: bool,
    certain: bool,
}

/// Expects a call with exactly these parameters.
pub fn call(operation: &'static str, parameters: Json) -> Expected {
    Expected {
        operation,
        parameters,
    }
}

impl Expected {
    /// Answers with a JSON document.
    pub fn json(self, body: Json) -> Call {
        self.reply(Reply::Json(body))
    }

    /// Answers with XML: what stands inside of the `…Result` element, or of EC2's `…Response` element.
    pub fn xml(self, inner: &str) -> Call {
        self.reply(Reply::Xml(inner.to_owned()))
    }

    /// Answers with an error.
    pub fn error(self, status: u16, code: &'static str, message: &'static str) -> Call {
        self.reply(Reply::Error {
            status,
            code,
            message,
        })
    }

    /// Answers with a page that is none of AWS's, as a proxy or another server does.
    pub fn html(self, status: u16) -> Call {
        self.reply(Reply::Html(status))
    }

    /// Takes the request and closes the connection without an answer.
    pub fn lost(self) -> Call {
        self.reply(Reply::Lost)
    }

    fn reply(self, reply: Reply) -> Call {
        Call {
            operation: self.operation,
            parameters: self.parameters,
            reply,
            service: None,
            beside: false,
            certain: true,
        }
    }
}

impl Call {
    /// The call runs beside the one before it in the script: either may arrive first.
    pub fn beside(mut self) -> Call {
        self.beside = true;
        self
    }

    /// The call is one to this service: two services have operations of this name.
    pub fn of(mut self, service: &'static str) -> Call {
        self.service = Some(service);
        self
    }

    /// The call may not come: one beside it fails, which ends the whole.
    pub fn perhaps(mut self) -> Call {
        self.certain = false;
        self
    }

    fn answers(&self, request: &Request) -> bool {
        self.operation == request.operation
            && self
                .service
                .is_none_or(|service| service == request.signed_for.1)
            && fits(&self.parameters, &request.parameters)
    }
}

fn fits(expected: &Json, actual: &Json) -> bool {
    match (expected, actual) {
        (Json::String(expected), Json::String(_)) if expected == ANYTHING => true,
        (Json::Object(expected), Json::Object(actual)) => {
            expected.len() == actual.len()
                && expected
                    .iter()
                    .all(|(key, value)| actual.get(key).is_some_and(|other| fits(value, other)))
        }
        (Json::Array(expected), Json::Array(actual)) => {
            expected.len() == actual.len()
                && expected
                    .iter()
                    .zip(actual)
                    .all(|(value, other)| fits(value, other))
        }
        _ => expected == actual,
    }
}

#[derive(Default)]
struct Stage {
    script: Vec<Call>,
    arrived: Vec<Request>,
    complaints: Vec<String>,
    over: bool,
}

impl Stage {
    fn answer(&mut self, request: Request) -> Reply {
        // Candidates: the next call of the script and those beside it.
        let turn = 1 + self
            .script
            .iter()
            .skip(1)
            .take_while(|call| call.beside)
            .count();
        let found = self
            .script
            .iter()
            .take(turn)
            .position(|call| call.answers(&request));
        let reply = match found {
            Some(position) => {
                let call = self.script.remove(position);
                // What stood beside the one that is served now waits for nothing that is already over.
                if position == 0
                    && let Some(next) = self.script.first_mut()
                {
                    next.beside = false;
                }
                call.reply
            }
            None => {
                self.complaints.push(format!(
                    "not expected: {} {}\nexpected: {}",
                    request.operation,
                    request.parameters,
                    self.script.first().map_or("nothing".to_owned(), |call| {
                        format!("{} {}", call.operation, call.parameters)
                    }),
                ));
                Reply::Error {
                    status: 400,
                    code: "NotInTheScript",
                    message: "the test does not expect this call",
                }
            }
        };
        self.arrived.push(request);
        reply
    }
}

/// The server. When it is dropped it fails the test if calls came that were not expected, or did not come that were.
pub struct Replay {
    address: SocketAddr,
    stage: Arc<Mutex<Stage>>,
    server: Option<JoinHandle<()>>,
}

impl Replay {
    /// Starts a server that plays this script.
    pub fn new(script: impl IntoIterator<Item = Call>) -> Replay {
        let stage = Arc::new(Mutex::new(Stage {
            script: script.into_iter().collect(),
            ..Stage::default()
        }));
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::clone(&stage);
        let server = thread::spawn(move || {
            for connection in listener.incoming() {
                if lock(&shared).over {
                    return;
                }
                let shared = Arc::clone(&shared);
                // A client may open a connection that it then does not use, so each has its own thread.
                thread::spawn(move || serve(connection.expect("a connection"), &shared));
            }
        });
        Replay {
            address,
            stage,
            server: Some(server),
        }
    }

    /// Where it listens.
    pub fn endpoint_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The requests that came, in their order.
    pub fn requests(&self) -> Vec<Request> {
        lock(&self.stage).arrived.clone()
    }
}

impl Drop for Replay {
    fn drop(&mut self) {
        let complaints = {
            let mut stage = lock(&self.stage);
            stage.over = true;
            std::mem::take(&mut stage.complaints)
                .into_iter()
                .chain(stage.script.iter().filter(|call| call.certain).map(|call| {
                    format!(
                        "expected, but did not come: {} {}",
                        call.operation, call.parameters
                    )
                }))
                .collect::<Vec<_>>()
        };
        // Wakes the server up, so that it sees that the play is over.
        let _ = TcpStream::connect(self.address);
        let server = self.server.take().map(JoinHandle::join);
        if !thread::panicking() {
            assert!(matches!(server, Some(Ok(()))), "the server broke");
            assert!(complaints.is_empty(), "{}", complaints.join("\n"));
        } else if !complaints.is_empty() {
            eprintln!("{}", complaints.join("\n"));
        }
    }
}

fn lock(stage: &Mutex<Stage>) -> MutexGuard<'_, Stage> {
    stage.lock().unwrap_or_else(PoisonError::into_inner)
}

fn serve(connection: TcpStream, stage: &Mutex<Stage>) {
    let mut reader = BufReader::new(connection);
    let Some(request) = read(&mut reader) else {
        return;
    };
    let format = Format::of(&request.signed_for.1);
    let operation = request.operation.clone();
    let reply = lock(stage).answer(request);
    let (status, body) = match reply {
        Reply::Json(body) => (200, body.to_string()),
        Reply::Xml(inner) => (200, format.envelope(&operation, &inner)),
        Reply::Error {
            status,
            code,
            message,
        } => (status, format.error(code, message)),
        Reply::Html(status) => (status, "<!doctype html><h1>Not AWS</h1>".to_owned()),
        Reply::Lost => return,
    };
    let head = format!(
        "HTTP/1.1 {status} Replayed\r\ncontent-type: {}\r\ncontent-length: {}\r\nx-amzn-requestid: {REQUEST_ID}\r\n\
         connection: close\r\n\r\n",
        format.content_type(),
        body.len(),
    );
    // A client that has gone is the test's own doing.
    let _ = reader
        .into_inner()
        .write_all(format!("{head}{body}").as_bytes());
}

/// Reads one request; None where the client sent none.
fn read(reader: &mut BufReader<TcpStream>) -> Option<Request> {
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        match line.trim_end() {
            "" if headers.is_empty() => return None,
            "" => break,
            header => headers.push(header.to_owned()),
        }
    }
    let header = |name: &str| {
        headers.iter().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    };
    let mut body = vec![0; header("content-length")?.parse().ok()?];
    reader.read_exact(&mut body).ok()?;
    let body = String::from_utf8(body).ok()?;

    // AWS4-HMAC-SHA256 Credential=<key>/<date>/<region>/<service>/aws4_request, …
    let mut scope = header("authorization")?.split('/').skip(2);
    let signed_for = (scope.next()?.to_owned(), scope.next()?.to_owned());
    let (operation, parameters) = match header("x-amz-target") {
        Some(target) => {
            let operation = target.rsplit('.').next()?.to_owned();
            (operation, serde_json::from_str(&body).ok()?)
        }
        None => query(&body)?,
    };
    Some(Request {
        signed_for,
        operation,
        parameters,
    })
}

fn query(body: &str) -> Option<(String, Json)> {
    let mut parameters = Map::new();
    for pair in body.split('&') {
        let (key, value) = pair.split_once('=')?;
        let decode = |text: &str| {
            let text = text.replace('+', " ");
            percent_decode_str(&text).decode_utf8_lossy().into_owned()
        };
        parameters.insert(decode(key), json!(decode(value)));
    }
    parameters.remove("Version");
    let operation = parameters.remove("Action")?.as_str()?.to_owned();
    Some((operation, Json::Object(parameters)))
}

mod tests {
    use super::call;
    use crate::account::Account;
    use iasql_aws::logs::log_group::LogGroup;
    use serde_json::json;

    #[test]
    #[should_panic(expected = "expected, but did not come: DescribeLogGroups")]
    fn a_call_that_does_not_come_fails_the_test() {
        Account::new([call("DescribeLogGroups", json!({})).json(json!({}))]);
    }

    #[test]
    #[should_panic(expected = "not expected: DescribeLogGroups {\"limit\":50}")]
    fn a_call_that_is_not_expected_fails_the_test() {
        let aws = Account::new([]);
        assert!(aws.list(&LogGroup).is_err());
    }

    #[test]
    #[should_panic(expected = "not expected: DescribeLogGroups")]
    fn a_parameter_too_many_fails_the_test() {
        let aws = Account::new([call("DescribeLogGroups", json!({})).json(json!({}))]);
        assert!(aws.list(&LogGroup).is_err());
    }
}
