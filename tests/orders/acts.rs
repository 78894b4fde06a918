//! What a session does in one transaction.

use std::fmt;

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Act {
    Install,
    Apply,
    Sync,
    Plan,
    DeleteAll,
    Uninstall,
    UpdateExtension,
    DropExtension,
    Insert,
    Update,
    Delete,
}

pub const ACTS: [Act; 11] = [
    Act::Install,
    Act::Apply,
    Act::Sync,
    Act::Plan,
    Act::DeleteAll,
    Act::Uninstall,
    Act::UpdateExtension,
    Act::DropExtension,
    Act::Insert,
    Act::Update,
    Act::Delete,
];

/// Which of the two sessions it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    First,
    Second,
}

impl Side {
    /// What this session's edit sets: each its own, so that the end shows whose is there.
    pub fn days(self) -> u32 {
        match self {
            Self::First => 7,
            Self::Second => 14,
        }
    }
}

impl Act {
    /// The statement.
    pub fn sql(self, side: Side) -> String {
        let days = side.days();
        match self {
            Self::Install => "SELECT iasql_install('aws_iam')".to_owned(),
            Self::Apply => "SELECT iasql_apply()".to_owned(),
            Self::Sync => "SELECT iasql_sync()".to_owned(),
            Self::Plan => "SELECT iasql_plan_apply()".to_owned(),
            Self::DeleteAll => "SELECT delete_all_records()".to_owned(),
            Self::Uninstall => "SELECT iasql_uninstall('aws_cloudwatch')".to_owned(),
            Self::UpdateExtension => "ALTER EXTENSION iasql UPDATE".to_owned(),
            Self::DropExtension => "DROP EXTENSION iasql CASCADE".to_owned(),
            Self::Insert => {
                "INSERT INTO log_group (log_group_name, retention_in_days) VALUES ('e', 1)"
                    .to_owned()
            }
            Self::Update => format!(
                "UPDATE log_group SET retention_in_days = {days} WHERE log_group_name = 'a'"
            ),
            Self::Delete => "DELETE FROM log_group WHERE log_group_name = 'a'".to_owned(),
        }
    }

    /// Whether only one session at a time may be at it.
    pub fn is_run(self) -> bool {
        matches!(
            self,
            Self::Install | Self::Apply | Self::Sync | Self::DeleteAll | Self::Uninstall
        )
    }

    /// Whether it edits a row.
    pub fn is_edit(self) -> bool {
        matches!(self, Self::Insert | Self::Update | Self::Delete)
    }
}

impl fmt::Display for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Install => "install",
            Self::Apply => "apply",
            Self::Sync => "sync",
            Self::Plan => "plan",
            Self::DeleteAll => "delete all",
            Self::Uninstall => "uninstall",
            Self::UpdateExtension => "update extension",
            Self::DropExtension => "drop extension",
            Self::Insert => "insert",
            Self::Update => "update",
            Self::Delete => "delete",
        })
    }
}
