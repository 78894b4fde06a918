//! The one place where errors leave: SQLSTATE, message, DETAIL and HINT.

use crate::journal::JournalError;
use crate::sql::identifier;
use crate::tables::SqlType;
use iasql_aws::error::{AwsError, Class};
use iasql_aws::read::Unread;
use iasql_engine::RowKey;
use iasql_engine::plan::{Because, Difference, News, Notice, Refusal};
use pgrx::PgSqlErrorCode;
use pgrx::pg_sys::panic::ErrorReport;

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
    /// The plan cannot be applied.
    #[error("{}", refusals.first().map(refusal_text).unwrap_or_default())]
    Refused {
        /// Why, row by row.
        refusals: Vec<Refusal>,
    },
    /// Steps failed.
    #[error("{}", .0.failed.first().map_or("", String::as_str))]
    StepsFailed(Box<FailedRun>),
    /// The journal cannot be written, so nothing is sent.
    #[error("{0}")]
    Journal(#[from] JournalError),
}

/// A run of which steps failed: each step as text.
#[derive(Debug)]
pub struct FailedRun {
    /// The failed steps.
    pub failed: Vec<String>,
    /// The steps that are done.
    pub done: Vec<String>,
    /// The steps that were not tried.
    pub not_tried: Vec<String>,
    /// The first error.
    pub error: AwsError,
    /// What to type next.
    pub hint: String,
}

impl Problem {
    fn code(&self) -> PgSqlErrorCode {
        use PgSqlErrorCode::*;
        match self {
            Problem::AwsThreadDied => ERRCODE_INTERNAL_ERROR,
            Problem::NoServer { .. } | Problem::NoMapping { .. } => ERRCODE_UNDEFINED_OBJECT,
            Problem::ServerDenied { .. }
            | Problem::MappingDenied { .. }
            | Problem::TableDenied { .. } => ERRCODE_INSUFFICIENT_PRIVILEGE,
            Problem::NoRegion { .. } => ERRCODE_INVALID_PARAMETER_VALUE,
            Problem::Aws { error, .. } => aws_code(error),
            Problem::OtherAccount { .. }
            | Problem::Copy
            | Problem::OtherSchema { .. }
            | Problem::Nested => ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
            Problem::Busy { .. } | Problem::Locked { .. } => ERRCODE_LOCK_NOT_AVAILABLE,
            Problem::Stale { .. } => ERRCODE_T_R_SERIALIZATION_FAILURE,
            Problem::ReadOnly { .. } => ERRCODE_READ_ONLY_SQL_TRANSACTION,
            Problem::NoModule { .. } | Problem::NoVersion { .. } | Problem::NotInstalled { .. } => {
                ERRCODE_UNDEFINED_OBJECT
            }
            Problem::NullName => ERRCODE_NULL_VALUE_NOT_ALLOWED,
            Problem::Needed { .. } => ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST,
            Problem::NameTaken { .. } => ERRCODE_DUPLICATE_TABLE,
            Problem::TableGone { .. } => ERRCODE_UNDEFINED_TABLE,
            Problem::ColumnGone { .. } => ERRCODE_UNDEFINED_COLUMN,
            Problem::ColumnType { .. } => ERRCODE_DATATYPE_MISMATCH,
            Problem::NoSchema => ERRCODE_INVALID_SCHEMA_NAME,
            Problem::Unreadable { .. } => ERRCODE_INVALID_PARAMETER_VALUE,
            Problem::Refused { refusals } => match refusals.first().map(|refusal| &refusal.why) {
                Some(Because::Differs { .. } | Because::TwoRows { .. }) => ERRCODE_DUPLICATE_OBJECT,
                Some(Because::Dangling { .. }) => ERRCODE_FOREIGN_KEY_VIOLATION,
                _ => ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
            },
            Problem::StepsFailed(run) => aws_code(&run.error),
            Problem::Journal(error) => error.code(),
        }
    }

