//! Whatever a call is answered: apply succeeds all the same, or says which call failed and what was done, and then one
//! more apply puts everything in order.
//!
//! Every call of the tutorial's create, of an update of each table and of the delete of everything meets every fault.
//! After each, the plans must be empty, and what is in the account must be what is on record, object by object.

mod faults;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use faults::{Fault, Promise, READING, WRITING};
use iasql_tests::matrix::{Cases, is_full, run_all};
use iasql_tests::proxy::{Action, Call, Reply};
use iasql_tests::{Edit, Error, Result, ServerMessage, World, ensure};

/// A call that meets a fault.
#[derive(Debug, Clone)]
struct Case {
    edit: Edit,
    call: String,
    occurrence: usize,
    mutates: bool,
    fault: Fault,
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} of {}", self.call, self.occurrence, self.edit)
    }
}

/// The updates that are in the sample.
const SAMPLED: [&str; 2] = ["target_group", "security_group_rule"];

#[test]
fn any_fault_of_any_call_is_overcome_or_told_and_then_overcome() -> Result {
    let mut first = World::start()?;
    let cases = cases(&mut first)?;
    run_all(
        "fault matrix",
        if is_full() { 3 } else { 2 },
        cases,
        |case| (case.fault.to_string(), column(case)),
        || first.another(),
        meet,
    )
}

fn column(case: &Case) -> String {
    match case.mutates {
        true => case.edit.kind().to_owned(),
        false => "a reading call".to_owned(),
    }
}

/// The calls of each edit, recorded in a first clean run, times the faults. Every group is an edit and the one that
/// undoes it: each leaves what the other begins with.
fn cases(world: &mut World) -> Result<Cases<Case>> {
    let mut cases = Cases::default();
    let create = recorded(world, Edit::Create)?;
    for (edit, back) in Edit::updates(&SAMPLED) {
        let there = recorded(world, edit)?;
        cases.add(there, recorded(world, back)?);
    }
    cases.add(create, recorded(world, Edit::Delete)?);
    cases.sample_updates(&SAMPLED);
    // A create without a name is looked for during a minute before it is sent again.
    let unnamed = ["ec2:CreateVpc", "ecs:RegisterTaskDefinition"];
    let is_slow =
        |case: &Case| case.fault == Fault::InternalError && unnamed.contains(&case.call.as_str());
    cases.sample(|case| (!is_slow(case)).then(|| (case.fault.to_string(), column(case))));
    Ok(cases)
}

fn recorded(world: &mut World, edit: Edit) -> Result<Vec<Case>> {
    let calls = world.live_through(edit)?;
    // Before its first change an update reads what create and delete read, too.
    let reads = match edit.kind() {
        "update" => calls.iter().position(Call::mutates).unwrap_or_default(),
        _ => 0,
    };
    let calls = calls.into_iter().skip(reads);
    // What the emulator does not have fails without us.
    let calls = calls.filter(|call| call.status.is_some_and(|status| status < 500));
    let cases = calls.flat_map(|call| {
        let mutates = call.mutates();
        let faults: &[Fault] = if mutates { &WRITING } else { &READING };
        faults.iter().map(move |fault| Case {
            edit,
            call: call.name.clone(),
            occurrence: call.occurrence,
            mutates,
            fault: *fault,
        })
    });
    Ok(cases.collect())
}

/// One run: an edit, an apply that meets the fault, and, where that was not overcome, one apply without it.
fn meet(world: &mut World, case: &Case) -> Result {
    world.begin(case.edit)?;
    let has_met = Arc::new(AtomicBool::new(false));
    let (met, has) = (case.clone(), Arc::clone(&has_met));
    world.fixture().proxy().set_rule(move |call| {
        if call.name != met.call || call.occurrence < met.occurrence {
            return Action::Forward;
        }
        has.store(true, Ordering::Relaxed);
        met.fault.action(call, call.occurrence - met.occurrence)
    });
    let mut session = world.session()?;
    let first = session.query("SELECT * FROM iasql_apply()");
    world.fixture().proxy().forward_all();
    ensure(has_met.load(Ordering::Relaxed), || {
        "the call was not made".to_owned()
    })?;
    let promise = case.fault.promise(case.edit, &case.call);
    match first {
        // What could not be read is left alone, with a warning.
        Ok(_)
            if session
                .take_notices()
                .iter()
                .any(|notice| warns(case, notice)) =>
        {
            ensure(!case.mutates && promise != Promise::Overcome, || {
                "something was left out".to_owned()
            })?;
            world.apply()?;
        }
        Ok(_) => {
            ensure(promise != Promise::Told, || "nobody was told".to_owned())?;
        }
        Err(Error::Sql(error)) => {
            ensure(promise != Promise::Overcome, || {
                format!("it was not overcome: {error}")
            })?;
            tells(case, &error)?;
            world.apply()?;
        }
        Err(other) => return Err(other),
    }
    world.end(case.edit)
}

fn warns(case: &Case, message: &ServerMessage) -> bool {
    message.severity == "WARNING" && message.detail.contains(&named(case))
}

/// How a message names the call: by the action of IAM's policies, as which one service has another name.
fn named(case: &Case) -> String {
    let action = case.call.replace("tagging:", "tag:");
    format!("AWS operation {action}, code ")
}

/// The error names the call, its code and its request, what was done and what comes next.
fn tells(case: &Case, error: &ServerMessage) -> Result {
    let detail = &error.detail;
    let facts = [named(case), format!("request id {}", Reply::REQUEST_ID)];
    let lists = ["\ndone: ", "\nfailed: ", "\nnot tried: "].map(str::to_owned);
    let lists = lists.iter().filter(|_| case.mutates);
    for told in facts.iter().chain(lists) {
        ensure(detail.contains(told), || {
            format!("it does not say {told}: {error}")
        })?;
    }
    ensure(!error.hint.is_empty(), || format!("no hint: {error}"))
}
