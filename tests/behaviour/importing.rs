//! New tables get their rows while AWS is still read.

use std::time::Duration;

use iasql_tests::proxy::{Action, Alteration, Call, Gate, Reply};
use iasql_tests::{Fixture, Result, running, wait_for};

use crate::web::value;
use crate::{assert_settled, notices};

const RULES: &str = "ec2:DescribeSecurityGroupRules";

/// The answer says that another page follows.
fn with_a_next_page(mut reply: Reply) -> Reply {
    let body = String::from_utf8_lossy(&reply.body).into_owned();
    let end = "</DescribeSecurityGroupRulesResponse>";
    reply.body = body
        .replace(end, &format!("<nextToken>next</nextToken>{end}"))
        .into_bytes();
    reply
}

/// The list of rules has two pages: all of the rules, and what this does.
fn set_second_page(fixture: &Fixture, second: impl Fn(&Call) -> Action + Send + Sync + 'static) {
    fixture.proxy().forget_calls();
    fixture.proxy().set_rule(move |call| match call.occurrence {
        1 if call.name == RULES => Action::Alter(Alteration::new(with_a_next_page)),
        _ if call.name == RULES => second(call),
        _ => Action::Forward,
    });
}

#[test]
fn rows_are_written_while_another_page_is_awaited() -> Result {
    let fixture = Fixture::with(&["aws_vpc"])?;
    let gate = Gate::closed();
    let held = gate.clone();
    set_second_page(&fixture, move |_| Action::HoldBefore(held.clone()));
    let mut session = fixture.session()?;
    let pid = session.backend_pid()?;
    let install = running::start(session, "SELECT iasql_install('aws_security_group')");
    let mut watch = fixture.session()?;
    wait_for("rows to be written", Duration::from_secs(30), || {
        let written = watch.query(&format!(
            "SELECT FROM pg_locks
             WHERE pid = {pid} AND relation = 'iasql.known'::regclass AND mode = 'RowExclusiveLock'"
        ))?;
        Ok((!written.is_empty()).then_some(()))
    })?;
    running::refused(
        watch
            .query(&format!("SELECT pg_cancel_backend({pid})"))
            .and_then(|_| running::end(install).1),
    )?;
    gate.open();
    fixture.proxy().forward_all();
    let left = "SELECT to_regclass('security_group'), count(*) FROM iasql.known WHERE table_name LIKE 'security%'";
    assert_eq!(
        watch.query(left)?.lines(),
        ["|0"],
        "a cancelled install leaves nothing"
    );
    watch.query("SELECT iasql_install('aws_security_group')")?;
    assert_settled(&fixture, &mut watch)
}

#[test]
fn a_list_that_breaks_off_leaves_no_rows_and_a_sync_brings_them() -> Result {
    let fixture = Fixture::with(&["aws_vpc"])?;
    set_second_page(&fixture, |call| Action::Reply(Reply::access_denied(call)));
    let mut session = fixture.session()?;
    let installed = session.query(
        "SELECT created_table_name, record_count FROM iasql_install('aws_security_group') WHERE module_name LIKE '%group%'",
    )?;
    assert_eq!(
        installed.lines(),
        ["security_group|1", "security_group_rule|0"]
    );
    let said = notices(&mut session);
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].starts_with("cannot read security_group_rule in us-east-2"));
    for nothing in [
        "security_group_rule",
        "iasql.known WHERE table_name = 'security_group_rule'",
        "iasql.changed_row",
    ] {
        let count = format!("SELECT count(*) FROM {nothing}");
        assert_eq!(value(&mut session, &count)?, "0", "{nothing}");
    }
    fixture.proxy().forward_all();
    session.query("SELECT iasql_sync()")?;
    let rules = "SELECT count(*) > 0 FROM security_group_rule";
    assert_eq!(value(&mut session, rules)?, "t");
    assert_settled(&fixture, &mut session)
}

#[test]
fn an_object_on_two_pages_is_one_row() -> Result {
    let fixture = Fixture::with(&["aws_vpc"])?;
    set_second_page(&fixture, |_| Action::Forward);
    let mut session = fixture.session()?;
    session.query("SELECT iasql_install('aws_security_group')")?;
    assert_eq!(
        fixture
            .proxy()
            .calls()
            .iter()
            .filter(|call| call.name == RULES)
            .count(),
        2
    );
    let rules = "SELECT count(*), count(DISTINCT security_group_rule_id) FROM security_group_rule";
    assert_eq!(session.query(rules)?.lines(), ["1|1"]);
    fixture.proxy().forward_all();
    assert_settled(&fixture, &mut session)
}

#[test]
fn what_earlier_runs_have_made_is_known_when_its_module_is_installed_again() -> Result {
    let fixture = Fixture::with(&["aws_cloudwatch"])?;
    let mut session = fixture.session()?;
    session.query(
        "INSERT INTO log_group (log_group_name) VALUES ('committed');
         SELECT iasql_apply();
         BEGIN;
         INSERT INTO log_group (log_group_name) VALUES ('rolled-back');
         SELECT iasql_apply();
         ROLLBACK;
         SELECT iasql_uninstall('aws_cloudwatch');
         SELECT iasql_install('aws_cloudwatch')",
    )?;
    let agreed = session.query(
        "SELECT cloud_id, made FROM iasql.known WHERE table_name = 'log_group' ORDER BY cloud_id",
    )?;
    assert_eq!(agreed.lines(), ["committed|t", "rolled-back|t"]);
    assert_settled(&fixture, &mut session)
}