    fn detail(&self) -> Option<String> {
        match self {
            Problem::Aws { error, .. } => Some(aws_detail(error)),
            Problem::Busy { holder } => Some(holder.clone()),
            Problem::Locked { holders, .. } => Some(holders.clone()),
            Problem::Refused { refusals } => {
                let lines: Vec<String> = refusals.iter().map(refusal_text).collect();
                Some(lines.join("\n"))
            }
            Problem::StepsFailed(run) => {
                let list = |title: &str, lines: &[String]| match lines.is_empty() {
                    true => format!("{title}: none"),
                    false => format!("{title}: {}", lines.join("; ")),
                };
                Some(format!(
                    "{}\n{}\n{}\n{}",
                    aws_detail(&run.error),
                    list("done", &run.done),
                    list("failed", &run.failed),
                    list("not tried", &run.not_tried)
                ))
            }
            Problem::TableDenied {
                privilege, table, ..
            } => Some(format!("The plan needs {privilege} on {table}.")),
            _ => None,
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Problem::NoServer { server, user } => {
                let (server, user) = (identifier(server), identifier(user));
                format!(
                    "CREATE SERVER {server} FOREIGN DATA WRAPPER iasql OPTIONS (region 'us-east-2');\n\
                     GRANT USAGE ON FOREIGN SERVER {server} TO {user};\n\
                     CREATE USER MAPPING FOR {user} SERVER {server} \
                     OPTIONS (access_key_id '…', secret_access_key '…');"
                )
            }
            Problem::ServerDenied { server, user } => format!(
                "GRANT USAGE ON FOREIGN SERVER {} TO {};",
                identifier(server),
                identifier(user)
            ),
            Problem::NoMapping { server, user } => format!(
                "CREATE USER MAPPING FOR {} SERVER {} OPTIONS (role_arn 'arn:aws:iam::…');",
                identifier(user),
                identifier(server)
            ),
            Problem::MappingDenied { server, .. } => format!(
                "A superuser can allow roles with ALTER SERVER {} OPTIONS (ADD allowed_role_arns '…'), or write the \
                 user mapping.",
                identifier(server)
            ),
            Problem::NoRegion { server } => format!(
                "CREATE SERVER {0} FOREIGN DATA WRAPPER iasql OPTIONS (region 'us-east-2'); or ALTER SERVER {0} \
                 OPTIONS (ADD region 'us-east-2');",
                identifier(server)
            ),
            Problem::Aws { error, .. } => aws_hint(error)?,
            Problem::OtherAccount { bound, .. } => format!(
                "Use credentials of account {bound}, or use another database for the other account."
            ),
            Problem::Copy => "SELECT iasql_take_over(); makes this copy the one that applies. Do so only when the \
                              original no longer does."
                .to_owned(),
            Problem::Busy { .. } => {
                "Wait until it is done, or end it with pg_cancel_backend().".to_owned()
            }
            Problem::Locked { .. } => {
                "Wait until that transaction has ended, or give it more time with SET lock_timeout.".to_owned()
            }
            Problem::Stale { .. } => "Nothing was sent. Run it again.".to_owned(),
            Problem::Nested => "Call it by itself, once the rows are as they should be.".to_owned(),
            Problem::ReadOnly { .. } => "iasql_plan_apply() and iasql_plan_sync() need no writing.".to_owned(),
            Problem::NoModule { nearest, .. } => format!("Did you mean \"{nearest}\"? See iasql_modules_list()."),
            Problem::NullName => "SELECT * FROM iasql_modules_list(); names them.".to_owned(),
            Problem::NoVersion { module, exists, .. } => format!("There is {module}@{exists}."),
            Problem::NotInstalled { .. } => "SELECT * FROM iasql_modules_installed(); names what is.".to_owned(),
            Problem::Needed { dependents, .. } => {
                let list: Vec<String> = dependents.iter().map(|name| format!("'{name}'")).collect();
                format!("Name them too: SELECT * FROM iasql_uninstall(…, {});", list.join(", "))
            }
            Problem::NameTaken { table, schema } => format!(
                "ALTER TABLE {schema}.{table} RENAME TO …; or install into another schema: CREATE SCHEMA aws; SET \
                 search_path = aws, {schema};",
                schema = identifier(schema)
            ),
            Problem::TableGone { module, .. } => format!(
                "SELECT * FROM iasql_uninstall('{module}'); and install it again. Nothing in AWS is deleted by that."
            ),
            Problem::ColumnGone { table, .. } => {
                format!("Every column of {table} must stay; its module can be uninstalled and installed again.")
            }
            Problem::ColumnType { table, column, .. } => {
                format!("ALTER TABLE {table} ALTER COLUMN {column} TYPE …; as it was installed.")
            }
            Problem::OtherSchema { schema, .. } => {
                format!("Install it there: SET search_path = {};", identifier(schema))
            }
            Problem::NoSchema => "CREATE SCHEMA aws; SET search_path = aws;".to_owned(),
            Problem::Refused { refusals } => refusals.first().and_then(refusal_hint)?,
            Problem::StepsFailed(run) => run.hint.clone(),
            Problem::Journal(error) => error.hint().to_owned(),
            Problem::TableDenied { table, privilege, user } => {
                format!("GRANT {privilege} ON {table} TO {};", identifier(user))
            }
            Problem::AwsThreadDied | Problem::Unreadable { .. } => return None,
        };
        Some(hint)
    }
}

