//! `role` on the wire.

use crate::account::{Account, Step};
use crate::replay::{Call, call};
use iasql_aws::error::{AwsError, Class};
use iasql_aws::iam::role::{ROLE, Role};
use iasql_engine::object::Owner;
use iasql_engine::{Object, Row, Value};
use serde_json::{Value as Json, json};

pub const EXECUTION: &str = "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy";
pub const READ_ONLY: &str = "arn:aws:iam::aws:policy/ReadOnlyAccess";

/// The trust policy of the tests, as a row holds it and as IAM answers with it.
pub fn trust() -> Json {
    json!({
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"},
                       "Action": "sts:AssumeRole", "Sid": "50% é"}],
    })
}
const ENCODED: &str = "%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%7B%22Effect%22%3A%22Allow%22%2C\
    %22Principal%22%3A%7B%22Service%22%3A%22ecs-tasks.amazonaws.com%22%7D%2C%22Action%22%3A%22sts%3AAssumeRole%22%2C\
    %22Sid%22%3A%2250%25%20%C3%A9%22%7D%5D%7D";

/// What ListRoles, GetRole and CreateRole answer with.
pub fn role(name: &str, path: &str, more: &str) -> String {
    format!(
        "<Path>{path}</Path><RoleName>{name}</RoleName><RoleId>AROA{name}</RoleId>\
         <Arn>arn:aws:iam::123456789012:role{path}{name}</Arn><CreateDate>2024-01-01T00:00:00Z</CreateDate>\
         <AssumeRolePolicyDocument>{ENCODED}</AssumeRolePolicyDocument>{more}"
    )
}

pub fn policies(arns: &[&str]) -> String {
    arns.iter()
        .map(|arn| format!("<member><PolicyArn>{arn}</PolicyArn></member>"))
        .collect()
}

pub fn roles(marker: Option<&str>, next: Option<&str>, members: &[String]) -> Call {
    let members: String = members
        .iter()
        .map(|role| format!("<member>{role}</member>"))
        .collect();
    call("ListRoles", page(json!({"MaxItems": "1000"}), marker))
        .xml(&format!("<Roles>{members}</Roles>{}", more(next)))
}

fn details(marker: Option<&str>, next: Option<&str>, roles: &[(&str, &[&str])]) -> Call {
    let roles: String = roles
        .iter()
        .map(|(name, attached)| {
            format!(
                "<member><RoleName>{name}</RoleName><Tags><member><Key>of</Key><Value>{name}</Value></member></Tags>\
                 <AttachedManagedPolicies>{}</AttachedManagedPolicies></member>",
                policies(attached)
            )
        })
        .collect();
    let request = json!({"MaxItems": "1000", "Filter.member.1": "Role"});
    call("GetAccountAuthorizationDetails", page(request, marker)).xml(&format!(
        "<RoleDetailList>{roles}</RoleDetailList>{}",
        more(next)
    ))
}

fn page(mut request: Json, marker: Option<&str>) -> Json {
    if let Some(marker) = marker {
        request["Marker"] = json!(marker);
    }
    request
}

/// IAM sends a marker that means nothing along with `false`, as its answers sometimes do.
pub fn more(next: Option<&str>) -> String {
    format!(
        "<IsTruncated>{}</IsTruncated><Marker>{}</Marker>",
        next.is_some(),
        next.unwrap_or("stale"),
    )
}

pub fn row(name: &str) -> Row {
    Row::new(&ROLE)
        .with("role_name", name)
        .with("assume_role_policy_document", trust())
        .with("tags", json!({}))
}

pub fn object(name: &str, attached: &[&str]) -> Object {
    let attached: Vec<String> = attached.iter().map(|arn| (*arn).to_owned()).collect();
    let row = row(name)
        .with("description", "before")
        .with("max_session_duration", 7200)
        .with("attached_policies_arns", attached);
    Object::new(&"".into(), name, row)
}

