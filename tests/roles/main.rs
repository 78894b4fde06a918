//! Who may do what: grants decide, and nobody gains the rights of a mightier role or makes its apply do harm.

mod grants;
mod hostile;
mod records;
mod shadows;

use iasql_tests::{Fixture, Result, Service, Session};
use serde_json::{Value, json};

/// An account, a database and roles in it that only this test has.
struct Stage {
    fixture: Fixture,
}

impl Stage {
    /// With these modules installed by the superuser.
    fn with(modules: &[&str]) -> Result<Self> {
        let fixture = match modules {
            [] => Fixture::new()?,
            modules => Fixture::with(modules)?,
        };
        Ok(Self { fixture })
    }

    /// The full name of a role. Roles belong to the server, which other tests share.
    fn name(&self, role: &str) -> String {
        format!("{role}_{}", self.fixture.database().name())
    }

    /// Makes a role that may use the server `aws` with keys of its own.
    fn role(&self, role: &str) -> Result<String> {
        let name = self.stranger(role)?;
        self.superuser()?.query(&format!(
            "GRANT USAGE ON FOREIGN SERVER aws TO {name};
             CREATE USER MAPPING FOR {name} SERVER aws OPTIONS (access_key_id 'test', secret_access_key 'test')"
        ))?;
        Ok(name)
    }

    /// Makes a role that has nothing but its name.
    fn stranger(&self, role: &str) -> Result<String> {
        let name = self.name(role);
        self.superuser()?
            .query(&format!("CREATE ROLE {name} LOGIN"))?;
        Ok(name)
    }

    fn superuser(&self) -> Result<Session> {
        self.fixture.session()
    }

    /// A session of a role.
    fn as_role(&self, name: &str) -> Result<Session> {
        self.fixture.database().connect_as(name)
    }

    /// The names of the log groups that there really are.
    fn log_groups(&self) -> Result<Vec<String>> {
        let reply = self
            .fixture
            .cloud()
            .json(Service::Logs, "DescribeLogGroups", &json!({}))?;
        let groups = reply["logGroups"].as_array().cloned().unwrap_or_default();
        let name = |group: &Value| group["logGroupName"].as_str().map(str::to_owned);
        Ok(groups.iter().filter_map(name).collect())
    }

    /// Makes a log group without the extension.
    fn create_log_group(&self, name: &str) -> Result {
        let input = json!({"logGroupName": name});
        let cloud = self.fixture.cloud();
        cloud
            .json(Service::Logs, "CreateLogGroup", &input)
            .map(drop)
    }

    /// The calls so far that change the cloud.
    fn changes(&self) -> Vec<String> {
        let calls = self.fixture.proxy().calls();
        let changes = calls.iter().filter(|call| call.mutates());
        changes.map(|call| call.name.clone()).collect()
    }
}
