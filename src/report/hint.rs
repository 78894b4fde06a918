//! What each problem says besides: the facts that its message leaves out, and what to type next.

use super::aws::{aws_detail, aws_hint};
use super::plan::{refusal_detail, refusal_hint, refusal_text};
use super::problem::Problem;
use crate::sql::identifier;

impl Problem {
    pub(super) fn detail(&self) -> Option<String> {
        match self {
            Problem::Aws { error, .. } => Some(aws_detail(error)),
            Problem::Busy { holder } => Some(holder.clone()),
            Problem::Locked { holders, .. } => Some(holders.clone()),
            Problem::Taken { detail, .. } => Some(detail.clone()),
            // The message of a single refusal is all there is to say.
            Problem::Refused { refusals } => match refusals.as_slice() {
                [refusal] => refusal_detail(refusal),
                refusals => {
                    let lines = refusals
                        .iter()
                        .flat_map(|refusal| [Some(refusal_text(refusal)), refusal_detail(refusal)]);
                    let lines: Vec<String> = lines.flatten().collect();
                    Some(lines.join("\n"))
                }
            },
            Problem::StepsFailed { steps, error } => {
                Some(format!("{}\n{steps}", aws_detail(error)))
            }
            Problem::JournalLost { steps, .. } => Some(steps.to_string()),
            Problem::TableDenied {
                privilege, table, ..
            } => Some(format!("The plan needs {privilege} on {table}.")),
            Problem::SequenceDenied { sequence, .. } => {
                Some(format!("The plan needs USAGE on {sequence}."))
            }
            _ => None,
        }
    }

    pub(super) fn hint(&self) -> Option<String> {
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
            Problem::ServerNotTrusted { server, superuser: true, .. } => format!(
                "ALTER SERVER {} OWNER TO CURRENT_USER; if it may be trusted, or use another one: SET iasql.server.",
                identifier(server)
            ),
            Problem::ServerNotTrusted { server, .. } => format!(
                "A superuser can take it over: ALTER SERVER {} OWNER TO CURRENT_USER; or use credentials of your own: \
                 ALTER USER MAPPING.",
                identifier(server)
            ),
            Problem::GuardDisplaced { setting } => {
                format!("Connect without {setting} in the options (PGOPTIONS).")
            }
            Problem::NoGuard { .. } => {
                "The guards are iasql.adopt, iasql.on_drift and iasql.max_deletes.".to_owned()
            }
            Problem::GuardValue { .. } => {
                "iasql.adopt is equal or overwrite, iasql.on_drift is refuse, keep, owned or enforce, and \
                 iasql.max_deletes is a number, or -1 for any."
                    .to_owned()
            }
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
            Problem::Taken { .. } => {
                "Another transaction inserted the row meanwhile, or a trigger did. Nothing was sent. Run it again in a new transaction.".to_owned()
            }
            Problem::OldSnapshot { .. } => {
                "Nothing was sent. Roll back, and run it again in a new transaction.".to_owned()
            }
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
            Problem::StepsFailed { error, .. } => aws_hint(error)?,
            Problem::JournalLost { error, .. } => error.hint().to_owned(),
            Problem::TableDenied { table, privilege, user } => {
                format!("GRANT {privilege} ON {table} TO {};", identifier(user))
            }
            Problem::SequenceDenied { sequence, user } => {
                format!("GRANT USAGE ON SEQUENCE {sequence} TO {};", identifier(user))
            }
            Problem::AwsThreadDied | Problem::Unreadable { .. } => return None,
        };
        Some(hint)
    }
}
