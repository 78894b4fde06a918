//! The promises.

use super::account::{Account, Failure};
use super::database::Database;
use super::driver::Weather;
use super::seeds::for_each_seed;
use super::story;
use fastrand::Rng;
use iasql_engine::journal::Event;
use iasql_engine::plan::{World, plan};
use iasql_engine::sync::{Import, SyncPlan, plan_sync};
use iasql_engine::{ObjectKey, RowKey};

/// An account with what it owns itself, and tables that know it.
fn installed(seed: u64) -> (Account, Rng) {
    let mut account = Account::new(seed);
    account.cloud.add_default_vpc("172.31.0.0/16");
    account.sync_and_commit();
    (account, Rng::with_seed(seed))
}

/// The same with rows that were applied.
fn lived_in(seed: u64) -> (Account, Rng) {
    let (mut account, mut rng) = installed(seed);
    for _ in 0..rng.usize(1..4) {
        let mut tx = account.database.clone();
        if rng.bool() {
            story::tutorial(&mut tx, &account.catalog, &mut rng);
        }
        story::edit(&mut tx, &account.catalog, &mut rng, 12);
        must_apply(&mut account, tx);
    }
    (account, rng)
}

/// Applies edits, which goes well or is refused before the first call. Says which.
fn must_apply(account: &mut Account, mut tx: Database) -> bool {
    match account.apply(&mut tx, Weather::default()) {
        Ok(_) => {
            account.commit(tx);
            true
        }
        Err(Failure::Refused) => false,
        Err(Failure::Failed(steps)) => panic!("nothing went wrong, and steps failed: {steps:?}"),
        Err(Failure::Crashed) => panic!("nothing cut the run off, and it did not end"),
    }
}

/// Nothing is left to do, to write or to tell.
fn assert_settled(account: &mut Account) {
    account.settle();
    let database = account.database.clone();
    let plan = account.plan(&database);
    let steps: Vec<String> = plan.steps.iter().map(crate::scene::line).collect();
    assert_eq!(steps, [""; 0], "the second plan has steps");
    assert_eq!(plan.refusals, []);
    let effects = plan.effects;
    assert_eq!(effects.write_back, []);
    assert_eq!(effects.agree, []);
    assert_eq!(effects.forget, []);
    assert_eq!(effects.restore, []);
}

/// Nothing is left for a sync.
fn assert_in_sync(account: &mut Account) {
    let database = account.database.clone();
    let plan = account.plan_sync(&database);
    assert_eq!(plan.changes, []);
    assert_eq!(plan.refreshed, []);
    assert_eq!(plan.agree, []);
    assert_eq!(plan.forget, []);
}

fn after_apply_nothing_is_left_in(seed: u64) {
    let (mut account, _) = lived_in(seed);
    assert_settled(&mut account);
    assert_in_sync(&mut account);
    assert_eq!(account.orphans(), []);
}

#[test]
fn after_apply_nothing_is_left() {
    for_each_seed(
        "after_apply_nothing_is_left",
        after_apply_nothing_is_left_in,
    );
}

/// Both hold the same objects, whatever they are called.
fn assert_same_cloud(one: &Account, other: &Account) {
    let (one, other) = (one.cloud.told(), other.cloud.told());
    let only_in = |these: &[String], those: &[String]| {
        let mut rest = those.to_vec();
        let mut only = these.to_vec();
        only.retain(|it| match rest.iter().position(|other| other == it) {
            Some(at) => rest.swap_remove(at).is_empty(),
            None => true,
        });
        only
    };
    let nothing: [String; 0] = [];
    assert_eq!(only_in(&one, &other), nothing, "is there and should not be");
    assert_eq!(only_in(&other, &one), nothing, "should be there and is not");
}

