//! What a plan refuses and what it wants known, in words.

use crate::{connection, settings, sql};
use iasql_engine::RowKey;
use iasql_engine::plan::{Because, Difference, News, Notice, Refusal};

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
pub(super) fn refusal_text(refusal: &Refusal) -> String {
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
        Because::WantedTwice { other } => {
            format!("{row}: the same object is wanted by {other}")
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
            let deletes = match deletes.len() {
                1 => "1 object".to_owned(),
                count => format!("{count} objects"),
            };
            format!("the plan deletes {deletes}; iasql.max_deletes allows {allowed}")
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

/// What a refusal is about, where its line does not say.
pub(super) fn refusal_detail(refusal: &Refusal) -> Option<String> {
    let Because::TooManyDeletes { deletes, .. } = &refusal.why else {
        return None;
    };
    let deletes: Vec<String> = deletes
        .iter()
        .map(|(key, name)| row_text(key, name))
        .collect();
    Some(format!("It deletes {}.", deletes.join(", ")))
}

/// The statement that loosens a guard and what it does then, and how to come to it for who may not run it.
fn loosen(setting: &str, value: &str, effect: &str) -> String {
    let statement = format!("SET {setting} = {value}; {effect}");
    match settings::may_set(setting) {
        true => format!("{statement}."),
        false => format!(
            "{statement}, where a superuser allows it: GRANT SET ON PARAMETER {setting} TO {};",
            sql::identifier(&connection::current_user())
        ),
    }
}

/// What to do about a refusal.
pub(super) fn refusal_hint(refusal: &Refusal) -> Option<String> {
    let hint = match &refusal.why {
        Because::Differs { .. } => {
            return Some(format!(
                "SELECT iasql_sync(); takes what is in AWS, {}",
                loosen("iasql.adopt", "'overwrite'", "lets the row win")
            ));
        }
        Because::TwoRows { .. } | Because::WantedTwice { .. } => "Delete one of the rows.",
        Because::Dangling { .. } => {
            "Install the module of the table it refers to, or enable its region."
        }
        Because::Drift(_) => {
            return Some(format!(
                "SELECT iasql_sync(); takes what is in AWS, {}",
                loosen("iasql.on_drift", "'enforce'", "puts it back")
            ));
        }
        Because::ReplaceInUse { .. } => {
            "Change the row's name as well: then the new object is made first and what \
                                         uses it moves over."
        }
        Because::AccountOwned(_) => "SELECT iasql_sync(); puts the row back.",
        Because::Protected(_) => {
            "UPDATE the row SET protected = false, apply, and then delete or change it."
        }
        Because::TooManyDeletes { deletes, .. } => {
            let enough = deletes.len().to_string();
            return Some(format!(
                "SELECT * FROM iasql_plan_apply(); shows the plan, SELECT iasql_sync(); puts rows back. {}",
                loosen("iasql.max_deletes", &enough, "lets it pass")
            ));
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
        News::UsersUnread => {
            format!("{row}: is not deleted yet, as what may use it could not be read")
        }
        News::Unsaid => {
            format!("{row}: the object has something that no column says; nothing is changed")
        }
        News::RolledBack(object) => format!(
            "{row}: {object} was made by a run whose row was rolled back; iasql_sync() imports it"
        ),
    }
}
