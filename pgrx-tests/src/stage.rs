//! Several roles in one database.

use crate::{Fixture, Result, Service, Session, running};
use serde_json::{Value, json};

/// An account, a database and roles in it that only this test has.
#[derive(Debug)]
pub struct Stage {
    fixture: Fixture,
}

impl Stage {
    /// With these modules installed by the superuser.
    pub fn with(modules: &[&str]) -> Result<Self> {
        let fixture = match modules {
            [] => Fixture::new()?,
            modules => Fixture::with(modules)?,
        };
        Ok(Self { fixture })
    }

    /// The account and the database.
    pub fn fixture(&self) -> &Fixture {
        &self.fixture
    }

    /// The full name of a role. Roles belong to the server, which other tests share.
    pub fn name(&self, role: &str) -> String {
        format!("{role}_{}", self.fixture.database().name())
    }

    /// Makes a role that may use the server `aws` with keys of its own.
    pub fn role(&self, role: &str) -> Result<String> {
        let name = self.stranger(role)?;
        self.superuser()?.query(&format!(
            "GRANT USAGE ON FOREIGN SERVER aws TO {name};
             CREATE USER MAPPING FOR {name} SERVER aws OPTIONS (access_key_id 'test', secret_access_key 'test')"
        ))?;
        Ok(name)
    }

    /// Makes a role that has nothing but its name.
    pub fn stranger(&self, role: &str) -> Result<String> {
        let name = self.name(role);
        self.superuser()?
            .query(&format!("CREATE ROLE {name} LOGIN"))?;
        Ok(name)
    }

    /// A session of the superuser.
    pub fn superuser(&self) -> Result<Session> {
        self.fixture.session()
    }

    /// A session of a role.
    pub fn as_role(&self, name: &str) -> Result<Session> {
        self.fixture.database().connect_as(name)
    }

    /// The names of the log groups that there really are.
    pub fn log_groups(&self) -> Result<Vec<String>> {
        let reply = self
            .fixture
            .cloud()
            .json(Service::Logs, "DescribeLogGroups", &json!({}))?;
        let groups = reply["logGroups"].as_array().cloned().unwrap_or_default();
        let name = |group: &Value| group["logGroupName"].as_str().map(str::to_owned);
        Ok(groups.iter().filter_map(name).collect())
    }

    /// Makes a log group without the extension.
    pub fn create_log_group(&self, name: &str) -> Result {
        let input = json!({"logGroupName": name});
        let cloud = self.fixture.cloud();
        cloud
            .json(Service::Logs, "CreateLogGroup", &input)
            .map(drop)
    }

    /// The calls so far that change the cloud.
    pub fn changes(&self) -> Vec<String> {
        running::changes(&self.fixture)
    }
}
