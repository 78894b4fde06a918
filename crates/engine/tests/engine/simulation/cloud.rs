//! A cloud in memory, as strict as AWS: names are unique, what is used cannot go, what belongs to the account stays,
//! some objects bring others along, and attributes exist that no column models.

use super::seeds::tell;
use crate::kinds::{GROUP, RULE, WHOLES};
use crate::scene::{EAST, WEST};
use iasql_engine::compare::{leaves_the_choice, same};
use iasql_engine::kind::{Change, Kind};
use iasql_engine::object::Owner;
use iasql_engine::plan::natural_key;
use iasql_engine::{CloudId, Object, ObjectKey, Ref, Region, Row, Value};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

/// An object, with what no column says.
#[derive(Debug, Clone)]
pub struct Thing {
    pub object: Object,
    /// An attribute that no column models. Only whoever put it there may change it.
    pub hidden: Option<u32>,
    /// Lists show it from then on.
    listed_from: u64,
}

/// The account.
#[derive(Debug, Clone)]
pub struct Cloud {
    pub things: BTreeMap<ObjectKey, Thing>,
    /// What was deleted and is still listed, until then.
    ghosts: Vec<(u64, Object)>,
    /// Calls whose sender is gone and that arrive later.
    pub late: Vec<(u64, Call)>,
    /// Everything that a call of ours ever made, with what came along.
    pub ours: BTreeSet<ObjectKey>,
    is_ours: bool,
    ids: u64,
    /// Milliseconds.
    pub now: u64,
    /// How long lists may be behind, in milliseconds.
    pub lag: u64,
    rng: fastrand::Rng,
}

/// A call that changes the account.
#[derive(Debug, Clone)]
pub enum Call {
    Create {
        row: Row,
        region: Region,
        owner_tag: Option<String>,
        /// What the new object takes over that no column says.
        hidden: Option<u32>,
    },
    Set {
        object: ObjectKey,
        values: Vec<(&'static str, Value)>,
    },
    Delete {
        object: ObjectKey,
    },
}

impl Cloud {
    pub fn new(seed: u64) -> Cloud {
        Cloud {
            things: BTreeMap::new(),
            ghosts: Vec::new(),
            late: Vec::new(),
            ours: BTreeSet::new(),
            is_ours: false,
            ids: 0,
            now: 0,
            lag: 0,
            rng: fastrand::Rng::with_seed(seed),
        }
    }

    /// Lets time pass; what was on its way arrives.
    pub fn wait(&mut self, until: u64) {
        let mut late = std::mem::take(&mut self.late);
        late.sort_by_key(|(when, _)| *when);
        for (when, call) in late {
            if when > until {
                self.late.push((when, call));
                continue;
            }
            self.now = self.now.max(when);
            // Nobody hears whether it was refused.
            let result = self.execute(&call);
            tell(|| format!("{when} arrives late: {call:?} → {result:?}"));
        }
        self.now = self.now.max(until);
    }

    /// What a list shows: it may miss what is new, and show what is gone.
    pub fn list(&self, kind: &'static Kind, region: &Region) -> Vec<Object> {
        let things = self.things.values();
        let listed = things
            .filter(|thing| thing.listed_from <= self.now)
            .map(|thing| &thing.object);
        let ghosts = self.ghosts.iter().filter(|(until, _)| *until > self.now);
        listed
            .chain(ghosts.map(|(_, object)| object))
            .filter(|object| object.kind() == kind && object.region == *region)
            .cloned()
            .collect()
    }

    /// The object as it is.
    pub fn describe(&self, key: &ObjectKey) -> Option<&Object> {
        self.things.get(key).map(|thing| &thing.object)
    }

    /// What AWS made along with the object and what is in it: rules of a group, the default group of a VPC.
    pub fn companions(&self, of: &ObjectKey) -> Vec<Object> {
        let with = |thing: &&Thing| {
            thing.object.region == of.region
                && (thing.object.owner == Owner::Object(of.id.clone())
                    || is_automatic(&thing.object) && belongs_to(&thing.object) == Some(&of.id))
        };
        let first: Vec<Object> = self
            .things
            .values()
            .filter(with)
            .map(|thing| thing.object.clone())
            .collect();
        let inner = first.iter().flat_map(|it| self.companions(&it.key()));
        let inner: Vec<Object> = inner.collect();
        first.into_iter().chain(inner).collect()
    }

