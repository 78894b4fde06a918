//! Errors of AWS, as Postgres says them.

use crate::modules;
use iasql_aws::error::{AwsError, Class};
use iasql_aws::read::Unread;
use pgrx::PgSqlErrorCode;
use pgrx::pg_sys::panic::ErrorReport;

/// The SQLSTATE of an error of AWS.
pub(super) fn aws_code(error: &AwsError) -> PgSqlErrorCode {
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
pub(super) fn aws_detail(error: &AwsError) -> String {
    format!(
        "AWS operation {}, code {}, request id {}: {}",
        error.operation,
        error.code.as_deref().unwrap_or("none"),
        error.request_id.as_deref().unwrap_or("none"),
        error.message
    )
}

/// What to do about an error of AWS.
pub(super) fn aws_hint(error: &AwsError) -> Option<String> {
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
        Class::Credentials if !region.as_str().is_empty() => Some(format!(
            "Enable the region in the account, or: UPDATE iasql.region SET is_enabled = false WHERE region = '{region}';"
        )),
        Class::Throttled => Some(
            "Run it again in a while: the account makes more requests than AWS answers now."
                .to_owned(),
        ),
        Class::NoAnswer => Some(
            "Run it again; if it stays so, check the server's endpoint_url and the network."
                .to_owned(),
        ),
        Class::Fault => Some(format!("Run it again. {}", no_such_service(table))),
        Class::Refused | Class::Unsupported | Class::Malformed => Some(no_such_service(table)),
        Class::Denied | Class::Credentials | Class::NotSent | Class::Cancelled => aws_hint(error),
    };
    match hint {
        Some(hint) => report.set_hint(hint),
        None => report,
    }
}

/// What to do where an endpoint, such as an emulator's, does not have a table's service.
fn no_such_service(table: &str) -> String {
    let module = modules::of_table(table).map_or("…", |module| module.name);
    format!(
        "If the endpoint does not have this service, check the server's endpoint_url, or: SELECT * FROM \
         iasql_uninstall('{module}');"
    )
}