/// An update of role `a` after which it has no policies.
pub fn take_its_policy_away(aws: &Account) -> Step<Result<(), AwsError>> {
    let attached = object("a", &[EXECUTION]);
    aws.update(&Role, &attached, &row("a"), &["attached_policies_arns"])
}

pub fn done(operation: &'static str, request: Json) -> Call {
    call(operation, request).xml("")
}

#[test]
fn the_list_joins_all_pages_of_two_calls() {
    let slr = "/aws-service-role/ecs.amazonaws.com/";
    let aws = Account::new([
        details(None, Some("d1"), &[("a", &[EXECUTION])]),
        roles(
            None,
            Some("r1"),
            &[
                role(
                    "a",
                    "/",
                    "<Description>one</Description><MaxSessionDuration>7200</MaxSessionDuration>",
                ),
                role("gone", "/", ""),
            ],
        )
        .beside(),
        details(Some("d1"), Some("d2"), &[]).beside(),
        roles(
            Some("r1"),
            None,
            &[role(
                "b",
                slr,
                "<MaxSessionDuration>3600</MaxSessionDuration>",
            )],
        )
        .beside(),
        details(Some("d2"), None, &[("b", &[]), ("new", &[])]).beside(),
    ]);
    let roles = aws.list(&Role).unwrap();
    let names: Vec<&str> = roles.iter().map(|role| role.id.as_str()).collect();
    assert_eq!(
        names,
        ["a", "b"],
        "what only one of the calls shows comes or goes just now"
    );
    let a = &roles[0].row;
    assert_eq!(a.text("arn"), Some("arn:aws:iam::123456789012:role/a"));
    assert_eq!(a.json("assume_role_policy_document"), Some(trust()));
    assert_eq!(a.text("description"), Some("one"));
    assert_eq!(a.int("max_session_duration"), Some(7200));
    assert_eq!(a.list("attached_policies_arns"), [EXECUTION]);
    assert_eq!(a.json("tags"), Some(json!({"of": "a"})));
    assert_eq!(roles[0].owner, Owner::User);
    assert_eq!(roles[0].region.as_str(), "");
    let b = &roles[1].row;
    assert_eq!(b.text("description"), Some(""));
    assert_eq!(
        b.get("attached_policies_arns"),
        &Value::List(Box::default())
    );
    assert_eq!(b.text("path"), Some(slr));
    assert_eq!(roles[1].owner, Owner::Account);
    for request in aws.requests() {
        assert_eq!(request.signed_for.1, "iam");
    }
}

#[test]
fn a_page_that_is_refused_fails_the_whole_list() {
    let aws = Account::new([
        roles(None, Some("1"), &[role("a", "/", "")]),
        details(None, None, &[("a", &[])]).beside().perhaps(),
        call("ListRoles", json!({"MaxItems": "1000", "Marker": "1"}))
            .error(
                403,
                "AccessDenied",
                "User: ana is not authorized to perform: iam:ListRoles",
            )
            .beside(),
    ]);
    assert_eq!(aws.list(&Role).unwrap_err().class, Class::Denied);
}

#[test]
fn a_role_whose_trust_policy_is_no_json_is_left_out_and_noted() {
    let odd = role("odd", "/", "").replace(ENCODED, "%7B");
    let aws = Account::new([
        details(None, None, &[("odd", &[]), ("a", &[])]),
        roles(None, None, &[odd, role("a", "/", "")]).beside(),
    ]);
    let reader = aws.reader(&Role);
    let roles = aws.run(reader.objects(&Role)).unwrap();
    assert_eq!(roles.len(), 1);
    assert_eq!(roles[0].id.as_str(), "a");
    let unsaid = reader.unsaid();
    assert_eq!(unsaid.len(), 1);
    assert_eq!(unsaid[0].object.id.as_str(), "odd");
}

