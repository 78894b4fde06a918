//! One database, many regions; one that is off costs nothing and loses nothing.

use iasql_tests::proxy::{Action, Reply};
use iasql_tests::{Fixture, Result};

#[test]
fn a_second_region_is_enabled_and_disabled_again() -> Result {
    let fixture = Fixture::with(&["aws_vpc"])?;
    let mut session = fixture.session()?;
    let count = "SELECT region, count(*) FROM subnet GROUP BY region ORDER BY region";
    assert_eq!(session.query(count)?.lines(), ["us-east-2|3"]);
    session.query("INSERT INTO iasql.region (region) VALUES ('eu-west-1'); SELECT iasql_sync()")?;
    assert_eq!(
        session.query(count)?.lines(),
        ["eu-west-1|3", "us-east-2|3"]
    );

    session.query("UPDATE iasql.region SET is_enabled = false WHERE region = 'eu-west-1'; DELETE FROM subnet WHERE region = 'eu-west-1'")?;
    fixture.proxy().forget_calls();
    assert!(session.query("SELECT * FROM iasql_apply()")?.is_empty());
    assert!(session.query("SELECT * FROM iasql_sync()")?.is_empty());
    assert!(
        fixture
            .proxy()
            .calls()
            .iter()
            .all(|call| call.region != "eu-west-1")
    );

    session.query(
        "UPDATE iasql.region SET is_enabled = true WHERE region = 'eu-west-1'; SELECT iasql_sync()",
    )?;
    assert_eq!(
        session.query(count)?.lines(),
        ["eu-west-1|3", "us-east-2|3"]
    );
    let refusal = session.refusal("UPDATE iasql.region SET is_enabled = false WHERE is_default")?;
    assert_eq!(refusal.sqlstate, "23514");
    Ok(())
}

#[test]
fn a_region_that_the_account_has_not_enabled_is_a_warning_and_its_rows_stay() -> Result {
    let fixture = Fixture::with(&["aws_vpc"])?;
    let mut session = fixture.session()?;
    session.query("INSERT INTO iasql.region (region) VALUES ('ap-east-1'); SELECT iasql_sync()")?;
    let rows = session.query("SELECT subnet_id FROM subnet ORDER BY subnet_id")?;
    // As EC2 answers there.
    fixture.proxy().set_rule(|call| {
        if call.region == "ap-east-1" {
            Action::Reply(Reply::error(
                call,
                401,
                "AuthFailure",
                "AWS was not able to validate the provided access credentials",
            ))
        } else {
            Action::Forward
        }
    });
    session.take_notices();
    assert!(session.query("SELECT * FROM iasql_apply()")?.is_empty());
    assert!(session.query("SELECT * FROM iasql_sync()")?.is_empty());
    let warnings: Vec<_> = session
        .take_notices()
        .into_iter()
        .filter(|notice| notice.severity == "WARNING")
        .collect();
    assert_eq!(warnings.len(), 4, "{warnings:?}");
    assert_eq!(warnings[0].sqlstate, "01000");
    assert_eq!(
        warnings[0].message,
        "cannot read vpc in ap-east-1: ec2:DescribeVpcs: AuthFailure: AWS was not able to validate the provided access \
         credentials; its rows are left as they are"
    );
    assert_eq!(
        warnings[0].hint,
        "Enable the region in the account, or: UPDATE iasql.region SET is_enabled = false WHERE region = 'ap-east-1';"
    );
    assert_eq!(
        session.query("SELECT subnet_id FROM subnet ORDER BY subnet_id")?,
        rows
    );
    Ok(())
}