impl From<Problem> for ErrorReport {
    fn from(problem: Problem) -> ErrorReport {
        let mut report = ErrorReport::new(problem.code(), problem.to_string(), "iasql");
        if let Some(detail) = problem.detail() {
            report = report.set_detail(detail);
        }
        if let Some(hint) = problem.hint() {
            report = report.set_hint(hint);
        }
        report
    }
}

fn aws_code(error: &AwsError) -> PgSqlErrorCode {
    use PgSqlErrorCode::*;
    match error.class {
        Class::Denied => ERRCODE_INSUFFICIENT_PRIVILEGE,
        Class::Credentials => ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION,
        Class::NotSent => ERRCODE_CONNECTION_FAILURE,
        Class::NoAnswer | Class::Malformed => ERRCODE_CONNECTION_FAILURE,
        Class::Throttled | Class::Fault => ERRCODE_SYSTEM_ERROR,
        Class::Refused | Class::Unsupported => ERRCODE_FDW_ERROR,
        Class::Cancelled => ERRCODE_QUERY_CANCELED,
    }
}

/// What AWS said: the operation, the code, the request id.
pub fn aws_detail(error: &AwsError) -> String {
    format!(
        "AWS operation {}, code {}, request id {}: {}",
        error.operation,
        error.code.as_deref().unwrap_or("none"),
        error.request_id.as_deref().unwrap_or("none"),
        error.message
    )
}

/// What to do about an error of AWS.
pub fn aws_hint(error: &AwsError) -> Option<String> {
    if error.code.as_deref() == Some("RepositoryNotEmptyException") {
        return Some(
            "Delete the images of the repository, then run iasql_apply() again.".to_owned(),
        );
    }
    let hint = match error.class {
        Class::Denied => format!("Allow the action {} to the role or user.", error.operation),
        Class::Credentials => {
            "Check the options of the user mapping (\\deu+), or the credentials of the server process.".to_owned()
        }
        Class::NotSent => "Check the server's endpoint_url and region, and the network.".to_owned(),
        Class::NoAnswer | Class::Fault | Class::Throttled => {
            "Run it again: what was done is not done twice.".to_owned()
        }
        Class::Malformed => {
            "Check that the server's endpoint_url is an AWS endpoint; something else answered.".to_owned()
        }
        Class::Refused | Class::Unsupported => {
            "Change the row, look at iasql_plan_apply(), and run iasql_apply() again.".to_owned()
        }
        Class::Cancelled => return None,
    };
    Some(hint)
}

/// What to say about a table that could not be read.
pub fn unread(unread: &Unread) -> ErrorReport {
    let Unread {
        table,
        region,
        error,
    } = unread;
    let place = match region.as_str() {
        "" => String::new(),
        region => format!(" in {region}"),
    };
    let report = ErrorReport::new(
        PgSqlErrorCode::ERRCODE_WARNING,
        format!("cannot read {table}{place}: {error}; its rows are left as they are"),
        "iasql",
    )
    .set_detail(aws_detail(error));
    let hint = match error.class {
        // AWS says of credentials that are good elsewhere that it does not know them in a region that is off.
        Class::Credentials => Some(format!(
            "Enable the region in the account, or: UPDATE iasql.region SET is_enabled = false WHERE region = '{region}';"
        )),
        Class::Refused | Class::Unsupported | Class::Malformed => {
            Some("The endpoint may not have this service.".to_owned())
        }
        _ => aws_hint(error),
    };
    match hint {
        Some(hint) => report.set_hint(hint),
        None => report,
    }
}

fn columns(differences: &[Difference]) -> String {
    let changes: Vec<String> = differences
        .iter()
        .map(|difference| {
            format!(
                "{}: {} in AWS, {} in the row",
                difference.column, difference.before, difference.after
            )
        })
        .collect();
    changes.join(", ")
}