#[test]
fn describe_reads_the_role_and_its_policies() {
    let tags = "<Tags><member><Key>team</Key><Value>x</Value></member></Tags>";
    let attached = |request: Json| call("ListAttachedRolePolicies", request);
    let aws = Account::new([
        call("GetRole", json!({"RoleName": "a"}))
            .xml(&format!("<Role>{}</Role>", role("a", "/", tags))),
        attached(json!({"RoleName": "a", "MaxItems": "1000"})).xml(&format!(
            "<AttachedPolicies>{}</AttachedPolicies>{}",
            policies(&[EXECUTION]),
            more(Some("1"))
        )),
        attached(json!({"RoleName": "a", "MaxItems": "1000", "Marker": "1"})).xml(&format!(
            "<AttachedPolicies>{}</AttachedPolicies>{}",
            policies(&[READ_ONLY]),
            more(None)
        )),
    ]);
    let role = aws.describe(&Role, "a").unwrap().unwrap();
    assert_eq!(
        role.row.list("attached_policies_arns"),
        [EXECUTION, READ_ONLY]
    );
    assert_eq!(role.row.json("tags"), Some(json!({"team": "x"})));
}

#[test]
fn a_role_that_is_gone_is_none() {
    let aws = Account::new([call("GetRole", json!({"RoleName": "a"})).error(
        404,
        "NoSuchEntity",
        "The role with name a cannot be found.",
    )]);
    assert_eq!(aws.describe(&Role, "a").unwrap(), None);
}

#[test]
fn create_sends_everything_and_attaches_the_policies() {
    let aws = Account::new([
        call(
            "CreateRole",
            json!({
                "RoleName": "a",
                "AssumeRolePolicyDocument": trust().to_string(),
                "Description": "says & means",
                "Path": "/team/",
                "MaxSessionDuration": "7200",
                "Tags.member.1.Key": "team",
                "Tags.member.1.Value": "x",
            }),
        )
        .xml(&format!("<Role>{}</Role>", role("a", "/team/", ""))),
        done(
            "AttachRolePolicy",
            json!({"RoleName": "a", "PolicyArn": EXECUTION}),
        ),
        done(
            "AttachRolePolicy",
            json!({"RoleName": "a", "PolicyArn": READ_ONLY}),
        ),
    ]);
    let row = row("a")
        .with("description", "says & means")
        .with("path", "/team/")
        .with("max_session_duration", 7200)
        .with(
            "attached_policies_arns",
            vec![EXECUTION.to_owned(), READ_ONLY.to_owned()],
        )
        .with("tags", json!({"team": "x"}));
    let step = aws.create(&Role, &row);
    let made = step.result.unwrap();
    assert_eq!(
        made.row,
        row.with("arn", "arn:aws:iam::123456789012:role/team/a")
    );
    assert_eq!(step.made, ["a".into()]);
}

#[test]
fn create_reads_back_what_aws_chose() {
    let aws = Account::new([call(
        "CreateRole",
        json!({"RoleName": "a", "AssumeRolePolicyDocument": trust().to_string()}),
    )
    .xml(&format!("<Role>{}</Role>", role("a", "/", "")))]);
    let made = aws.create(&Role, &row("a")).result.unwrap();
    assert_eq!(made.row.text("path"), Some("/"));
    assert_eq!(made.row.text("description"), Some(""));
    assert_eq!(made.row.int("max_session_duration"), Some(3600));
}

#[test]
fn create_waits_for_a_principal_that_was_made_moments_ago() {
    let create = || {
        call(
            "CreateRole",
            json!({"RoleName": "a", "AssumeRolePolicyDocument": trust().to_string()}),
        )
    };
    let aws = Account::new([
        create().error(
            400,
            "MalformedPolicyDocument",
            "Invalid principal in policy: \"AWS\":\"arn:aws:iam::123456789012:role/new\"",
        ),
        create().xml(&format!("<Role>{}</Role>", role("a", "/", ""))),
    ]);
    let step = aws.create(&Role, &row("a"));
    step.result.unwrap();
    assert_eq!(step.waited.len(), 1);
}

