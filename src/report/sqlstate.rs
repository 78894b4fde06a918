//! The SQLSTATE of each problem.

use super::aws::aws_code;
use super::problem::Problem;
use iasql_engine::plan::Because;
use pgrx::PgSqlErrorCode;

impl Problem {
    pub(super) fn code(&self) -> PgSqlErrorCode {
        use PgSqlErrorCode::*;
        match self {
            Problem::AwsThreadDied => ERRCODE_INTERNAL_ERROR,
            Problem::NoServer { .. } | Problem::NoMapping { .. } | Problem::NoGuard { .. } => {
                ERRCODE_UNDEFINED_OBJECT
            }
            Problem::ServerDenied { .. }
            | Problem::MappingDenied { .. }
            | Problem::ServerNotTrusted { .. }
            | Problem::GuardDisplaced { .. }
            | Problem::SequenceDenied { .. }
            | Problem::TableDenied { .. } => ERRCODE_INSUFFICIENT_PRIVILEGE,
            Problem::NoRegion { .. } | Problem::GuardValue { .. } => {
                ERRCODE_INVALID_PARAMETER_VALUE
            }
            Problem::Aws { error, .. } => aws_code(error),
            Problem::OtherAccount { .. }
            | Problem::Copy
            | Problem::OtherSchema { .. }
            | Problem::Nested => ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
            Problem::Busy { .. } | Problem::Locked { .. } => ERRCODE_LOCK_NOT_AVAILABLE,
            Problem::Stale { .. } | Problem::OldSnapshot { .. } => {
                ERRCODE_T_R_SERIALIZATION_FAILURE
            }
            Problem::Taken { .. } => ERRCODE_UNIQUE_VIOLATION,
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
                Some(
                    Because::Differs { .. } | Because::TwoRows { .. } | Because::WantedTwice { .. },
                ) => ERRCODE_DUPLICATE_OBJECT,
                Some(Because::Dangling { .. }) => ERRCODE_FOREIGN_KEY_VIOLATION,
                _ => ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
            },
            Problem::StepsFailed { error, .. } => aws_code(error),
            Problem::JournalLost { error, .. } => error.code(),
        }
    }
}
