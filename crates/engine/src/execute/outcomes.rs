//! How a run ended, and what there is to write for it.

use crate::object::Object;
use crate::plan::{Action, Effects, Step, settle};
use crate::row::RowKey;
use std::collections::BTreeSet;

/// How a step ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome<E> {
    /// Done; the object as it is now, None after a delete.
    Done(Option<Object>),
    /// It failed.
    Failed(E),
    /// It was not tried because this step failed.
    NotTried(usize),
    /// It was not tried because the run was cancelled.
    Cancelled,
}

/// How a run ended.
#[derive(Debug)]
pub struct Outcomes<E> {
    /// How each step ended.
    pub outcomes: Vec<Outcome<E>>,
    /// The steps.
    pub steps: Vec<Step>,
    /// Objects that AWS made along with ours and that get rows of their own. Those of a row of which a step is not done
    /// get theirs when it is.
    pub imported: Vec<Object>,
}

impl<E> Outcomes<E> {
    /// These steps have ended so; `imported` came along with the objects of steps.
    pub(super) fn new(
        steps: Vec<Step>,
        outcomes: Vec<Outcome<E>>,
        imported: Vec<(usize, Object)>,
    ) -> Outcomes<E> {
        let mut ended = Outcomes {
            outcomes,
            steps,
            imported: Vec::new(),
        };
        let unsettled = ended.unsettled();
        let settled = imported
            .into_iter()
            .filter(|(step, _)| !unsettled.contains(&ended.steps[*step].key));
        ended.imported = settled.map(|(_, object)| object).collect();
        ended
    }

    /// What there is to write for the steps that are done, besides rows for what was imported. `run` is this run.
    ///
    /// A row of which a step is not done keeps standing for what it stood for: the next plan finds what was done by
    /// the journal and goes on.
    pub fn effects(&self, run: &str) -> Effects {
        let mut effects = Effects::default();
        let unsettled = self.unsettled();
        let mut open: BTreeSet<&(String, u32)> = BTreeSet::new();
        let mut resolved = BTreeSet::new();
        for (position, (step, outcome)) in self.steps.iter().zip(&self.outcomes).enumerate() {
            if unsettled.contains(&step.key) {
                open.extend(&step.resolves);
                continue;
            }
            resolved.extend(step.resolves.iter().cloned());
            resolved.extend(u32::try_from(position).map(|number| (run.to_owned(), number)));
            match (outcome, &step.row) {
                (Outcome::Done(Some(object)), Some(row)) => {
                    let write_back = settle(step.key, row, &object.row);
                    effects.write_back.extend(write_back);
                    effects.agree.push((step.key, step.agreement(object)));
                }
                (_, None) if step.action == Action::Delete => effects.forget.push(step.key),
                _ => {}
            }
        }
        resolved.retain(|step| !open.contains(step));
        effects.resolved = resolved.into_iter().collect();
        effects
    }

    /// The rows of which a step is not done.
    fn unsettled(&self) -> BTreeSet<RowKey> {
        let steps = self.steps.iter().zip(&self.outcomes);
        steps
            .filter(|(_, outcome)| !matches!(outcome, Outcome::Done(_)))
            .map(|(step, _)| step.key)
            .collect()
    }
}
