//! Buttons that an earlier run has pressed without being able to say so in the row.

use crate::kinds::SERVICE;
use crate::scene::{Scene, key, object, region};
use iasql_engine::journal::{IntendedWork, Intent};
use iasql_engine::plan::Plan;
use iasql_engine::{Row, Value};

fn service() -> Row {
    Row::new(&SERVICE)
        .with("name", "web")
        .with("redeploy", false)
}

/// A row whose button is pressed, and a run that was cut off after it began to do so.
fn pressed(work: IntendedWork, finished: bool) -> (Scene, Intent) {
    let wanted = service().with("redeploy", true);
    let intent = Intent {
        run: "r".to_owned(),
        step: 0,
        key: key(&SERVICE, 1),
        region: region(&SERVICE),
        work,
        cloud_id: Some("arn:web".into()),
        owner_tag: None,
        age: std::time::Duration::ZERO,
        is_complete: false,
        wanted: Some(wanted.clone()),
        finished: finished.then(|| object("arn:web", service()).row),
    };
    (Scene::new().row(1, wanted), intent)
}

fn is_released(plan: &Plan) -> bool {
    let mut values = plan.effects.write_back.iter();
    values.any(|value| value.column == "redeploy" && value.value == Value::Bool(false))
}

#[test]
fn a_button_that_a_run_has_pressed_and_could_not_say_so_is_not_pressed_again() {
    let (scene, intent) = pressed(IntendedWork::Update, true);
    let there = object("arn:web", service());
    let scene = scene.agreed(1, &there).with(there);
    assert_eq!(scene.steps().len(), 1, "without that run it is pressed");
    let cut_off = scene.intends(intent);
    assert_eq!(cut_off.steps(), [""; 0]);
    assert!(is_released(&cut_off.plan()));
}

#[test]
fn a_button_that_may_not_have_been_pressed_is_pressed_again() {
    let (scene, intent) = pressed(IntendedWork::Update, false);
    let there = object("arn:web", service());
    let scene = scene.agreed(1, &there).with(there).intends(intent);
    assert_eq!(scene.steps().len(), 1);
    assert!(!is_released(&scene.plan()));
}

#[test]
fn making_the_object_was_pressing_its_button() {
    let (scene, intent) = pressed(IntendedWork::Create, false);
    let scene = scene.with(object("arn:web", service())).intends(intent);
    assert_eq!(scene.steps(), ["adopt service 1"]);
    let plan = scene.plan();
    assert_eq!(plan.steps[0].changes, []);
    assert!(is_released(&plan));
}

#[test]
fn a_row_that_was_told_is_not_told_again() {
    let (_, intent) = pressed(IntendedWork::Update, true);
    let scene = Scene::new()
        .settled(1, "arn:web", service())
        .intends(intent);
    assert!(!is_released(&scene.plan()));
}
