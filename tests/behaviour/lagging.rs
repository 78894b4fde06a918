//! Lists of AWS lag behind: what was made moments ago does not show in them.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use iasql_tests::proxy::{Action, Alteration, Call, Reply};
use iasql_tests::{Error, Fixture, Result, Service, Session, elements};

use crate::{apply, assert_one_says, assert_settled, notices, writing_calls};

/// How long the list lags in these tests.
const LAG: Duration = Duration::from_secs(3);

const VPC: &str = "INSERT INTO vpc (cidr_block) VALUES ('10.9.0.0/16')";

/// The list of VPCs as it is now.
fn list(fixture: &Fixture, session: &mut Session) -> Result<Reply> {
    let list: Arc<Mutex<Option<Reply>>> = Arc::default();
    let kept = Arc::clone(&list);
    fixture.proxy().set_rule(move |call| {
        if call.name != "ec2:DescribeVpcs" {
            return Action::Forward;
        }
        let kept = Arc::clone(&kept);
        Action::Alter(Alteration::new(move |reply| {
            *kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(reply.clone());
            reply
        }))
    });
    session.query("SELECT iasql_plan_sync()")?;
    let reply = list.lock().unwrap_or_else(PoisonError::into_inner).take();
    reply.ok_or_else(|| Error::Broken {
        promise: "VPCs were not listed".to_owned(),
    })
}

/// From now on, until the time has passed, VPCs are as in this list, and others are not known.
fn lag(fixture: &Fixture, list: &Reply, on_create: Action) {
    let (list, started) = (list.clone(), Instant::now());
    fixture.proxy().set_rule(move |call: &Call| {
        let is_list = call.parameter("Filter.1.Name").is_none();
        match call.name.as_str() {
            "ec2:CreateVpc" => on_create.clone(),
            "ec2:DescribeVpcs" if started.elapsed() > LAG => Action::Forward,
            "ec2:DescribeVpcs" if is_list => Action::Reply(list.clone()),
            "ec2:DescribeVpcs" => Action::Alter(Alteration::new(nothing)),
            _ => Action::Forward,
        }
    });
}

fn nothing(mut reply: Reply) -> Reply {
    let text = String::from_utf8_lossy(&reply.body).into_owned();
    if let (Some((head, _)), Some((_, tail))) =
        (text.split_once("<vpcSet>"), text.rsplit_once("</vpcSet>"))
    {
        reply.body = format!("{head}<vpcSet></vpcSet>{tail}").into_bytes();
    }
    reply
}

/// How many VPCs of these tests there really are.
fn vpcs(fixture: &Fixture) -> Result<usize> {
    let answer = fixture.cloud().query(Service::Ec2, "DescribeVpcs", &[])?;
    let blocks = elements(&answer, "cidrBlock");
    // Each VPC has its block twice: as its own and as its first association.
    Ok(blocks
        .iter()
        .filter(|block| **block == "10.9.0.0/16")
        .count()
        / 2)
}

fn vpc_session() -> Result<(Fixture, Session)> {
    let fixture = Fixture::with(&["aws_vpc"])?;
    let session = fixture.session()?;
    Ok((fixture, session))
}

#[test]
fn a_vpc_whose_create_was_cut_off_and_that_no_list_shows_yet_is_waited_for_and_taken_over() -> Result
{
    let (fixture, mut session) = vpc_session()?;
    let before = list(&fixture, &mut session)?;
    session.query(VPC)?;
    lag(&fixture, &before, Action::LoseReply);
    session.query("SET statement_timeout = '1s'; SET iasql.cancel_grace = '0'")?;
    assert_eq!(session.refusal("SELECT iasql_apply()")?.sqlstate, "57014");
    assert_eq!(vpcs(&fixture)?, 1);
    session.query(
        "RESET ALL; SET session_replication_role = replica;
         UPDATE iasql.journal SET logged_at = logged_at - interval '55 s';
         RESET session_replication_role",
    )?;
    lag(&fixture, &before, Action::Forward);
    session.take_notices();
    session.query("SELECT iasql_apply()")?;
    assert_one_says(
        &notices(&mut session),
        &["vpc waits: a create was not answered", "looking again in"],
    );
    assert_eq!(vpcs(&fixture)?, 1);
    assert_settled(&fixture, &mut session)
}

/// An apply that is shown this list leaves the VPC alone that was made after it.
fn assert_not_made_again(fixture: &Fixture, session: &mut Session, before: &Reply) -> Result {
    lag(fixture, before, Action::Forward);
    fixture.proxy().forget_calls();
    session.query("SELECT iasql_apply()")?;
    assert_eq!(writing_calls(fixture), [""; 0]);
    assert_eq!(vpcs(fixture)?, 1);
    std::thread::sleep(LAG);
    assert_settled(fixture, session)
}

#[test]
fn a_vpc_that_was_just_made_and_that_no_list_shows_yet_is_not_made_again() -> Result {
    let (fixture, mut session) = vpc_session()?;
    let before = list(&fixture, &mut session)?;
    session.query(VPC)?;
    fixture.proxy().forward_all();
    apply(&mut session)?;
    assert_not_made_again(&fixture, &mut session, &before)
}

#[test]
fn a_vpc_that_has_just_taken_anothers_place_and_that_no_list_shows_yet_is_not_made_again() -> Result
{
    let (fixture, mut session) = vpc_session()?;
    let before = list(&fixture, &mut session)?;
    fixture.proxy().forward_all();
    session.query("INSERT INTO vpc (cidr_block) VALUES ('10.8.0.0/16')")?;
    apply(&mut session)?;
    session.query("UPDATE vpc SET cidr_block = '10.9.0.0/16' WHERE cidr_block = '10.8.0.0/16'")?;
    assert_eq!(apply(&mut session)?, ["replace vpc"]);
    assert_not_made_again(&fixture, &mut session, &before)
}