    pub fn execute(&mut self, call: &Call) -> Result<Option<CloudId>, String> {
        match call {
            Call::Create {
                row,
                region,
                owner_tag,
                hidden,
            } => {
                let mut object = self.create(row.clone(), region.clone(), Owner::User)?;
                object.owner_tag.clone_from(owner_tag);
                let id = object.id.clone();
                self.is_ours = true;
                self.put(object, *hidden);
                let brought = self.bring_along(&id, row.kind(), region);
                self.is_ours = false;
                brought.map(|()| Some(id))
            }
            Call::Set { object, values } => self.set(object, values).map(|()| None),
            Call::Delete { object } => self.delete(object).map(|()| None),
        }
    }

    fn create(&mut self, mut row: Row, region: Region, owner: Owner) -> Result<Object, String> {
        self.ids += 1;
        let kind = row.kind();
        fill_in(&mut row, self.ids);
        self.choose(&mut row, &region)?;
        self.check(&row, &region, None)?;
        let id_column = kind.columns.iter().find(|column| column.cloud_id);
        let id_column = id_column.expect("every kind shows its cloud id");
        let id = match row.text(id_column.name) {
            Some(name) => CloudId::from(name),
            None => CloudId::from(format!("{}-{}", kind.table, self.ids)),
        };
        row.set(id_column.name, id.as_str());
        Ok(Object {
            owner,
            ..Object::new(&region, id, row)
        })
    }

    fn put(&mut self, object: Object, hidden: Option<u32>) {
        let late = match self.lag {
            0 => 0,
            lag => self.rng.u64(0..lag),
        };
        let thing = Thing {
            object,
            hidden,
            listed_from: self.now + late,
        };
        let key = thing.object.key();
        self.ghosts.retain(|(_, ghost)| ghost.key() != key);
        match self.is_ours {
            true => self.ours.insert(key),
            false => self.ours.remove(&key),
        };
        self.things.insert(thing.object.key(), thing);
    }

    /// AWS's own choices.
    fn choose(&mut self, row: &mut Row, region: &Region) -> Result<(), String> {
        let default_vpc = || {
            let mut things = self.things.values().map(|thing| &thing.object);
            things.find(|it| {
                it.kind().table == "vpc" && it.region == *region && it.owner == Owner::Account
            })
        };
        for (position, column) in row.kind().columns.iter().enumerate() {
            if !leaves_the_choice(column, row.at(position)) {
                continue;
            }
            *row.at_mut(position) = match column.name {
                "dns" => true.into(),
                "public" => false.into(),
                "zone" => "a".into(),
                "interval" => 30.into(),
                "description" => "".into(),
                "ssl_policy" => "2016".into(),
                "cpu" => 256.into(),
                "subnets" => Value::List(Box::default()),
                "security_groups" => Value::Parts(Box::default()),
                "vpc" => default_vpc().ok_or("NoDefaultVpc")?.id.clone().into(),
                other => panic!("nothing chooses {other}"),
            };
        }
        for position in 0..row.kind().columns.len() {
            if let Value::Parts(parts) = row.at_mut(position) {
                for part in parts {
                    self.choose(part, region)?;
                }
            }
        }
        Ok(())
    }

