//! What most tests begin with: an account, and a database connected to it.

use crate::proxy::Proxy;
use crate::{Cloud, Cluster, Database, Emulator, Result, Session};

/// The region of the server `aws`, and the default region.
pub const REGION: &str = "us-east-2";

/// An emulated account, and an empty database with the extension in it that reaches the account through a proxy.
#[derive(Debug)]
pub struct Fixture {
    database: Database<'static>,
    proxy: Proxy,
    emulator: Emulator,
}

impl Fixture {
    /// An account as fresh as on its first day, and a database on the shared server.
    pub fn new() -> Result<Self> {
        Self::on(Cluster::shared()?)
    }

    /// Such an account, and a database on this server, which must outlive the test.
    pub fn on(cluster: &'static Cluster) -> Result<Self> {
        let emulator = Emulator::take()?;
        let proxy = Proxy::start(emulator.endpoint())?;
        let database = cluster.create_database()?;
        connect_to_account(&database, proxy.endpoint())?;
        Ok(Self {
            database,
            proxy,
            emulator,
        })
    }

    /// The same, with modules installed.
    pub fn with(modules: &[&str]) -> Result<Self> {
        let fixture = Self::new()?;
        fixture.session()?.install(modules)?;
        Ok(fixture)
    }

    /// The database.
    pub fn database(&self) -> &Database<'static> {
        &self.database
    }

    /// Another database on the same server that reaches the same account.
    pub fn another_database(&self) -> Result<Database<'static>> {
        let database = self.database.cluster().create_database()?;
        connect_to_account(&database, self.proxy.endpoint())?;
        Ok(database)
    }

    /// A session of the superuser.
    pub fn session(&self) -> Result<Session> {
        self.database.connect()
    }

    /// What the database's calls go through.
    pub fn proxy(&self) -> &Proxy {
        &self.proxy
    }

    /// The account as somebody else sees it, in the default region. These calls bypass the proxy.
    pub fn cloud(&self) -> Cloud {
        self.cloud_in(REGION)
    }

    /// The account as somebody else sees it, in this region.
    pub fn cloud_in(&self, region: &str) -> Cloud {
        self.emulator.cloud(region)
    }
}

fn connect_to_account(database: &Database<'_>, endpoint: &str) -> Result {
    database
        .connect()?
        .query(&format!(
            "CREATE EXTENSION iasql;
             CREATE SERVER aws FOREIGN DATA WRAPPER iasql OPTIONS (region '{REGION}', endpoint_url '{endpoint}');
             CREATE USER MAPPING FOR CURRENT_USER SERVER aws OPTIONS (access_key_id 'test', secret_access_key 'test')"
        ))
        .map(drop)
}
