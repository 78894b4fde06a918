//! Whatever dies, and whenever: one more apply puts everything in order.
//!
//! For each call that changes the cloud, in the tutorial's create, an update of each table and the delete of
//! everything, the backend is killed before the call is sent on, after it was carried out and before its reply comes,
//! and after the reply and before its record is durable. At some of these points the server is stopped or killed
//! instead, or the backend is told to end. After each, one apply: it must succeed, the plans must be empty, and what is
//! in the account must be what is on record, object by object.

use std::fmt;
use std::thread;
use std::time::Duration;

use iasql_tests::matrix::{Cases, Place, is_full, run_all};
use iasql_tests::proxy::{Action, Call, Gate};
use iasql_tests::{Edit, Error, Result, Session, Shutdown, World, ensure, wait_for};

/// A call that is cut off: in which apply, at which point, and how.
#[derive(Debug, Clone)]
struct Case {
    edit: Edit,
    call: String,
    occurrence: usize,
    point: Point,
    end: End,
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} of {}", self.call, self.occurrence, self.edit)
    }
}

/// How far the call has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Point {
    /// Its begin is durable, it has left the backend, and it never arrives.
    Unsent,
    /// It was carried out, and its reply has not come.
    Unanswered,
    /// Its reply has come, and its record is not durable.
    Unrecorded,
}

/// What happens then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    KillBackend,
    KillJournal,
    KillServer,
    StopImmediate,
    StopFast,
    Terminate,
    Cancel,
}

const ENDS: [End; 7] = [
    End::KillBackend,
    End::KillJournal,
    End::KillServer,
    End::StopImmediate,
    End::StopFast,
    End::Terminate,
    End::Cancel,
];

/// The updates that are in the sample: a new revision of what a service runs makes, changes and deletes in one go.
const SAMPLED: [&str; 1] = ["task_definition (replace)"];

const POINTS: [Point; 3] = [Point::Unsent, Point::Unanswered, Point::Unrecorded];

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unsent => "before the call is sent on",
            Self::Unanswered => "before its reply",
            Self::Unrecorded => "before its record",
        })
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::KillBackend => "kill -9 of the backend",
            Self::KillJournal => "kill -9 of the journal's worker",
            Self::KillServer => "kill -9 of the server",
            Self::StopImmediate => "pg_ctl stop -m immediate",
            Self::StopFast => "pg_ctl stop -m fast",
            Self::Terminate => "pg_terminate_backend",
            Self::Cancel => "pg_cancel_backend",
        })
    }
}

#[test]
fn one_apply_after_any_end_at_any_call_puts_everything_in_order() -> Result {
    let mut first = World::start()?;
    let cases = cases(&mut first)?;
    run_all(
        "kill matrix",
        if is_full() { 3 } else { 2 },
        cases,
        place,
        || first.another(),
        cut_off,
    )
}

fn place(case: &Case) -> Place {
    let row = format!("{}, {}", case.end, case.edit.kind());
    (row, case.point.to_string())
}

/// The calls of each edit, recorded in a first clean run, times all points. Every group is an edit and the one that
/// undoes it: each leaves what the other begins with.
fn cases(world: &mut World) -> Result<Cases<Case>> {
    let mut cases = Cases::default();
    let create = recorded(world, Edit::Create)?;
    for (edit, back) in Edit::updates(&SAMPLED) {
        let there = recorded(world, edit)?;
        let back = recorded(world, back)?;
        for end in [End::KillBackend, End::StopImmediate] {
            cases.add(ended(&there, end), ended(&back, end));
        }
    }
    let delete = recorded(world, Edit::Delete)?;
    for (number, end) in ENDS.into_iter().enumerate() {
        let every = match end {
            End::KillBackend | End::StopImmediate => 1,
            _ => 10,
        };
        // Not the same points for all.
        let some = |calls: &[Case]| -> Vec<Case> {
            let cases = ended(calls, end).into_iter();
            cases.skip(number % every).step_by(every).collect()
        };
        cases.add(some(&create), some(&delete));
    }
    cases.sample_updates(&SAMPLED);
    cases.sample(|case| match case.end {
        End::KillBackend | End::StopImmediate => Some(place(case)),
        end => Some((end.to_string(), case.point.to_string())),
    });
    Ok(cases)
}

fn ended(cases: &[Case], end: End) -> Vec<Case> {
    let with = |case: &Case| Case {
        end,
        ..case.clone()
    };
    cases.iter().map(with).collect()
}

