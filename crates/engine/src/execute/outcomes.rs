//! How a run ended, and what there is to write for it.

use crate::object::Object;
use crate::plan::{Action, Effects, Step, Work, settle};
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
    /// Objects that AWS made along with ours and that get rows of their own.
    pub imported: Vec<Object>,
}

impl<E> Outcomes<E> {
    /// What there is to write for the steps that are done, besides rows for what was imported.
    ///
    /// A row whose old object is still there after its replacement keeps standing for that one: the next plan finds
    /// the new one by the journal and goes on.
    pub fn effects(&self) -> Effects {
        let mut effects = Effects::default();
        let half_replaced = self.half_replaced();
        for (step, outcome) in self.steps.iter().zip(&self.outcomes) {
            match (outcome, &step.row) {
                (Outcome::Done(Some(object)), Some(row)) if !half_replaced.contains(&step.key) => {
                    let write_back = settle(step.key, row, &object.row);
                    effects.write_back.extend(write_back);
                    effects.agree.push((step.key, step.agreement(object)));
                }
                (Outcome::Done(_), None) if step.action == Action::Delete => {
                    effects.forget.push(step.key);
                }
                _ => {}
            }
        }
        effects
    }

    fn half_replaced(&self) -> BTreeSet<RowKey> {
        self.steps
            .iter()
            .zip(&self.outcomes)
            .filter(|(step, outcome)| {
                step.action == Action::Replace
                    && step.work == Work::Delete
                    && !matches!(outcome, Outcome::Done(_))
            })
            .map(|(step, _)| step.key)
            .collect()
    }
}
