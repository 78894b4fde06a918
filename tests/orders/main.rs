//! Two transactions at once, in every order: what each of them said is true at the end.
//!
//! Each act of one session meets each act of another, at every isolation level: the first is held open while the second
//! begins, and is then committed or rolled back; or it is committed after the second has begun. After each order
//!
//! - both have ended in time, the second in success or in an error that the rules name;
//! - rows and account hold what one of the transactions after the other would have left, those that failed left out: no
//!   edit is lost, nothing is made twice, nothing is forgotten;
//! - one apply and one sync put the rest in order, and a second apply writes nothing.

mod acts;
mod model;
mod rules;
mod world;

use std::fmt;
use std::thread;
use std::time::{Duration, Instant};

use acts::{ACTS, Act, Side};
use iasql_tests::matrix::{Cases, is_full, run_all};
use iasql_tests::running::{Running, end, start};
use iasql_tests::{Error, Result, Rows, Session, ensure};
use model::{End, Model, State};
use rules::Outcome;
use world::World;

/// One order of two transactions.
#[derive(Debug, Clone, Copy)]
struct Order {
    first: Act,
    second: Act,
    level: Level,
    moment: Moment,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    ReadCommitted,
    RepeatableRead,
    Serializable,
}

const LEVELS: [Level; 3] = [
    Level::ReadCommitted,
    Level::RepeatableRead,
    Level::Serializable,
];

/// When the first transaction ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Moment {
    /// It is committed when the second waits for it or has ended.
    CommitAfter,
    /// It is rolled back then.
    RollbackAfter,
    /// It is committed between the second's begin and its act.
    CommitBefore,
}

const MOMENTS: [Moment; 3] = [
    Moment::CommitAfter,
    Moment::RollbackAfter,
    Moment::CommitBefore,
];

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ReadCommitted => "READ COMMITTED",
            Self::RepeatableRead => "REPEATABLE READ",
            Self::Serializable => "SERIALIZABLE",
        })
    }
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ended = match self.moment {
            Moment::CommitAfter => "committed while the second is at it",
            Moment::RollbackAfter => "rolled back while the second is at it",
            Moment::CommitBefore => "committed after the second has begun",
        };
        write!(
            f,
            "{}, {ended}; {}; {}",
            self.first, self.second, self.level
        )
    }
}

/// How long a statement may take once nothing is in its way.
const BOUND: Duration = Duration::from_secs(30);

/// A statement that makes no call for so long waits for something.
const QUIET: Duration = Duration::from_millis(400);

#[test]
fn two_transactions_in_any_order_leave_what_one_after_the_other_would() -> Result {
    run_all(
        "orders of two sessions",
        if is_full() { 3 } else { 2 },
        cases(),
        |order| (format!("{}, then", order.first), order.second.to_string()),
        World::start,
        live_through,
    )
}

fn cases() -> Cases<Order> {
    let mut cases = Cases::default();
    for first in ACTS {
        for level in LEVELS {
            for second in ACTS {
                let orders = MOMENTS.map(|moment| Order {
                    first,
                    second,
                    level,
                    moment,
                });
                cases.add(orders.into(), Vec::new());
            }
        }
    }
    cases.sample(|order| Some((order.first, order.moment)));
    cases
}

fn live_through(world: &mut World, order: &Order) -> Result {
    let order = *order;
    world.prepare()?;
    let (first_end, first_pid, second) = run_both(world, order)?;
    let left = world.state()?;
    rules::check(order, first_end, first_pid, &second)?;
    is_serial(order, first_end, &second, &left)?;
    world.converge(&left)
}

