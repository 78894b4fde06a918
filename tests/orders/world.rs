//! A database and an account that live through orders, one after another.

use super::model::{Groups, State};
use iasql_tests::running::changes;
use iasql_tests::{Fixture, Result, Service, Session, ensure};
use serde_json::{Value, json};

/// The account, the database, the two sessions, and one that watches them.
pub struct World {
    pub fixture: Fixture,
    pub watch: Session,
    pub pair: Option<(Session, Session)>,
}

impl World {
    pub fn start() -> Result<Self> {
        let fixture = Fixture::with(&["aws_cloudwatch"])?;
        let watch = fixture.session()?;
        let pair = Some((fixture.session()?, fixture.session()?));
        Ok(Self {
            fixture,
            watch,
            pair,
        })
    }

    /// Brings everything to where an order begins, from wherever the last one has left it.
    pub fn prepare(&mut self) -> Result {
        self.watch.query(
            "DELETE FROM log_group WHERE log_group_name NOT IN ('a', 'b', 'd');
             INSERT INTO log_group (log_group_name, retention_in_days) VALUES ('a', 1), ('b', 1), ('d', 1)
             ON CONFLICT (log_group_name, region) DO UPDATE SET retention_in_days = 1;
             SELECT iasql_apply();
             -- What AWS has filled in meanwhile gets into the rows.
             SELECT iasql_apply();
             UPDATE log_group SET retention_in_days = 3 WHERE log_group_name = 'a';
             INSERT INTO log_group (log_group_name, retention_in_days) VALUES ('c', 1);
             DELETE FROM log_group WHERE log_group_name = 'd'",
        )?;
        let cloud = self.fixture.cloud();
        let group = json!({"logGroupName": "e"});
        cloud.json(Service::Logs, "CreateLogGroup", &group)?;
        let group = json!({"logGroupName": "e", "retentionInDays": 1});
        cloud.json(Service::Logs, "PutRetentionPolicy", &group)?;
        self.fixture.proxy().forget_calls();
        Ok(())
    }

    /// What there is now.
    pub fn state(&mut self) -> Result<State> {
        let mut is_true = |question: &str| -> Result<bool> {
            let answer = self.watch.query(&format!("SELECT {question}"))?;
            Ok(answer.scalar() == Some("t"))
        };
        let extension = is_true("EXISTS (SELECT FROM pg_extension WHERE extname = 'iasql')")?;
        let iam = extension
            && is_true("EXISTS (SELECT FROM iasql.installed_table WHERE module_name = 'aws_iam')")?;
        let rows = match is_true("to_regclass('log_group') IS NOT NULL")? {
            true => Some(self.rows()?),
            false => None,
        };
        Ok(State {
            extension,
            iam,
            rows,
            cloud: self.cloud()?,
        })
    }

    fn rows(&mut self) -> Result<Groups> {
        let rows = self
            .watch
            .query("SELECT log_group_name, coalesce(retention_in_days, 0) FROM log_group")?;
        let row = |row: &Vec<Option<String>>| match row.as_slice() {
            [Some(name), Some(days)] => Some((name.clone(), days.parse().ok()?)),
            _ => None,
        };
        Ok(rows.rows.iter().filter_map(row).collect())
    }

    fn cloud(&self) -> Result<Groups> {
        let cloud = self.fixture.cloud();
        let reply = cloud.json(Service::Logs, "DescribeLogGroups", &json!({}))?;
        let groups = reply["logGroups"].as_array().into_iter().flatten();
        let group = |group: &Value| {
            let days = group["retentionInDays"].as_u64().unwrap_or_default();
            let name = group["logGroupName"].as_str().unwrap_or_default();
            (name.to_owned(), u32::try_from(days).unwrap_or(u32::MAX))
        };
        Ok(groups.map(group).collect())
    }

    /// One apply and one sync put everything in order, and a second apply has nothing to write.
    pub fn converge(&mut self, left: &State) -> Result {
        if !left.extension {
            // Nothing is left that could: a fresh one goes on.
            *self = Self::start()?;
            return Ok(());
        }
        if left.rows.is_none() {
            self.watch.install(&["aws_cloudwatch"])?;
        }
        self.watch.query("SELECT iasql_apply()")?;
        self.fixture.proxy().forget_calls();
        self.watch.query("SELECT iasql_apply()")?;
        self.watch.query("SELECT iasql_sync()")?;
        for plan in ["iasql_plan_apply", "iasql_plan_sync"] {
            let rows = self.watch.query(&format!("SELECT * FROM {plan}()"))?;
            ensure(rows.is_empty(), || format!("{plan}() has rows:\n{rows}"))?;
        }
        let written = changes(&self.fixture);
        ensure(written.is_empty(), || {
            format!("a second apply writes: {written:?}")
        })?;
        let open = self.watch.query(
            "SELECT operations, outcome FROM iasql.journal_steps s WHERE NOT EXISTS
                 (SELECT FROM iasql.resolved r WHERE r.run = s.run AND r.step = s.step)",
        )?;
        ensure(open.is_empty(), || {
            format!("steps are not resolved:\n{open}")
        })?;
        if left.iam {
            self.watch.query("SELECT iasql_uninstall('aws_iam')")?;
        }
        Ok(())
    }
}