    /// Whether an object could have these values.
    fn check(&self, row: &Row, region: &Region, own: Option<&ObjectKey>) -> Result<(), String> {
        for (table, id) in references(row) {
            if self.find(table, region, &id).is_none() {
                return Err(format!("NotFound: {table} {id}"));
            }
        }
        let name = natural_key(row);
        let others = || {
            let things = self.things.values().map(|thing| &thing.object);
            things.filter(|it| {
                it.kind() == row.kind() && it.region == *region && Some(&it.key()) != own
            })
        };
        if name.is_some() && others().any(|other| natural_key(&other.row) == name) {
            return Err(format!(
                "AlreadyExists: {} {}",
                row.kind().table,
                row.name()
            ));
        }
        match row.kind().table {
            "subnet" => {
                let overlaps = others().any(|other| {
                    other.row.get("vpc_id") == row.get("vpc_id")
                        && network(&other.row) == network(row)
                });
                if overlaps {
                    return Err("SubnetConflict".to_owned());
                }
            }
            "service" => {
                let before = own.and_then(|key| self.describe(key));
                let before = before.and_then(|it| it.row.object("target_group_name"));
                let target = row.object("target_group_name");
                if let Some(target) = target.filter(|target| before != Some(target)) {
                    let mut things = self.things.values();
                    let serves = things.any(|thing| {
                        thing.object.kind().table == "listener"
                            && thing.object.region == *region
                            && thing.object.row.object("target_group_name") == Some(target)
                    });
                    if !serves {
                        return Err(format!("NoListener: {target}"));
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn find(&self, table: &str, region: &Region, id: &CloudId) -> Option<&Thing> {
        let kind = WHOLES.iter().find(|kind| kind.table == table)?;
        self.things.get(&ObjectKey {
            table: kind.table,
            region: kind.place(region),
            id: id.clone(),
        })
    }

    fn bring_along(
        &mut self,
        id: &CloudId,
        kind: &'static Kind,
        region: &Region,
    ) -> Result<(), String> {
        let group = match kind.table {
            "security_group" => id.clone(),
            "vpc" => {
                let default = Row::new(&GROUP)
                    .with("group_name", "default")
                    .with("description", "default VPC security group")
                    .with("vpc_id", id.clone())
                    .with("tags", json!({}));
                let owner = Owner::Object(id.clone());
                let group = self.create(default, region.clone(), owner)?;
                let id = group.id.clone();
                self.put(group, None);
                id
            }
            _ => return Ok(()),
        };
        let rule = Row::new(&RULE)
            .with("security_group_id", group)
            .with("is_egress", true)
            .with("port", -1)
            .with("cidr", "0.0.0.0/0");
        let rule = self.create(rule, region.clone(), Owner::User)?;
        self.put(rule, None);
        Ok(())
    }

    fn set(&mut self, key: &ObjectKey, values: &[(&'static str, Value)]) -> Result<(), String> {
        let thing = self.things.get(key).ok_or("NotFound")?;
        let mut row = thing.object.row.clone();
        for (name, value) in values {
            let column = row.kind().column(name).expect("there is such a column");
            match column.change {
                Change::Button => {}
                Change::InPlace => row.set(name, value.clone()),
                Change::Replace | Change::CloudFilled => panic!("{name} cannot be set"),
            }
        }
        self.choose(&mut row, &key.region)?;
        self.check(&row, &key.region, Some(key))?;
        if let Some(thing) = self.things.get_mut(key) {
            thing.object.row = row;
        }
        Ok(())
    }

    fn delete(&mut self, key: &ObjectKey) -> Result<(), String> {
        let Some(thing) = self.things.get(key) else {
            return Ok(());
        };
        match thing.object.owner {
            Owner::User => {}
            Owner::Account => return Err("OperationNotPermitted".to_owned()),
            Owner::Object(_) => return Err("CannotDelete".to_owned()),
        }
        let mut going = vec![key.clone()];
        let mut next = 0;
        while next < going.len() {
            let whole = going[next].clone();
            let inside = self
                .things
                .values()
                .map(|thing| &thing.object)
                .filter(|it| {
                    it.region == whole.region
                        && (it.owner == Owner::Object(whole.id.clone())
                            || belongs_to(it) == Some(&whole.id))
                });
            going.extend(inside.map(Object::key).collect::<Vec<_>>());
            next += 1;
        }
        for (user, thing) in &self.things {
            if going.contains(user) || user.table == "service" && key.table == "task_definition" {
                continue;
            }
            for (table, id) in references(&thing.object.row) {
                let is_used = |it: &ObjectKey| {
                    let place = it.region.as_str().is_empty() || it.region == user.region;
                    it.table == table && it.id == id && place
                };
                if going.iter().any(is_used) {
                    return Err(format!("DependencyViolation: {} {}", user.table, user.id));
                }
            }
        }
        for key in going {
            if let Some(thing) = self.things.remove(&key)
                && self.lag > 0
            {
                let until = self.now + self.rng.u64(0..self.lag);
                self.ghosts.push((until, thing.object));
            }
        }
        Ok(())
    }

    /// Something that the account owns itself: a default VPC with its group.
    pub fn add_default_vpc(&mut self, cidr: &str) {
        let row = Row::new(&crate::kinds::VPC)
            .with("cidr_block", cidr)
            .with("tags", json!({}));
        let vpc = self.create(row, EAST.into(), Owner::Account);
        let vpc = vpc.expect("the account is empty");
        let id = vpc.id.clone();
        self.put(vpc, None);
        self.bring_along(&id, &crate::kinds::VPC, &EAST.into())
            .expect("the account is empty");
        for thing in self.things.values_mut() {
            if thing.object.owner == Owner::Object(id.clone()) {
                thing.object.owner = Owner::Account;
            }
        }
    }

    /// Somebody else makes an object.
    pub fn add(&mut self, row: Row, region: Region, hidden: u32) -> Result<(), String> {
        let kind = row.kind();
        let object = self.create(row, region.clone(), Owner::User)?;
        let id = object.id.clone();
        self.put(object, Some(hidden));
        self.bring_along(&id, kind, &region)
    }

    /// Everything in the account, told without ids, so that two accounts can be compared.
    pub fn told(&self) -> Vec<String> {
        let mut told: Vec<String> = self.things.values().map(|it| self.tell(it)).collect();
        told.sort();
        told
    }

    pub fn tell(&self, thing: &Thing) -> String {
        let object = &thing.object;
        let row = self.told_row(&object.row, &object.region);
        format!(
            "{} {} {row} hidden {:?}",
            object.kind().table,
            object.region,
            thing.hidden
        )
    }

    fn told_row(&self, row: &Row, region: &Region) -> String {
        let columns = row.kind().columns.iter().enumerate();
        let told = columns.filter(|(_, column)| {
            let is_name = column.change != Change::CloudFilled;
            is_name && column.mentions.is_none()
        });
        let told: Vec<String> = told
            .map(|(position, column)| {
                let value = match (row.at(position), column.reference) {
                    (Value::Ref(Ref::Object(id)), Some(reference)) => {
                        match self.find(reference.table, region, id) {
                            Some(thing) => self.told_row(&thing.object.row, region),
                            None => "nothing".to_owned(),
                        }
                    }
                    (Value::Parts(parts), _) => {
                        let mut parts: Vec<String> = parts
                            .iter()
                            .map(|part| self.told_row(part, region))
                            .collect();
                        parts.sort();
                        parts.join(" ")
                    }
                    (value, _) => value.to_json().to_string(),
                };
                format!("{}: {value}", column.name)
            })
            .collect();
        format!("({})", told.join(", "))
    }
}

/// The regions of the simulation, as kinds have them.
pub fn places(kind: &Kind) -> Vec<Region> {
    kind.places(&[EAST.into(), WEST.into()])
}

/// What AWS fills in.
fn fill_in(row: &mut Row, id: u64) {
    for column in row.kind().columns {
        match (column.change, column.name) {
            (Change::Button, name) => row.set(name, false),
            (Change::CloudFilled, "state") => row.set("state", "available"),
            (Change::CloudFilled, "revision") => row.set("revision", id as i64),
            (Change::CloudFilled, name) if !column.cloud_id => {
                row.set(name, format!("{name}-{id}"));
            }
            (Change::CloudFilled, name) => row.set(name, Value::Null),
            _ => {}
        }
    }
}

/// What the row refers to, by table.
pub fn references(row: &Row) -> Vec<(&'static str, CloudId)> {
    let mut found = Vec::new();
    for (position, column) in row.kind().columns.iter().enumerate() {
        match (row.at(position), column.reference, column.mentions) {
            (Value::Ref(Ref::Object(id)), Some(reference), _) => {
                found.push((reference.table, id.clone()));
            }
            (Value::Ref(Ref::Row(row)), ..) => panic!("a call refers to {row}, not to an object"),
            (Value::Parts(parts), ..) => found.extend(parts.iter().flat_map(references)),
            (Value::List(ids), _, Some(table)) => {
                found.extend(ids.iter().map(|id| (table, CloudId::from(id.as_str()))));
            }
            (Value::Int(_) | Value::Text(_), Some(_), _) => {
                panic!("a call holds an unresolved reference in {}", column.name)
            }
            _ => {}
        }
    }
    found
}

fn belongs_to(object: &Object) -> Option<&CloudId> {
    let column = object.kind().columns.iter().find(|column| column.belongs)?;
    object.row.object(column.name)
}

/// Whether it is what AWS makes along with a group.
pub fn is_automatic(object: &Object) -> bool {
    let anywhere = object
        .kind()
        .column("cidr")
        .is_some_and(|column| same(column, object.row.get("cidr"), &"0.0.0.0/0".into()));
    object.kind() == &RULE
        && object.row.bool("is_egress") == Some(true)
        && object.row.int("port") == Some(-1)
        && anywhere
        && object.row.object("source_security_group_id").is_none()
}

/// The first three numbers of a subnet's block: two subnets of one VPC must not share them.
fn network(row: &Row) -> Option<&str> {
    row.text("cidr_block")?.rsplit_once('.').map(|it| it.0)
}