/// The calls of the edit that change the cloud, at each point.
fn recorded(world: &mut World, edit: Edit) -> Result<Vec<Case>> {
    let calls = world.live_through(edit)?.into_iter();
    let case = |call: Call| {
        POINTS.map(|point| Case {
            edit,
            call: call.name.clone(),
            occurrence: call.occurrence,
            point,
            end: End::KillBackend,
        })
    };
    Ok(calls.filter(Call::mutates).flat_map(case).collect())
}

/// One run: an edit, an apply that is cut off, and one apply more.
fn cut_off(world: &mut World, case: &Case) -> Result {
    world.begin(case.edit)?;
    let gate = Gate::closed();
    let (name, occurrence) = (case.call.clone(), case.occurrence);
    let action = match case.point {
        Point::Unsent => Action::HoldAndDrop(gate.clone()),
        Point::Unanswered | Point::Unrecorded => Action::HoldAfter(gate.clone()),
    };
    world.fixture().proxy().set_rule(move |call| {
        if call.name == name && call.occurrence == occurrence {
            action.clone()
        } else {
            Action::Forward
        }
    });
    let mut session = world.session()?;
    let pid = session.backend_pid()?;
    session.query("SET iasql.cancel_grace = '500ms'")?;
    let mut watch = world.session()?;
    let mut locker = world.session()?;
    thread::scope(|scope| -> Result {
        let apply = scope.spawn(move || session.query("SELECT * FROM iasql_apply()"));
        gate.wait_until_reached()?;
        if case.point == Point::Unrecorded {
            locker.query("BEGIN; LOCK TABLE iasql.journal IN SHARE MODE")?;
            gate.open();
            wait_until_a_record_waits(&mut watch)?;
        }
        end(world, case.end, pid, &mut watch)?;
        let cut = apply.join().map_err(|_| Error::Broken {
            promise: "the session's thread panicked".to_owned(),
        })?;
        ensure(cut.is_err(), || "the apply was not cut off".to_owned())
    })?;
    drop(locker);
    gate.open();
    world.fixture().proxy().forward_all();
    was_begun(&mut world.session()?, case)?;
    pass_a_minute(&mut world.session()?)?;
    world.apply()?;
    world.end(case.edit)
}

/// What was not answered is looked for until a minute has passed; here it has.
fn pass_a_minute(session: &mut Session) -> Result {
    session
        .query(
            "SET session_replication_role = replica;
             UPDATE iasql.journal SET logged_at = logged_at - interval '1 minute'",
        )
        .map(drop)
}

/// The journal's table is locked: a reply that has come cannot become a record.
fn wait_until_a_record_waits(watch: &mut Session) -> Result {
    wait_for(
        "a record to wait for the lock",
        Duration::from_secs(10),
        || {
            let waiting = watch.query(
                "SELECT 1 FROM pg_locks WHERE relation = 'iasql.journal'::regclass AND NOT granted",
            )?;
            Ok((!waiting.is_empty()).then_some(()))
        },
    )
}

fn end(world: &World, how: End, pid: u32, watch: &mut Session) -> Result {
    let cluster = world.fixture().database().cluster();
    match how {
        End::KillBackend => cluster.crash(pid),
        End::KillJournal => {
            let worker = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'iasql journal'";
            let pid = watch.query(worker)?.scalar().map(str::parse);
            let Some(Ok(pid)) = pid else {
                return Err(Error::Broken {
                    promise: "the journal has no worker".to_owned(),
                });
            };
            cluster.crash(pid)
        }
        End::KillServer => {
            cluster.kill()?;
            cluster.start_again()
        }
        End::StopImmediate => cluster.restart(Shutdown::Immediate),
        End::StopFast => cluster.restart(Shutdown::Fast),
        End::Terminate => watch
            .query(&format!("SELECT pg_terminate_backend({pid})"))
            .map(drop),
        End::Cancel => watch
            .query(&format!("SELECT pg_cancel_backend({pid})"))
            .map(drop),
    }
}

/// The point was really hit: the call's begin is in the journal, and nothing after it.
fn was_begun(session: &mut Session, case: &Case) -> Result {
    let operation = &case.call;
    let records = session.query(&format!(
        "SELECT string_agg(event, ' ' ORDER BY id) FROM iasql.journal
         WHERE operation = '{operation}' AND run = (SELECT run FROM iasql.journal ORDER BY id DESC LIMIT 1)"
    ))?;
    let events = records.scalar().unwrap_or_default();
    let answered = events.matches("done").count();
    let begun = events.matches("begin").count();
    ensure(begun > answered, || {
        format!("{operation} was not cut off: {events}")
    })
}
