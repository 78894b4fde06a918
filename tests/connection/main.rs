//! Servers and user mappings: what may be written, who may use it, and whom it leads to.

mod account;
mod credentials;
mod options;
mod regions;

use iasql_tests::{Fixture, Result, Session};

/// A role of this test's own, which may use the server `aws` and has no user mapping yet.
fn role(fixture: &Fixture, name: &str) -> Result<String> {
    let name = format!("{name}_{}", fixture.database().name());
    fixture.session()?.query(&format!(
        "CREATE ROLE {name} LOGIN; GRANT USAGE ON FOREIGN SERVER aws TO {name}"
    ))?;
    Ok(name)
}

fn session_of(fixture: &Fixture, role: &str) -> Result<Session> {
    fixture.database().connect_as(role)
}
