//! What a run has come to: rows, or one error that lists what was done, failed and not tried.

use super::running::title;
use crate::report::{FailedRun, Problem, aws_hint};
use crate::settings;
use iasql_aws::error::AwsError;
use iasql_engine::execute::{Outcome, Outcomes};
use iasql_engine::plan::Work;

/// What was done, in the order in which it happened.
pub type Done = Vec<(String, &'static str, Option<i64>, String)>;

/// What was done, as rows; or the error that lists what was done, failed and not tried.
pub fn report(outcomes: &Outcomes<AwsError>, order: &[usize]) -> Result<Done, Problem> {
    let mut done = Done::new();
    let mut lines = Vec::new();
    let (mut failed, mut not_tried, mut first) = (Vec::new(), Vec::new(), None);
    for position in order {
        let step = &outcomes.steps[*position];
        if let Outcome::Done(object) = &outcomes.outcomes[*position] {
            let object = object.as_ref().map(|object| object.id.to_string());
            let id = (step.work != Work::Delete).then_some(step.key.id);
            let description = object.unwrap_or_else(|| step.description());
            lines.push(format!("{} ({description})", title(step)));
            done.push((step.action.to_string(), step.kind.table, id, description));
        }
    }
    for (step, outcome) in outcomes.steps.iter().zip(&outcomes.outcomes) {
        match outcome {
            Outcome::Done(_) => {}
            Outcome::Failed(error) => {
                failed.push(format!("{}: {error}", title(step)));
                first.get_or_insert_with(|| error.clone());
            }
            Outcome::NotTried(because) => {
                let because = title(&outcomes.steps[*because]);
                not_tried.push(format!("{} (after {because})", title(step)));
            }
            Outcome::Cancelled => not_tried.push(format!("{} (cancelled)", title(step))),
        }
    }
    match first {
        None => Ok(done),
        Some(_) if settings::reports_errors() => {
            done.extend(failures(outcomes));
            Ok(done)
        }
        Some(error) => Err(Problem::StepsFailed(Box::new(FailedRun {
            hint: aws_hint(&error).unwrap_or_default(),
            failed,
            done: lines,
            not_tried,
            error,
        }))),
    }
}

/// The steps that failed or were not tried, as rows.
fn failures(outcomes: &Outcomes<AwsError>) -> Done {
    let steps = outcomes.steps.iter().zip(&outcomes.outcomes);
    steps
        .filter_map(|(step, outcome)| {
            let (action, description) = match outcome {
                Outcome::Done(_) => return None,
                Outcome::Failed(error) => ("failed", format!("{}: {error}", title(step))),
                Outcome::NotTried(_) | Outcome::Cancelled => ("not tried", title(step)),
            };
            let id = step.row.as_ref().map(|_| step.key.id);
            Some((action.to_owned(), step.kind.table, id, description))
        })
        .collect()
}
