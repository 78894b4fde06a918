//! What a database and an account hold after one transaction and then the other, as the documents tell it.

use super::acts::{Act, Side};
use std::collections::BTreeMap;

/// Log groups by name, and for how many days each keeps what it holds.
pub type Groups = BTreeMap<String, u32>;

/// What is compared when both sessions have ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// Whether the extension is there.
    pub extension: bool,
    /// Whether `aws_iam` is installed.
    pub iam: bool,
    /// The rows, if their table is there.
    pub rows: Option<Groups>,
    /// The account.
    pub cloud: Groups,
}

/// How a transaction has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    Commit,
    Rollback,
}

/// A state, and what rows and account last agreed on.
#[derive(Debug, Clone)]
pub struct Model {
    state: State,
    known: Groups,
}

impl Model {
    /// As every order begins: `a` is to be changed, `c` to be made, `d` to be deleted, and `e` is nobody's.
    pub fn start() -> Self {
        Self {
            state: State {
                extension: true,
                iam: false,
                rows: Some(groups([("a", 3), ("b", 1), ("c", 1)])),
                cloud: groups([("a", 1), ("b", 1), ("d", 1), ("e", 1)]),
            },
            known: groups([("a", 1), ("b", 1), ("d", 1)]),
        }
    }

    /// After transactions one after the other; None where one of them is refused.
    pub fn after(history: &[(Act, Side, End)]) -> Option<State> {
        let mut model = Self::start();
        for (act, side, end) in history {
            let before = model.clone();
            model.act(*act, *side)?;
            if *end == End::Rollback {
                // The account does not roll back.
                model = Self {
                    state: State {
                        cloud: model.state.cloud,
                        ..before.state
                    },
                    ..before
                };
            }
        }
        Some(model.state)
    }

    fn act(&mut self, act: Act, side: Side) -> Option<()> {
        let state = &mut self.state;
        if !state.extension && !act.is_edit() {
            return None;
        }
        match act {
            Act::Plan | Act::UpdateExtension => {}
            Act::Install => state.iam = true,
            Act::Apply => self.apply(),
            Act::Sync => self.sync(),
            Act::DeleteAll => {
                if let Some(rows) = &mut state.rows {
                    rows.clear();
                }
            }
            Act::Uninstall => {
                state.rows.take()?;
                self.known.clear();
            }
            Act::DropExtension => {
                state.extension = false;
                state.iam = false;
            }
            Act::Insert => {
                let old = state.rows.as_mut()?.insert("e".to_owned(), 1);
                return old.is_none().then_some(());
            }
            Act::Update => {
                if let Some(days) = state.rows.as_mut()?.get_mut("a") {
                    *days = side.days();
                }
            }
            Act::Delete => drop(state.rows.as_mut()?.remove("a")),
        }
        Some(())
    }

    fn apply(&mut self) {
        let Some(rows) = &self.state.rows else {
            return;
        };
        let cloud = &mut self.state.cloud;
        cloud.retain(|name, _| rows.contains_key(name) || !self.known.contains_key(name));
        cloud.extend(rows.clone());
        self.known.clone_from(rows);
    }

    fn sync(&mut self) {
        let Some(rows) = &mut self.state.rows else {
            return;
        };
        rows.clone_from(&self.state.cloud);
        self.known.clone_from(rows);
    }
}

fn groups<const N: usize>(groups: [(&str, u32); N]) -> Groups {
    groups
        .into_iter()
        .map(|(name, days)| (name.to_owned(), days))
        .collect()
}
