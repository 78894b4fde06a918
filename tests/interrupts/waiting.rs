//! A step that waits for AWS says so, gives up when its time is over, and does not wait for what cannot happen.

use iasql_tests::proxy::{Action, Call, Reply};
use iasql_tests::{Fixture, Result, Service, Session, elements};
use std::time::{Duration, Instant};

const APPLY: &str = "SELECT * FROM iasql_apply()";

/// An account with a VPC and a subnet in it, whose rows are deleted.
fn deleted() -> Result<(Fixture, Session)> {
    let fixture = Fixture::with(&["aws_vpc"])?;
    let mut session = fixture.session()?;
    session.query(
        "INSERT INTO vpc (cidr_block) VALUES ('10.1.0.0/16');
         INSERT INTO subnet (cidr_block, availability_zone, vpc_id)
         SELECT '10.1.0.0/24', 'us-east-2a', id FROM vpc WHERE cidr_block = '10.1.0.0/16';
         SELECT iasql_apply();
         DELETE FROM subnet WHERE cidr_block = '10.1.0.0/24';
         DELETE FROM vpc WHERE cidr_block = '10.1.0.0/16'",
    )?;
    session.take_notices();
    fixture.proxy().forget_calls();
    Ok((fixture, session))
}

/// From now on calls of this name are answered by this, as often as it says so.
fn answer(fixture: &Fixture, name: &'static str, times: usize, reply: fn(&Call) -> Reply) {
    fixture.proxy().set_rule(move |call| {
        if call.name == name && call.occurrence <= times {
            Action::Reply(reply(call))
        } else {
            Action::Forward
        }
    });
}

/// Nothing is left to do, and of the VPCs only the account's own is there.
fn assert_it_is_gone(fixture: &Fixture, session: &mut Session) -> Result {
    let plan = session.query("SELECT * FROM iasql_plan_apply()")?;
    assert!(plan.is_empty(), "{plan}");
    let vpcs = fixture.cloud().query(Service::Ec2, "DescribeVpcs", &[])?;
    assert_eq!(elements(&vpcs, "vpcId").len(), 1);
    Ok(())
}

#[test]
fn a_delete_of_what_is_in_use_waits_for_as_long_as_the_setting_says() -> Result {
    let (fixture, mut session) = deleted()?;
    session.query("SET iasql.wait_timeout = '2s'")?;
    answer(&fixture, "ec2:DeleteVpc", usize::MAX, |call| {
        Reply::error(call, 400, "DependencyViolation", "Something uses it")
    });
    let asked = Instant::now();
    let error = session.refusal(APPLY)?;
    assert!(asked.elapsed() >= Duration::from_secs(2));
    assert!(error.detail.contains("DependencyViolation"), "{error}");
    let notices = session.take_notices();
    let waits = " waits: ec2:DeleteVpc: DependencyViolation";
    let waits = notices
        .iter()
        .filter(|notice| notice.message.contains(waits));
    assert!(waits.count() >= 2, "{notices:?}");
    fixture.proxy().forward_all();
    session.query(APPLY)?;
    assert_it_is_gone(&fixture, &mut session)
}

#[test]
fn a_delete_that_waits_for_what_could_not_be_read_is_put_off() -> Result {
    let (fixture, mut session) = deleted()?;
    answer(
        &fixture,
        "ec2:DescribeSubnets",
        usize::MAX,
        Reply::access_denied,
    );
    let asked = Instant::now();
    let done = session.query(APPLY)?;
    assert!(done.is_empty(), "{done}");
    assert!(asked.elapsed() < Duration::from_secs(30), "it waited");
    let notices = session.take_notices();
    let says = |notice: &iasql_tests::ServerMessage| notice.message.contains("is not deleted yet");
    assert!(notices.iter().any(says), "{notices:?}");
    fixture.proxy().forward_all();
    session.query(APPLY)?;
    assert_it_is_gone(&fixture, &mut session)
}

#[test]
fn a_delete_that_does_not_find_what_can_be_seen_is_sent_again() -> Result {
    let (fixture, mut session) = deleted()?;
    answer(&fixture, "ec2:DeleteVpc", 1, |call| {
        Reply::error(call, 400, "InvalidVpcID.NotFound", "It does not exist")
    });
    session.query(APPLY)?;
    assert_it_is_gone(&fixture, &mut session)
}
