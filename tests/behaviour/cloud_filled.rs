//! What AWS fills cannot be edited.

use iasql_tests::{Fixture, Result};

use crate::{NOTHING, apply, assert_one_says, assert_settled, notices, writing_calls};

#[test]
fn an_edit_of_a_cloud_filled_column_is_put_back_with_a_notice() -> Result {
    let fixture = Fixture::with(&["aws_cloudwatch"])?;
    let mut session = fixture.session()?;
    session.query("INSERT INTO log_group (log_group_name) VALUES ('a')")?;
    apply(&mut session)?;
    // The create's answer does not say when it was.
    assert_eq!(apply(&mut session)?, NOTHING);
    let filled = session.query("SELECT log_group_arn, creation_time FROM log_group")?;
    assert!(!filled.lines()[0].ends_with('|'), "{filled}");
    session.query("UPDATE log_group SET log_group_arn = 'mine', creation_time = 'epoch'")?;
    fixture.proxy().forget_calls();
    assert_eq!(apply(&mut session)?, NOTHING);
    assert_eq!(writing_calls(&fixture), NOTHING);
    assert_one_says(
        &notices(&mut session),
        &[
            "log_group",
            "\"a\"",
            "log_group_arn",
            "creation_time",
            "put back",
        ],
    );
    assert_eq!(
        session.query("SELECT log_group_arn, creation_time FROM log_group")?,
        filled
    );
    // An emptied column is filled again without a word.
    session.query("UPDATE log_group SET log_group_arn = NULL")?;
    assert_eq!(apply(&mut session)?, NOTHING);
    assert_eq!(notices(&mut session), NOTHING);
    assert_eq!(
        session.query("SELECT log_group_arn, creation_time FROM log_group")?,
        filled
    );
    assert_settled(&fixture, &mut session)
}

#[test]
fn a_copied_cloud_id_does_not_change_what_a_row_stands_for() -> Result {
    let fixture = Fixture::with(&["aws_security_group"])?;
    let mut session = fixture.session()?;
    session.query(
        "INSERT INTO security_group (group_name, description) VALUES ('a', 'a'), ('b', 'b')",
    )?;
    apply(&mut session)?;
    let ids =
        session.query("SELECT group_name, group_id FROM security_group ORDER BY group_name")?;
    session.query(
        "UPDATE security_group SET group_id = NULL WHERE group_name = 'b';
         UPDATE security_group SET group_id = NULL WHERE group_name = 'a';
         UPDATE security_group SET group_id = 'sg-1234' WHERE group_name = 'a'",
    )?;
    assert_eq!(apply(&mut session)?, NOTHING);
    assert_eq!(
        session.query("SELECT group_name, group_id FROM security_group ORDER BY group_name")?,
        ids
    );
    session.query("UPDATE security_group SET group_id = 'sg-1234' WHERE group_name = 'a'")?;
    session.query("DELETE FROM security_group WHERE group_name = 'a'")?;
    assert_eq!(apply(&mut session)?, ["delete security_group"]);
    assert_settled(&fixture, &mut session)
}

#[test]
fn a_cloud_filled_column_of_a_new_row_is_filled_by_aws() -> Result {
    let fixture = Fixture::with(&["aws_cloudwatch"])?;
    let mut session = fixture.session()?;
    session.query("INSERT INTO log_group (log_group_name, log_group_arn) VALUES ('a', 'mine')")?;
    assert_eq!(apply(&mut session)?, ["create log_group"]);
    let arn = session.query("SELECT log_group_arn FROM log_group")?;
    assert_eq!(
        arn.lines(),
        ["arn:aws:logs:us-east-2:123456789012:log-group:a:*"]
    );
    assert_settled(&fixture, &mut session)
}
