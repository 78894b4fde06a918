//! What a run has come to: rows, or one error that lists what was done, failed and not tried.

use super::running::title;
use crate::report::{Ended, Problem};
use crate::settings;
use iasql_aws::error::{AwsError, Class};
use iasql_engine::Object;
use iasql_engine::execute::{Outcome, Outcomes};
use iasql_engine::plan::{Step, Work};

/// What was done, in the order in which it happened.
pub type Done = Vec<(String, &'static str, Option<i64>, String)>;

/// What was done, as rows; or the error that lists what was done, failed and not tried.
pub fn report(outcomes: &Outcomes<AwsError>, order: &[usize]) -> Result<Done, Problem> {
    let mut done = Done::new();
    for (step, object) in finished(outcomes, order) {
        let id = (step.work != Work::Delete).then_some(step.key.id);
        let description = description(step, object);
        done.push((step.action.to_string(), step.kind.table, id, description));
    }
    let failed = outcomes.outcomes.iter().find_map(|outcome| match outcome {
        Outcome::Failed(error) => Some(error),
        _ => None,
    });
    match failed {
        None => Ok(done),
        Some(_) if settings::reports_errors() => {
            done.extend(failures(outcomes));
            Ok(done)
        }
        Some(error) => Err(Problem::StepsFailed {
            steps: ended(outcomes, order),
            error: Box::new(error.clone()),
        }),
    }
}

/// How the steps ended, in words.
pub fn ended(outcomes: &Outcomes<AwsError>, order: &[usize]) -> Ended {
    let mut ended = Ended::default();
    for (step, object) in finished(outcomes, order) {
        let line = format!("{} ({})", title(step), description(step, object));
        ended.done.push(line);
    }
    for (step, outcome) in outcomes.steps.iter().zip(&outcomes.outcomes) {
        match outcome {
            Outcome::Done(_) => {}
            Outcome::Failed(error) if error.class == Class::Cancelled => {
                let line = format!("{} (stopped before {})", title(step), error.operation);
                ended.not_tried.push(line);
            }
            Outcome::Failed(error) => ended.failed.push(format!("{}: {error}", title(step))),
            Outcome::NotTried(because) => {
                let because = title(&outcomes.steps[*because]);
                let line = format!("{} (after {because})", title(step));
                ended.not_tried.push(line);
            }
            Outcome::Cancelled => ended.not_tried.push(title(step)),
        }
    }
    ended
}

/// The steps that are done, in the order in which they ended.
fn finished<'a>(
    outcomes: &'a Outcomes<AwsError>,
    order: &'a [usize],
) -> impl Iterator<Item = (&'a Step, Option<&'a Object>)> {
    order
        .iter()
        .filter_map(|position| match &outcomes.outcomes[*position] {
            Outcome::Done(object) => Some((&outcomes.steps[*position], object.as_ref())),
            _ => None,
        })
}

fn description(step: &Step, object: Option<&Object>) -> String {
    object.map_or_else(|| step.description(), |object| object.id.to_string())
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