fn cut_anywhere_it_goes_on_in(seed: u64) {
    let (mut account, mut rng) = lived_in(seed);
    let mut tx = account.database.clone();
    story::edit(&mut tx, &account.catalog, &mut rng, 10);
    account.database = tx;
    let mut whole = account.clone();
    let Ok(_) = whole.apply_and_commit(Weather::default()) else {
        return;
    };
    account.cloud.lag = 5_000;
    account.reports_errors = rng.bool();
    for _ in 0..rng.usize(1..4) {
        let weather = Weather {
            faults: 10 * rng.u32(0..4),
            fuse: Some(rng.usize(0..60)),
            cancel: None,
        };
        let _ = account.apply_and_commit(weather);
    }
    account.settle();
    account.reports_errors = false;
    let tx = account.database.clone();
    assert!(must_apply(&mut account, tx), "the whole is refused now");
    assert_settled(&mut account);
    assert_same_cloud(&account, &whole);
    assert_eq!(account.orphans(), []);
}

#[test]
fn cut_anywhere_it_goes_on() {
    for_each_seed("cut_anywhere_it_goes_on", cut_anywhere_it_goes_on_in);
}

/// A run that is cut off has sent nothing before what it needs.
fn no_prefix_of_a_run_breaks_the_order_in(seed: u64) {
    let (mut account, mut rng) = lived_in(seed);
    let mut tx = account.database.clone();
    story::edit(&mut tx, &account.catalog, &mut rng, 12);
    account.database = tx;
    let weather = Weather {
        fuse: Some(rng.usize(0..200)),
        ..Weather::default()
    };
    let _ = account.apply_and_commit(weather);
    let records = account.journal.iter().map(|(_, entry)| &entry.record);
    let refused: Vec<_> = records.filter(|it| it.event == Event::Failed).collect();
    assert!(refused.is_empty(), "{refused:?}");
}

#[test]
fn no_prefix_of_a_run_breaks_the_order() {
    for_each_seed(
        "no_prefix_of_a_run_breaks_the_order",
        no_prefix_of_a_run_breaks_the_order_in,
    );
}

/// What others have made, and nobody has agreed on, stays as it is; the driver looks at every call that changes
/// anything. What no column says stays too.
fn nothing_unknown_is_touched_in(seed: u64) {
    let (mut account, mut rng) = lived_in(seed);
    for _ in 0..rng.usize(1..6) {
        story::meddle(&mut account, &mut rng);
    }
    let known = account.database.objects();
    let is_unknown = |key: &ObjectKey| !known.contains(key) && !account.cloud.ours.contains(key);
    let unknown = account.cloud.things.iter().filter(|it| is_unknown(it.0));
    let unknown: Vec<String> = unknown.map(|(_, it)| account.cloud.tell(it)).collect();
    let mut tx = account.database.clone();
    story::edit(&mut tx, &account.catalog, &mut rng, 12);
    account.database = tx;
    account.cloud.lag = 5_000;
    for _ in 0..2 {
        let weather = Weather {
            faults: 10 * rng.u32(0..4),
            fuse: Some(rng.usize(0..300)),
            cancel: None,
        };
        let _ = account.apply_and_commit(weather);
    }
    let mut there = account.cloud.told();
    for thing in unknown {
        let position = there.iter().position(|it| *it == thing);
        there.swap_remove(position.unwrap_or_else(|| panic!("{thing} is no more")));
    }
}

#[test]
fn nothing_unknown_is_touched() {
    for_each_seed("nothing_unknown_is_touched", nothing_unknown_is_touched_in);
}