#[test]
fn create_waits_until_the_role_is_known_to_what_attaches_its_policies() {
    let attach = |policy| {
        call(
            "AttachRolePolicy",
            json!({"RoleName": "a", "PolicyArn": policy}),
        )
    };
    let aws = Account::new([
        call(
            "CreateRole",
            json!({"RoleName": "a", "AssumeRolePolicyDocument": trust().to_string()}),
        )
        .xml(&format!("<Role>{}</Role>", role("a", "/", ""))),
        attach(READ_ONLY).error(404, "NoSuchEntity", "The role with name a cannot be found."),
        attach(READ_ONLY).xml(""),
    ]);
    let row = row("a").with("attached_policies_arns", vec![READ_ONLY.to_owned()]);
    let step = aws.create(&Role, &row);
    step.result.unwrap();
    assert_eq!(step.waited.len(), 1);
}

#[test]
fn a_policy_that_is_wrong_is_not_waited_for() {
    let aws = Account::new([call(
        "CreateRole",
        json!({"RoleName": "a", "AssumeRolePolicyDocument": trust().to_string()}),
    )
    .error(400, "MalformedPolicyDocument", "Syntax errors in policy.")]);
    let error = aws.create(&Role, &row("a")).result.unwrap_err();
    assert_eq!(
        error.to_string(),
        "iam:CreateRole: MalformedPolicyDocument: Syntax errors in policy."
    );
}

#[test]
fn an_update_sends_what_changed() {
    let aws = Account::new([
        done(
            "UpdateAssumeRolePolicy",
            json!({"RoleName": "a", "PolicyDocument": trust().to_string()}),
        ),
        done(
            "UpdateRole",
            json!({"RoleName": "a", "Description": "after", "MaxSessionDuration": "7200"}),
        ),
        done(
            "AttachRolePolicy",
            json!({"RoleName": "a", "PolicyArn": READ_ONLY}),
        ),
        done(
            "DetachRolePolicy",
            json!({"RoleName": "a", "PolicyArn": EXECUTION}),
        ),
        done(
            "TagRole",
            json!({"RoleName": "a", "Tags.member.1.Key": "new", "Tags.member.1.Value": "1"}),
        ),
        done(
            "UntagRole",
            json!({"RoleName": "a", "TagKeys.member.1": "old"}),
        ),
    ]);
    let mut before = object("a", &[EXECUTION]);
    before.row.set("tags", json!({"old": "1"}));
    let after = row("a")
        .with("description", "after")
        .with("attached_policies_arns", vec![READ_ONLY.to_owned()])
        .with("tags", json!({"new": "1"}));
    let all = [
        "assume_role_policy_document",
        "description",
        "attached_policies_arns",
        "tags",
    ];
    aws.update(&Role, &before, &after, &all).result.unwrap();
}

#[test]
fn an_update_of_the_session_keeps_the_description() {
    let aws = Account::new([done(
        "UpdateRole",
        json!({"RoleName": "a", "Description": "before", "MaxSessionDuration": "3600"}),
    )]);
    let after = row("a").with("max_session_duration", 3600);
    let step = aws.update(&Role, &object("a", &[]), &after, &["max_session_duration"]);
    step.result.unwrap();
}

#[test]
fn null_detaches_all_policies() {
    let aws = Account::new([done(
        "DetachRolePolicy",
        json!({"RoleName": "a", "PolicyArn": EXECUTION}),
    )]);
    let step = take_its_policy_away(&aws);
    step.result.unwrap();
}

#[test]
fn no_policies_may_be_said_by_null_or_by_an_empty_list() {
    let align = ROLE.align.unwrap();
    let mut object = object("a", &[]).row;
    align(&mut object, &row("a"));
    assert_eq!(object.get("attached_policies_arns"), &Value::Null);
    align(
        &mut object,
        &row("a").with("attached_policies_arns", Vec::<String>::new()),
    );
    assert_eq!(
        object.get("attached_policies_arns"),
        &Value::List(Box::default())
    );
    let wanted = row("a").with("attached_policies_arns", vec![EXECUTION.to_owned()]);
    align(&mut object, &wanted);
    assert_eq!(
        object.get("attached_policies_arns"),
        &Value::List(Box::default())
    );
}
