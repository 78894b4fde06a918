//! Which rows go when all records are deleted.

use crate::kind::Catalog;
use crate::object::Known;
use crate::plan::{Desired, bind::Names};
use crate::row::{Region, Row, RowKey};
use crate::value::Value;
use std::collections::{BTreeMap, HashMap, HashSet};

/// The rows to delete: all but those that are protected or that the account itself owns, those that a kept row refers
/// to, and those that belong to a kept row and refer to nothing that goes.
pub fn rows_to_delete(
    catalog: &Catalog,
    desired: &[Desired],
    known: &BTreeMap<RowKey, Known>,
) -> Vec<RowKey> {
    let names = Names::new(catalog, desired);
    let targets: HashMap<RowKey, Targets> = desired
        .iter()
        .map(|row| (row.key, Targets::of(row, catalog, &names)))
        .collect();
    let mut kept: HashSet<RowKey> = HashSet::new();
    let mut next: Vec<RowKey> = desired
        .iter()
        .filter(|row| {
            let agreed = known.get(&row.key);
            row.protected || agreed.is_some_and(|known| known.protected || known.account_owned)
        })
        .map(|row| row.key)
        .collect();
    while let Some(key) = next.pop() {
        if let (true, Some(targets)) = (kept.insert(key), targets.get(&key)) {
            next.extend(&targets.refers_to);
        }
    }
    // What belongs to a kept row is no reason to keep anything more.
    let belonging: Vec<RowKey> = targets
        .iter()
        .filter(|(_, targets)| {
            targets
                .belongs_to
                .is_some_and(|whole| kept.contains(&whole))
                && targets.refers_to.iter().all(|other| kept.contains(other))
        })
        .map(|(key, _)| *key)
        .collect();
    kept.extend(belonging);
    let mut gone: Vec<RowKey> = targets
        .into_keys()
        .filter(|key| !kept.contains(key))
        .collect();
    gone.sort();
    gone
}

/// These rows and all that they lead to.
pub(crate) fn with_targets(
    catalog: &Catalog,
    names: &Names,
    desired: &[Desired],
    which: impl Fn(&Desired) -> bool,
) -> HashSet<RowKey> {
    let rows: HashMap<RowKey, &Desired> = desired.iter().map(|row| (row.key, row)).collect();
    let these = desired.iter().filter(|row| which(row));
    let mut next: Vec<RowKey> = these.map(|row| row.key).collect();
    let mut reached = HashSet::new();
    while let Some(key) = next.pop() {
        if let (true, Some(row)) = (reached.insert(key), rows.get(&key)) {
            next.extend(Targets::of(row, catalog, names).refers_to);
        }
    }
    reached
}

/// The rows that a row refers to.
#[derive(Default)]
pub(crate) struct Targets {
    pub(crate) refers_to: Vec<RowKey>,
    /// The one among them that the row belongs to.
    belongs_to: Option<RowKey>,
}

impl Targets {
    pub(crate) fn of(desired: &Desired, catalog: &Catalog, names: &Names) -> Targets {
        let mut targets = Targets::default();
        targets.add(&desired.row, &desired.region, catalog, names);
        targets
    }

    fn add(&mut self, row: &Row, region: &Region, catalog: &Catalog, names: &Names) {
        for (position, column) in row.kind().columns.iter().enumerate() {
            let kind = column
                .reference
                .and_then(|reference| Some((reference, catalog.kind(reference.table)?)));
            let target = match (row.at(position), kind) {
                (Value::Parts(parts), _) => {
                    for part in parts {
                        self.add(part, region, catalog, names);
                    }
                    continue;
                }
                (Value::Int(id), Some((_, kind))) => Some(RowKey {
                    table: kind.table,
                    id: *id,
                }),
                (Value::Text(name), Some((reference, kind))) => {
                    names.row(kind, reference.column, region, name)
                }
                _ => None,
            };
            self.refers_to.extend(target);
            if column.belongs {
                self.belongs_to = target;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kind::{Kind, boolean, refers_to, text};

    static GROUP: Kind = Kind::regional("group", &[text("name").key()]);
    static RULE: Kind = Kind::regional(
        "rule",
        &[
            refers_to("group_id", "group").key().belongs(),
            refers_to("source_id", "group").key(),
            boolean("is_egress"),
        ],
    );

    fn row(table: &'static str, id: i64, row: Row) -> Desired {
        Desired {
            key: RowKey { table, id },
            region: Region::from("us-east-2"),
            row,
            protected: false,
        }
    }

    fn group(id: i64) -> Desired {
        row("group", id, Row::new(&GROUP).with("name", id.to_string()))
    }

    fn rule(id: i64, group: i64, source: Option<i64>) -> Desired {
        let rule = Row::new(&RULE)
            .with("group_id", group)
            .with("source_id", source);
        row("rule", id, rule)
    }

    fn gone(rows: &[Desired]) -> Vec<String> {
        let catalog = Catalog::new([&GROUP, &RULE]).unwrap();
        let gone = rows_to_delete(&catalog, rows, &BTreeMap::new());
        gone.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_belongs_to_a_kept_row_stays_unless_it_refers_to_one_that_goes() {
        let kept = Desired {
            protected: true,
            ..group(1)
        };
        let rules = [rule(1, 1, None), rule(2, 1, Some(2)), rule(3, 2, Some(1))];
        let mut rows = vec![kept, group(2)];
        rows.extend(rules);
        assert_eq!(gone(&rows), ["group 2", "rule 2", "rule 3"]);
    }

    #[test]
    fn what_a_kept_row_refers_to_stays() {
        let kept = Desired {
            protected: true,
            ..rule(1, 1, Some(2))
        };
        assert_eq!(gone(&[kept, group(1), group(2), group(3)]), ["group 3"]);
    }
}