/// The same world, whatever the order of its parts.
fn no_order_of_the_world_matters_in(seed: u64) {
    let (mut account, mut rng) = lived_in(seed);
    for _ in 0..rng.usize(0..6) {
        story::meddle(&mut account, &mut rng);
    }
    let mut tx = account.database.clone();
    story::edit(&mut tx, &account.catalog, &mut rng, 6);
    let rules = account.rules;
    let world = account.world(&tx);
    let mut shuffled = world.clone();
    rng.shuffle(&mut shuffled.desired);
    rng.shuffle(&mut shuffled.actual);
    let told = |world: &World<'_>| format!("{:?}", plan(world.clone(), &rules));
    assert_eq!(told(&world), told(&shuffled));
    let told = |world: &World<'_>| format!("{:?}", plan_sync(world.clone()));
    assert_eq!(told(&world), told(&shuffled));
    for object in &mut shuffled.actual {
        story::say_otherwise(&mut object.row, &mut rng);
    }
    let steps = |world: World<'_>| {
        let plan = plan(world, &rules);
        let keys = plan.steps.into_iter().map(|step| (step.action, step.key));
        (keys.collect::<Vec<_>>(), plan.refusals.len())
    };
    assert_eq!(steps(world), steps(shuffled));
}

#[test]
fn no_order_of_the_world_matters() {
    for_each_seed(
        "no_order_of_the_world_matters",
        no_order_of_the_world_matters_in,
    );
}

fn sync_leaves_nothing_to_apply_in(seed: u64) {
    let (mut account, mut rng) = lived_in(seed);
    let mut tx = account.database.clone();
    story::edit(&mut tx, &account.catalog, &mut rng, 6);
    account.database = tx;
    for _ in 0..rng.usize(0..6) {
        story::meddle(&mut account, &mut rng);
    }
    account.sync_and_commit();
    assert_settled(&mut account);
    assert_in_sync(&mut account);
}

#[test]
fn sync_leaves_nothing_to_apply() {
    for_each_seed(
        "sync_leaves_nothing_to_apply",
        sync_leaves_nothing_to_apply_in,
    );
}

/// The rows of new tables, given one by one in any order that has each object after those it refers to.
fn an_import_piece_by_piece_is_a_sync_in(seed: u64) {
    let (mut account, mut rng) = lived_in(seed);
    for _ in 0..rng.usize(0..6) {
        story::meddle(&mut account, &mut rng);
    }
    let database = account.database.clone();
    let mut world = account.world(&database);
    let catalog = world.catalog;
    let first = rng.usize(0..catalog.kinds().count());
    let is_new = |table: &str| catalog.position(table) >= first;
    world.intents.clear();
    world.desired.retain(|row| !is_new(row.key.table));
    world.known.retain(|key, _| !is_new(key.table));
    world.actual.retain(|object| is_new(object.kind().table));
    for (key, known) in &world.known {
        world.unread.insert((key.table, known.region.clone()));
    }
    for row in &world.desired {
        world.unread.insert((row.key.table, row.region.clone()));
    }
    rng.shuffle(&mut world.actual);
    world
        .actual
        .sort_by_key(|object| catalog.position(object.kind().table));
    let objects = world.actual.clone();
    let mut import = Import::new(catalog, &world.desired, &world.known);
    let plan: SyncPlan = plan_sync(world);
    let new = |key: &RowKey| is_new(key.table);
    assert!(plan.changes.iter().all(|change| new(&change.key)));
    let planned: Vec<_> = plan
        .changes
        .into_iter()
        .zip(plan.agree)
        .map(|(change, (key, known))| {
            assert_eq!(change.key, key);
            (change, known)
        })
        .collect();
    let mut imported = Vec::new();
    for object in &objects {
        let planned = planned
            .iter()
            .find(|(_, known)| known.object_key(object.kind().table) == object.key());
        let id = planned.map_or(1, |(change, _)| change.key.id);
        imported.extend(import.row(object, id));
        if rng.bool() {
            let again = import.row(object, id);
            assert_eq!(again, None, "on two pages");
        }
    }
    imported.sort_by_key(|(change, _)| -change.key.id);
    assert_eq!(imported, planned);
}

#[test]
fn an_import_piece_by_piece_is_a_sync() {
    for_each_seed(
        "an_import_piece_by_piece_is_a_sync",
        an_import_piece_by_piece_is_a_sync_in,
    );
}
