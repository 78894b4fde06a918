//! Plans of what has changed alone (`iasql.refresh = off`).

use iasql_tests::{Fixture, Result, Session};

use crate::apply;

const SEED: u64 = 20_261_121;
const ROUNDS: usize = 40;

/// What users do to rows. `%` stands for a small number.
const EDITS: &[&str] = &[
    "UPDATE security_group SET tags = '{\"n\": \"%\"}' WHERE group_name = 'g%'",
    "UPDATE security_group SET tags = tags",
    "UPDATE security_group SET description = 'new %' WHERE group_name = 'g%'",
    "UPDATE security_group SET group_name = 'h%' WHERE group_name = 'g%'",
    "UPDATE security_group SET group_name = 'g%' WHERE group_name = 'h%'",
    "UPDATE security_group SET protected = NOT protected WHERE group_name = 'g%'",
    "UPDATE security_group SET owner_id = 'edited' WHERE group_name = 'g%'",
    "DELETE FROM security_group WHERE group_name = 'g%'",
    "INSERT INTO security_group (group_name, description) VALUES ('g%', 'a group') ON CONFLICT DO NOTHING",
    "UPDATE security_group_rule SET description = 'rule %' WHERE from_port = 100 + %",
    "UPDATE security_group_rule SET description = NULL WHERE from_port = 100 + %",
    "UPDATE security_group_rule SET to_port = 200 + % WHERE from_port = 100 + %",
    "DELETE FROM security_group_rule WHERE from_port = 100 + %",
    "INSERT INTO security_group_rule (security_group_id, is_egress, ip_protocol, from_port, to_port, cidr_ipv4)
     SELECT id, false, 'tcp', 100 + %, 300, '10.%.0.0/16' FROM security_group WHERE group_name = 'g%'
     ON CONFLICT DO NOTHING",
    "UPDATE log_group SET retention_in_days = 7 WHERE log_group_name = 'l%'",
    "INSERT INTO log_group (log_group_name) VALUES ('l%') ON CONFLICT DO NOTHING",
    "DELETE FROM log_group WHERE log_group_name = 'l%'",
];

/// Numbers that look random and are the same each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 33) as usize % sides
    }
}

/// The plan, or why there is none.
fn plan(session: &mut Session, refresh: &str) -> Result<String> {
    session.query(&format!("SET iasql.refresh = '{refresh}'"))?;
    let plan = "SELECT * FROM iasql_explain_apply()";
    let text = match session.query(plan) {
        Ok(rows) => rows.lines().join("\n"),
        Err(_) => session.refusal(plan)?.to_string(),
    };
    Ok(text)
}

#[test]
fn what_has_changed_alone_gives_the_plan_of_the_whole_after_any_edits() -> Result {
    let fixture = Fixture::with(&["aws_security_group", "aws_cloudwatch"])?;
    let mut session = fixture.session()?;
    session.query(
        "INSERT INTO security_group (group_name, description) SELECT 'g' || n, 'a group' FROM generate_series(0, 5) n;
         INSERT INTO security_group_rule (security_group_id, is_egress, ip_protocol, from_port, to_port, cidr_ipv4)
         SELECT id, false, 'tcp', 100 + id % 6, 300, '10.0.0.0/8' FROM security_group WHERE group_name LIKE 'g%';
         INSERT INTO log_group (log_group_name) VALUES ('l0'), ('l1')",
    )?;
    apply(&mut session)?;
    let mut dice = Dice(SEED);
    let mut plans_with_steps = 0;
    for round in 0..ROUNDS {
        let mut done = Vec::new();
        for _ in 0..=dice.below(3) {
            let number = dice.below(6).to_string();
            let edit = EDITS[dice.below(EDITS.len())].replace('%', &number);
            // Some edits are refused by the tables themselves.
            let _ = session.query(&edit);
            done.push(edit);
        }
        let whole = plan(&mut session, "all")?;
        let changed = plan(&mut session, "off")?;
        assert_eq!(changed, whole, "round {round} after {done:#?}");
        plans_with_steps += usize::from(!whole.is_empty());
        match dice.below(3) {
            0 => drop(session.query("SET iasql.refresh = 'off'; SELECT iasql_apply()")),
            1 => drop(session.query("SELECT iasql_sync()")?),
            _ => {}
        }
    }
    assert!(
        plans_with_steps > ROUNDS / 4,
        "{plans_with_steps} plans had steps"
    );
    Ok(())
}

#[test]
fn a_change_that_was_not_noted_is_found_by_a_plan_that_reads_everything() -> Result {
    let fixture = Fixture::with(&["aws_cloudwatch"])?;
    let mut session = fixture.session()?;
    session.query("INSERT INTO log_group (log_group_name) VALUES ('l')")?;
    apply(&mut session)?;
    session.query(
        "ALTER TABLE log_group DISABLE TRIGGER note_update;
         UPDATE log_group SET retention_in_days = 7;
         ALTER TABLE log_group ENABLE ALWAYS TRIGGER note_update",
    )?;
    assert_eq!(plan(&mut session, "off")?, "");
    assert!(plan(&mut session, "all")?.contains("retention_in_days"));
    Ok(())
}

#[test]
fn what_a_run_writes_itself_is_not_noted() -> Result {
    let fixture = Fixture::with(&["aws_security_group"])?;
    let mut session = fixture.session()?;
    session.query(
        "INSERT INTO security_group (group_name, description) VALUES ('g', 'a group'); SELECT iasql_apply()",
    )?;
    let notes = "SELECT table_name FROM iasql.changed_row";
    assert!(session.query(notes)?.is_empty());
    session.query(
        "SET session_replication_role = replica; UPDATE security_group SET tags = '{\"a\": \"b\"}'",
    )?;
    assert!(!session.query(notes)?.is_empty());
    Ok(())
}

#[test]
fn a_trigger_of_users_that_changes_what_sync_writes_is_noted() -> Result {
    let fixture = Fixture::with(&["aws_cloudwatch"])?;
    let mut session = fixture.session()?;
    session.query(
        "INSERT INTO log_group (log_group_name) VALUES ('l'); SELECT iasql_apply();
         CREATE FUNCTION retain() RETURNS trigger LANGUAGE plpgsql AS
             $$BEGIN NEW.retention_in_days := 7; RETURN NEW; END$$;
         CREATE TRIGGER retain BEFORE UPDATE ON log_group FOR EACH ROW EXECUTE FUNCTION retain();
         UPDATE log_group SET tags = '{\"a\": \"b\"}';
         SELECT iasql_sync()",
    )?;
    let whole = plan(&mut session, "all")?;
    assert!(whole.contains("retention_in_days"), "{whole}");
    assert_eq!(plan(&mut session, "off")?, whole);
    Ok(())
}

#[test]
fn nobody_takes_a_note_away() -> Result {
    let fixture = Fixture::with(&["aws_cloudwatch"])?;
    let mut session = fixture.session()?;
    session.query(
        "CREATE ROLE note_taker; GRANT ALL ON log_group TO note_taker; GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO note_taker;
         SET ROLE note_taker; INSERT INTO log_group (log_group_name) VALUES ('l')",
    )?;
    for attack in [
        "DELETE FROM iasql.changed_row",
        "UPDATE iasql.changed_row SET row_id = 0",
        "TRUNCATE iasql.changed_row",
        "SELECT * FROM iasql.changed_row",
        "ALTER TABLE log_group DISABLE TRIGGER note_insert",
    ] {
        assert_eq!(session.refusal(attack)?.sqlstate, "42501", "{attack}");
    }
    Ok(())
}
