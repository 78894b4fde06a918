//! A step that waits for AWS says so, and gives up when its time is over.

use iasql_tests::proxy::{Action, Reply};
use iasql_tests::{Fixture, Result};
use std::time::{Duration, Instant};

#[test]
fn a_delete_of_what_is_in_use_waits_for_as_long_as_the_setting_says() -> Result {
    let fixture = Fixture::with(&["aws_vpc"])?;
    let mut session = fixture.session()?;
    session.query(
        "INSERT INTO vpc (cidr_block) VALUES ('10.1.0.0/16');
         SELECT iasql_apply();
         DELETE FROM vpc WHERE cidr_block = '10.1.0.0/16';
         SET iasql.wait_timeout = '2s'",
    )?;
    session.take_notices();
    fixture.proxy().set_rule(|call| match call.name.as_str() {
        "ec2:DeleteVpc" => Action::Reply(Reply::error(
            call,
            400,
            "DependencyViolation",
            "Something uses it",
        )),
        _ => Action::Forward,
    });
    let asked = Instant::now();
    let error = session.refusal("SELECT * FROM iasql_apply()")?;
    assert!(asked.elapsed() >= Duration::from_secs(2));
    assert!(error.detail.contains("DependencyViolation"), "{error}");
    let notices = session.take_notices();
    let waits = notices.iter().filter(|notice| {
        notice
            .message
            .contains(" waits: ec2:DeleteVpc: DependencyViolation")
    });
    assert!(waits.count() >= 2, "{notices:?}");
    fixture.proxy().forward_all();
    session.query("SELECT * FROM iasql_apply()")?;
    assert!(
        session
            .query("SELECT * FROM iasql_plan_apply()")?
            .is_empty()
    );
    Ok(())
}
