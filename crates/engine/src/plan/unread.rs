//! Deletes that have to wait: AWS would refuse them for what could not be read.

use super::graph::for_each_mention;
use super::{Action, News, Notice, Plan, Step, World};
use crate::object::Object;
use crate::row::ObjectKey;
use std::collections::HashSet;

/// Takes the deletes out of the plan whose objects are used, as far as is known, by objects that could not be read or
/// whose own deletes are taken out. They would wait for what cannot happen.
pub(super) fn hold_deletes(plan: &mut Plan, world: &World<'_>) {
    let mut used: HashSet<ObjectKey> = HashSet::new();
    let mut is_used = |object: &ObjectKey| {
        used.insert(object.clone());
    };
    for (key, known) in &world.known {
        if world.unread.contains(&(key.table, known.region.clone())) {
            let unread = Object::new(&known.region, known.id.clone(), known.row.clone());
            for_each_mention(&unread, &mut is_used);
        }
    }
    loop {
        let is_held = |step: &Step| {
            let object = step.object.as_ref().map(Object::key);
            step.action == Action::Delete && object.is_some_and(|object| used.contains(&object))
        };
        let (held, kept): (Vec<Step>, Vec<Step>) = plan.steps.drain(..).partition(is_held);
        plan.steps = kept;
        if held.is_empty() {
            return;
        }
        for step in held {
            plan.notices.push(Notice {
                key: step.key,
                name: step.name(),
                what: News::UsersUnread,
            });
            if let Some(object) = &step.object {
                for_each_mention(object, &mut |target| {
                    used.insert(target.clone());
                });
            }
        }
    }
}
