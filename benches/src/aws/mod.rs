//! The load generator: plays AWS for a synthetic account, fast.
//!
//! It answers the calls that the tables use with what AWS would say of an account of so many objects: in pages, in
//! AWS's own formats, after a latency, refusing what exceeds AWS's request limits if they are switched on. What calls
//! make, change and delete shows in later answers. It checks little of what it is sent: it is a fixture, no emulator.

mod account;
mod collection;
mod document;
mod ec2;
mod ecr;
mod ecs;
mod elb;
mod iam;
pub mod limits;
mod logs;
mod meter;
mod request;
mod server;
mod tagging;

pub use account::{HOME, Kind, Sizes};
pub use meter::Calls;
pub use server::{LoadGenerator, Pace};

use document::Document;
use request::Request;

/// What a call is answered with.
type Answer = Result<Document, Refusal>;

/// An error answer.
#[derive(Debug)]
struct Refusal {
    code: &'static str,
    message: String,
}

impl Refusal {
    fn new(code: &'static str, message: String) -> Self {
        Self { code, message }
    }

    /// A call that no table makes.
    fn unknown(request: &Request) -> Self {
        let Request {
            service, operation, ..
        } = request;
        Self::new("InvalidAction", format!("{service}:{operation}"))
    }
}

/// Whether an operation only reads.
pub fn reads(operation: &str) -> bool {
    let verbs = ["Describe", "List", "Get"];
    verbs.iter().any(|verb| operation.starts_with(verb))
}

fn answer(account: &mut account::Account, request: &Request) -> Answer {
    match request.service.as_str() {
        "ec2" => ec2::answer(account, request),
        "iam" => iam::answer(account, request),
        "sts" => iam::identity(request),
        "logs" => logs::answer(account, request),
        "ecr" | "ecr-public" => ecr::answer(account, request),
        "elasticloadbalancing" => elb::answer(account, request),
        "ecs" => ecs::answer(account, request),
        "tagging" => tagging::answer(account, request),
        _ => Err(Refusal::unknown(request)),
    }
}