/// Runs both transactions; how the first ended and in which process, and how the second did.
fn run_both(world: &mut World, order: Order) -> Result<(End, u32, Outcome)> {
    let Some((mut first, mut second)) = world.pair.take() else {
        return Err(Error::Closed { what: "a session" });
    };
    let first_pid = first.backend_pid()?;
    let begin = format!("BEGIN ISOLATION LEVEL {}", order.level);
    first.query(&begin)?;
    // Above READ COMMITTED this is when the snapshot is taken.
    second.query(&format!("{begin}; SELECT 1"))?;
    first.query(&order.first.sql(Side::First))?;
    let act = order.second.sql(Side::Second);
    let (end_of_first, (mut second, answer)) = if order.moment == Moment::CommitBefore {
        let ended = finish(&mut first, order.moment)?;
        (ended, await_end(start(second, &act))?)
    } else {
        // The snapshot is to be no older than the first's act.
        second.query(&format!("ROLLBACK; {begin}"))?;
        let pid = second.backend_pid()?;
        let running = start(second, &act);
        until_it_waits(world, pid, &running)?;
        let ended = finish(&mut first, order.moment)?;
        (ended, await_end(running)?)
    };
    let outcome = outcome(&mut second, answer)?;
    world.pair = Some((first, second));
    Ok((end_of_first, first_pid, outcome))
}

/// Ends the first transaction. At SERIALIZABLE a commit may fail.
fn finish(first: &mut Session, moment: Moment) -> Result<End> {
    if moment == Moment::RollbackAfter {
        first.query("ROLLBACK")?;
        return Ok(End::Rollback);
    }
    match first.query("COMMIT") {
        Ok(_) => Ok(End::Commit),
        Err(Error::Sql(error)) if error.sqlstate == "40001" => Ok(End::Rollback),
        Err(other) => Err(other),
    }
}

fn outcome(second: &mut Session, answer: Result<Rows>) -> Result<Outcome> {
    match answer {
        Err(Error::Sql(message)) => {
            second.query("ROLLBACK")?;
            second.take_notices();
            Ok(Outcome::Refused(*message))
        }
        Err(other) => Err(other),
        Ok(_) => match second.query("COMMIT") {
            Ok(_) => Ok(Outcome::Done(second.take_notices())),
            Err(Error::Sql(message)) => Ok(Outcome::NotCommitted(*message)),
            Err(other) => Err(other),
        },
    }
}

/// Waits until the statement has ended or waits for the other transaction.
fn until_it_waits(world: &mut World, pid: u32, running: &Running) -> Result {
    let started = Instant::now();
    let (mut calls, mut since) = (0, Instant::now());
    while !running.is_finished() {
        ensure(started.elapsed() < BOUND, || {
            "the second neither ends nor waits".to_owned()
        })?;
        let waits = world.watch.query(&format!(
            "SELECT FROM pg_stat_activity WHERE pid = {pid} AND wait_event_type = 'Lock'"
        ))?;
        let now = world.fixture.proxy().calls().len();
        if now != calls {
            (calls, since) = (now, Instant::now());
        }
        if !waits.is_empty() || since.elapsed() > QUIET {
            break;
        }
        thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}

fn await_end(running: Running) -> Result<(Session, Result<Rows>)> {
    let started = Instant::now();
    while !running.is_finished() {
        ensure(started.elapsed() < BOUND, || "the second hangs".to_owned())?;
        thread::sleep(Duration::from_millis(5));
    }
    Ok(end(running))
}

/// Rows and account are as after one transaction and then the other, without what failed.
fn is_serial(order: Order, first: End, second: &Outcome, left: &State) -> Result {
    let first = (order.first, Side::First, first);
    let second = match second {
        Outcome::Done(_) => Some((order.second, Side::Second, End::Commit)),
        Outcome::NotCommitted(_) => Some((order.second, Side::Second, End::Rollback)),
        Outcome::Refused(_) => None,
    };
    let has_seen_the_first =
        order.moment == Moment::CommitBefore && order.level == Level::ReadCommitted;
    let histories = match second {
        None => vec![vec![first]],
        Some(second) if has_seen_the_first => vec![vec![first, second]],
        Some(second) => vec![vec![first, second], vec![second, first]],
    };
    let possible: Vec<State> = histories
        .iter()
        .filter_map(|history| Model::after(history))
        .collect();
    ensure(possible.contains(left), || {
        format!("there is {left:?}, and there should be one of {possible:?}")
    })
}