/// A row by its table and id, and by its name where it has one.
fn row_text(key: &RowKey, name: &str) -> String {
    match name {
        "" => key.to_string(),
        name => format!("{key} \"{name}\""),
    }
}

/// A refusal in one line.
pub fn refusal_text(refusal: &Refusal) -> String {
    let row = row_text(&refusal.key, &refusal.name);
    match &refusal.why {
        Because::Differs {
            object,
            differences,
        } => {
            format!(
                "{row}: {object} exists already and differs in {}",
                columns(differences)
            )
        }
        Because::TwoRows { object, other } => {
            format!("{row}: {object} already belongs to {other}")
        }
        Because::Dangling {
            column,
            table,
            value,
        } => {
            format!("{row}: {column} refers to no row of {table}: {value}")
        }
        Because::Drift(differences) => {
            format!(
                "{row}: changed in AWS by somebody else: {}",
                columns(differences)
            )
        }
        Because::ReplaceInUse { columns, user } => format!(
            "{row}: a change of {} makes a new object, and {} {} still uses the old one of the same name",
            columns.join(", "),
            user.table,
            user.id
        ),
        Because::AccountOwned(columns) => format!(
            "{row}: belongs to the account itself and cannot be replaced; changed: {}",
            columns.join(", ")
        ),
        Because::Protected(action) => {
            format!("{row}: is protected, and the plan would {action} it")
        }
        Because::TooManyDeletes { deletes, allowed } => {
            format!("the plan deletes {deletes} objects; iasql.max_deletes allows {allowed}")
        }
        Because::Unsaid => {
            format!("{row}: the object has something that no column says, and would lose it")
        }
        Because::Circle(rows) => {
            let rows: Vec<String> = rows.iter().map(ToString::to_string).collect();
            format!("steps wait for each other in a circle: {}", rows.join(", "))
        }
    }
}

fn refusal_hint(refusal: &Refusal) -> Option<String> {
    let hint = match &refusal.why {
        Because::Differs { .. } => {
            "SELECT iasql_sync(); takes what is in AWS, SET iasql.adopt = 'overwrite'; lets \
                                    the row win."
        }
        Because::TwoRows { .. } => "Delete one of the rows.",
        Because::Dangling { .. } => {
            "Install the module of the table it refers to, or enable its region."
        }
        Because::Drift(_) => {
            "SELECT iasql_sync(); takes what is in AWS, SET iasql.on_drift = 'enforce'; puts it back."
        }
        Because::ReplaceInUse { .. } => {
            "Change the row's name as well: then the new object is made first and what \
                                         uses it moves over."
        }
        Because::AccountOwned(_) => "SELECT iasql_sync(); puts the row back.",
        Because::Protected(_) => {
            "UPDATE the row SET protected = false, apply, and then delete or change it."
        }
        Because::TooManyDeletes { .. } => {
            "Look at iasql_plan_apply(); SET iasql.max_deletes = -1; allows any number."
        }
        Because::Unsaid => "SELECT iasql_sync(); puts the row back.",
        Because::Circle(_) => "Take the change apart: apply in between.",
    };
    Some(hint.to_owned())
}

/// A notice in one line.
pub fn notice_text(notice: &Notice) -> String {
    let row = row_text(&notice.key, &notice.name);
    match &notice.what {
        News::DriftKept(differences) => format!(
            "{row}: changed in AWS by somebody else and kept: {}; iasql_sync() takes it into the row",
            columns(differences)
        ),
        News::PutBack(columns) => {
            format!(
                "{row}: AWS fills {}; the edit is put back",
                columns.join(", ")
            )
        }
        News::ChoiceStays(columns) => format!(
            "{row}: NULL leaves {} to AWS, which keeps what it is",
            columns.join(", ")
        ),
        News::GoneAndLeft => {
            format!("{row}: is gone from AWS and was not made here; iasql_sync() drops the row")
        }
        News::GoneAndMadeAgain => format!("{row}: is gone from AWS and is made again"),
        News::AccountOwned => format!(
            "{row}: belongs to the account itself and is never deleted; its row is put back"
        ),
        News::GoesWithAnother(with) => {
            format!("{row}: comes and goes with {with}; its row is put back")
        }
        News::Unread => format!("{row}: could not be read and is left as it is"),
        News::Unsaid => {
            format!("{row}: the object has something that no column says; nothing is changed")
        }
        News::RolledBack(object) => format!(
            "{row}: {object} was made by a run whose row was rolled back; iasql_sync() imports it"
        ),
    }
}
