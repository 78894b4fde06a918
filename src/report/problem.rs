//! What can go wrong, with the facts of it.

use super::plan::refusal_text;
use crate::journal::JournalError;
use crate::tables::SqlType;
use iasql_aws::error::AwsError;
use iasql_engine::plan::Refusal;

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// The AWS thread ended.
    #[error("the thread that calls AWS ended unexpectedly")]
    AwsThreadDied,
    /// No server is defined.
    #[error(
        "there is no foreign server named \"{server}\" that uses the foreign-data wrapper iasql"
    )]
    NoServer {
        /// The server that `iasql.server` names.
        server: String,
        /// The user.
        user: String,
    },
    /// The caller may not use the server.
    #[error("permission denied for foreign server {server}")]
    ServerDenied {
        /// The server.
        server: String,
        /// The user.
        user: String,
    },
    /// The caller has no user mapping.
    #[error("user \"{user}\" has no user mapping for foreign server \"{server}\"")]
    NoMapping {
        /// The server.
        server: String,
        /// The user.
        user: String,
    },
    /// The mapping asks for credentials that only a superuser may hand out.
    #[error("user \"{user}\" may not use {what} through foreign server \"{server}\"")]
    MappingDenied {
        /// The server.
        server: String,
        /// The user.
        user: String,
        /// Which credentials.
        what: String,
    },
    /// The server process's own credentials would go where a lesser role has chosen.
    #[error(
        "foreign server \"{server}\" belongs to user \"{owner}\", who is not a superuser: {what} is not used through it"
    )]
    ServerNotTrusted {
        /// The server.
        server: String,
        /// Its owner.
        owner: String,
        /// Which credentials.
        what: String,
        /// Whether a superuser asks.
        superuser: bool,
    },
    /// A guard was set by somebody who may not, in a way that displaced what had been set for them.
    #[error("permission denied to set parameter \"{setting}\" when connecting")]
    GuardDisplaced {
        /// The guard.
        setting: &'static str,
    },
    /// No guard has this name.
    #[error("\"{setting}\" is not a guard")]
    NoGuard {
        /// The name.
        setting: String,
    },
    /// A guard cannot have this value.
    #[error("invalid value for guard \"{setting}\": \"{value}\"")]
    GuardValue {
        /// The guard.
        setting: String,
        /// The value.
        value: String,
    },
    /// No region is known.
    #[error("no AWS region is set")]
    NoRegion {
        /// The server that `iasql.server` names.
        server: String,
    },
    /// A call that concerns no row failed.
    #[error("{doing}: {error}")]
    Aws {
        /// What was being done.
        doing: String,
        /// What AWS said.
        error: Box<AwsError>,
    },
    /// The credentials lead to another account.
    #[error("the tables belong to AWS account {bound}, but the credentials lead to {now}")]
    OtherAccount {
        /// The account that the tables are bound to.
        bound: String,
        /// The account of the credentials.
        now: String,
    },
    /// The database is a copy.
    #[error("this database is a copy: its tables were bound to another one")]
    Copy,
    /// Another run holds the lock.
    #[error("another apply, sync or install is running in this database")]
    Busy {
        /// Who, and since when.
        holder: String,
    },
    /// Another transaction holds a lock.
    #[error("{what} is locked by another transaction")]
    Locked {
        /// The table, or the row.
        what: String,
        /// Who, and since when.
        holders: String,
    },
    /// Rows were changed since they were read.
    #[error("rows were changed by another transaction while AWS was read: {}", rows.join(", "))]
    Stale {
        /// The rows.
        rows: Vec<String>,
    },
    /// Another row has come in the way of one that sync writes.
    #[error("{message}")]
    Taken {
        /// What Postgres says.
        message: String,
        /// Its detail: the key.
        detail: String,
    },
    /// The transaction sees the past.
    #[error("{what} since this transaction took its snapshot")]
    OldSnapshot {
        /// What has happened since.
        what: String,
    },
    /// The run was set off by another, or by a trigger.
    #[error("an apply, sync or install cannot be started by a trigger or inside another one")]
    Nested,
    /// The transaction cannot write.
    #[error("cannot execute {function}() in a read-only transaction")]
    ReadOnly {
        /// The function.
        function: &'static str,
    },
    /// A module is not known.
    #[error("module \"{name}\" does not exist")]
    NoModule {
        /// The name given.
        name: String,
        /// The nearest name that exists.
        nearest: &'static str,
    },
    /// NULL instead of a module's name.
    #[error("the name of a module must not be null")]
    NullName,
    /// A module has no such version.
    #[error("module \"{module}\" has no version \"{version}\"")]
    NoVersion {
        /// The module.
        module: &'static str,
        /// The version asked for.
        version: String,
        /// The version there is.
        exists: &'static str,
    },
    /// A module is not installed.
    #[error("module \"{name}\" is not installed")]
    NotInstalled {
        /// The module.
        name: String,
    },
    /// Other modules need the module.
    #[error("cannot uninstall {module}: still needed by {}", dependents.join(", "))]
    Needed {
        /// The module.
        module: &'static str,
        /// The modules that need it.
        dependents: Vec<&'static str>,
    },
    /// A table of the module's name exists.
    #[error(
        "relation \"{table}\" already exists in schema \"{schema}\" and is not a table of iasql"
    )]
    NameTaken {
        /// The table.
        table: &'static str,
        /// The schema.
        schema: String,
    },
    /// An installed table is gone.
    #[error("table {table} of module {module} is gone")]
    TableGone {
        /// The table.
        table: String,
        /// Its module.
        module: String,
    },
    /// A column of an installed table is gone.
    #[error("column {column} of table {table} is gone")]
    ColumnGone {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
    },
    /// A column of an installed table has a type that cannot be trusted.
    #[error(
        "column {column} of table {table} has the type {ty}, which is not one of Postgres or iasql"
    )]
    ColumnType {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// Its type.
        ty: SqlType,
    },
    /// What a module needs is in another schema.
    #[error("module {module} needs table {needed}, which is in schema \"{schema}\"")]
    OtherSchema {
        /// The module.
        module: &'static str,
        /// A table that it needs.
        needed: String,
        /// Where that is.
        schema: String,
    },
    /// No schema to create tables in.
    #[error("no schema has been selected to create in")]
    NoSchema,
    /// A value that the engine cannot read.
    #[error("table {table}, row {row}: {misfit}")]
    Unreadable {
        /// The table.
        table: &'static str,
        /// The row's id.
        row: i64,
        /// What does not fit.
        misfit: String,
    },
    /// The caller lacks a privilege that the steps need.
    #[error("permission denied for table {table}")]
    TableDenied {
        /// The table.
        table: &'static str,
        /// The privilege.
        privilege: &'static str,
        /// The user.
        user: String,
    },
    /// The caller lacks a privilege on a sequence that gives new rows their ids.
    #[error("permission denied for sequence {sequence}")]
    SequenceDenied {
        /// The sequence.
        sequence: String,
        /// The user.
        user: String,
    },
    /// The plan cannot be applied.
    #[error("{}", refusals.first().map(refusal_text).unwrap_or_default())]
    Refused {
        /// Why, row by row.
        refusals: Vec<Refusal>,
    },
    /// Steps failed.
    #[error("{}", steps.failed.first().map_or("", String::as_str))]
    StepsFailed {
        /// How the steps ended.
        steps: Ended,
        /// The first error.
        error: Box<AwsError>,
    },
    /// The journal cannot be written, so nothing more was sent.
    #[error("{error}")]
    JournalLost {
        /// How the steps ended.
        steps: Ended,
        /// Why.
        error: JournalError,
    },
}

/// How the steps of a run ended: each step as text.
#[derive(Debug, Default)]
pub struct Ended {
    /// The steps that are done.
    pub done: Vec<String>,
    /// The failed steps.
    pub failed: Vec<String>,
    /// The steps that were not tried.
    pub not_tried: Vec<String>,
}

impl std::fmt::Display for Ended {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let list = |lines: &[String]| match lines.is_empty() {
            true => "none".to_owned(),
            false => lines.join("; "),
        };
        let (done, failed, not_tried) = (&self.done, &self.failed, &self.not_tried);
        writeln!(f, "done: {}", list(done))?;
        writeln!(f, "failed: {}", list(failed))?;
        write!(f, "not tried: {}", list(not_tried))
    }
}
