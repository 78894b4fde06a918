//! A database of one's own.

use std::ffi::OsStr;

use crate::process::{run, run_with_input};
use crate::staged::Staged;
use crate::{Cluster, Output, Result, Session};

/// A database in a [`Cluster`].
#[derive(Debug)]
pub struct Database<'c> {
    cluster: &'c Cluster,
    name: String,
}

impl<'c> Database<'c> {
    pub(crate) fn create(cluster: &'c Cluster) -> Result<Self> {
        let name = format!("test_{}", Staged::unique_name().replace('-', "_"));
        cluster
            .maintenance_database()
            .connect()?
            .query(&format!("CREATE DATABASE {name}"))?;
        Ok(Self { cluster, name })
    }

    /// A database that is already there, such as one that a standby has copied.
    pub fn existing(cluster: &'c Cluster, name: &str) -> Self {
        Self {
            cluster,
            name: name.to_owned(),
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The server it is in.
    pub fn cluster(&self) -> &'c Cluster {
        self.cluster
    }

    /// Opens a session as the superuser `postgres`.
    pub fn connect(&self) -> Result<Session> {
        self.connect_as("postgres")
    }

    /// Opens a session as this role.
    pub fn connect_as(&self, role: &str) -> Result<Session> {
        Session::open(self.cluster.connection(&self.name, role))
    }

    /// Opens a session as this role with options for the server (`-c name=value`), as PGOPTIONS does.
    pub fn connect_with(&self, role: &str, options: &str) -> Result<Session> {
        let mut config = self.cluster.connection(&self.name, role);
        config.options(options);
        Session::open(config)
    }

    /// Runs statements by psql, which stops at the first error. It prints bare rows, values parted by `|`.
    pub fn psql(&self, sql: &str) -> Result<Output> {
        let mut psql = self.cluster.program("psql");
        psql.env("PGDATABASE", &self.name)
            .args(["-X", "-At", "-v", "ON_ERROR_STOP=1", "-f", "-"]);
        run_with_input(&mut psql, sql)
    }

    /// Runs one of Postgres' client programs, such as `pg_dump`, on this database.
    pub fn program<A: AsRef<OsStr>>(
        &self,
        name: &str,
        arguments: impl IntoIterator<Item = A>,
    ) -> Result<Output> {
        run(self
            .cluster
            .program(name)
            .env("PGDATABASE", &self.name)
            .args(arguments))
    }
}
