//! The faults: what happens to a call, and what is promised then.

use std::fmt;

use iasql_tests::proxy::{Action, Alteration, Call, Reply};
use iasql_tests::{Edit, Service};

/// What happens to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    Throttled,
    InternalError,
    InternalErrorAfterwards,
    ReplyLost,
    ResetMidBody,
    Malformed,
    Denied,
    NotFoundForAWhile,
    InUseForAWhile,
    SecondPageFails,
}

use Fault::*;

/// The faults of calls that change the cloud.
pub const WRITING: [Fault; 9] = [
    Throttled,
    InternalError,
    InternalErrorAfterwards,
    ReplyLost,
    ResetMidBody,
    Malformed,
    Denied,
    NotFoundForAWhile,
    InUseForAWhile,
];

/// The faults of calls that read.
pub const READING: [Fault; 6] = [
    Throttled,
    InternalError,
    ResetMidBody,
    Malformed,
    Denied,
    SecondPageFails,
];

/// What is promised of an apply that meets a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Promise {
    /// It succeeds.
    Overcome,
    /// It fails and says why.
    Told,
    /// The one or the other.
    Either,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Throttled => "throttled",
            InternalError => "500, not executed",
            InternalErrorAfterwards => "500, executed",
            ReplyLost => "executed, reply lost",
            ResetMidBody => "executed, reset mid-body",
            Malformed => "executed, malformed body",
            Denied => "access denied",
            NotFoundForAWhile => "not found for a while",
            InUseForAWhile => "dependency violation for a while",
            SecondPageFails => "second page fails",
        })
    }
}

impl Fault {
    /// What is promised when this call of an edit's meets it.
    pub fn promise(self, edit: Edit, call: &str) -> Promise {
        let is_delete = edit == Edit::Delete && call.contains(":Delete");
        let takes_away = [":Detach", ":Revoke"]
            .iter()
            .any(|verb| call.contains(verb));
        // A role's policies and a repository's images do not go by themselves.
        let waits = !["ecr:", "iam:", "ecs:DeleteService"]
            .iter()
            .any(|refusing| call.starts_with(refusing));
        match self {
            Throttled
            | InternalError
            | InternalErrorAfterwards
            | ReplyLost
            | ResetMidBody
            | Malformed => Promise::Overcome,
            NotFoundForAWhile if is_delete || takes_away => Promise::Overcome,
            InUseForAWhile if is_delete && waits => Promise::Overcome,
            Denied => Promise::Told,
            // Not every call is known to be answered so.
            NotFoundForAWhile | InUseForAWhile => Promise::Either,
            // Not every list has pages.
            SecondPageFails => Promise::Either,
        }
    }

    /// What is done to the call, and to those of its name that come after it.
    pub fn action(self, call: &Call, late_by: usize) -> Action {
        let first = |times: usize, action: Action| match late_by < times {
            true => action,
            false => Action::Forward,
        };
        match self {
            Throttled => first(2, Action::Reply(Reply::throttle(call))),
            InternalError => first(1, Action::Reply(Reply::internal_error(call))),
            InternalErrorAfterwards => {
                let error = Reply::internal_error(call);
                first(1, Action::Alter(Alteration::new(move |_| error.clone())))
            }
            ReplyLost => first(1, Action::LoseReply),
            ResetMidBody => first(1, Action::ResetMidBody),
            Malformed => first(1, Action::Alter(Alteration::new(malformed))),
            Denied => Action::Reply(Reply::access_denied(call)),
            NotFoundForAWhile => first(2, Action::Reply(not_found(call))),
            InUseForAWhile => first(2, Action::Reply(in_use(call))),
            SecondPageFails => second_page_fails(call),
        }
    }
}

fn malformed(reply: Reply) -> Reply {
    Reply {
        body: b"<html>{\"half\": ".to_vec(),
        ..reply
    }
}

/// What AWS answers when something that was made moments ago is not known everywhere yet.
fn not_found(call: &Call) -> Reply {
    let operation = call.operation();
    let code = match call.service {
        Some(Service::Ec2) if operation.ends_with("Vpc") => "InvalidVpcID.NotFound",
        Some(Service::Ec2) if operation.contains("Subnet") && !operation.starts_with("Create") => {
            "InvalidSubnetID.NotFound"
        }
        Some(Service::Ec2) if operation.starts_with("Create") => "InvalidVpcID.NotFound",
        Some(Service::Ec2) => "InvalidGroup.NotFound",
        Some(Service::Elbv2) if operation.contains("TargetGroup") => "TargetGroupNotFound",
        Some(Service::Elbv2) if operation == "CreateListener" => "TargetGroupNotFound",
        Some(Service::Elbv2) if operation.contains("Listener") => "ListenerNotFound",
        Some(Service::Elbv2) if operation == "CreateLoadBalancer" => "InvalidSecurityGroup",
        Some(Service::Elbv2) => "LoadBalancerNotFound",
        Some(Service::Iam) => "NoSuchEntity",
        Some(Service::Logs) => "ResourceNotFoundException",
        Some(Service::Ecr) if operation == "DeleteRepositoryPolicy" => {
            "RepositoryPolicyNotFoundException"
        }
        Some(Service::Ecr) => "RepositoryNotFoundException",
        Some(Service::Ecs) if operation.ends_with("TaskDefinition") => {
            return Reply::error(call, 400, "ClientException", "Role is not valid");
        }
        Some(Service::Ecs) if operation.ends_with("Cluster") => "ClusterNotFoundException",
        _ => "ServiceNotFoundException",
    };
    Reply::error(call, 400, code, "It does not exist")
}

/// What AWS answers while something still uses what is to go.
fn in_use(call: &Call) -> Reply {
    let code = match call.service {
        Some(Service::Ec2) => "DependencyViolation",
        Some(Service::Elbv2) => "ResourceInUse",
        Some(Service::Iam) => "DeleteConflict",
        Some(Service::Logs) => "OperationAbortedException",
        Some(Service::Ecs) => "ClusterContainsServicesException",
        _ => "RepositoryNotEmptyException",
    };
    Reply::error(call, 400, code, "Something uses it")
}

/// The first page says that there is a second one, which fails. Where a service says this, its own names are put in.
fn second_page_fails(call: &Call) -> Action {
    let asks_for_it = ["NextToken", "nextToken", "Marker", "PaginationToken"]
        .iter()
        .any(|name| call.parameter(name).is_some_and(|it| it == "page-2"));
    if asks_for_it {
        let error = Reply::error(call, 400, "ValidationError", "no second page");
        return Action::Reply(error);
    }
    let (end, more) = match call.service {
        Some(Service::Ec2) => ("</Describe", "<nextToken>page-2</nextToken>"),
        // In the forms of ELB and IAM the page is inside `…Result`.
        Some(Service::Elbv2) => ("Result>", "<NextMarker>page-2</NextMarker>"),
        Some(Service::Iam) => (
            "Result>",
            "<IsTruncated>true</IsTruncated><Marker>page-2</Marker>",
        ),
        Some(Service::Tagging) => ("}", ",\"PaginationToken\": \"page-2\""),
        _ => ("}", ",\"nextToken\": \"page-2\""),
    };
    Action::Alter(Alteration::new(move |reply| {
        let text = String::from_utf8_lossy(&reply.body).into_owned();
        let place = text.rfind(end).and_then(|at| text[..=at].rfind(['<', '}']));
        let body = match place {
            Some(at) => [&text[..at], more, &text[at..]].concat(),
            None => text,
        };
        Reply {
            body: body.into_bytes(),
            ..reply
        }
    }))
}
