//! The objects of one kind in one region, written out as the answers hold them.

use std::collections::HashMap;

use iasql_tests::Protocol;
use serde_json::Value as Json;

use super::document::member;

/// An object: what identifies it, and what AWS says of it.
#[derive(Debug)]
pub struct Shape {
    /// What the calls name it by.
    pub id: String,
    /// The object that it is listed under, if any.
    pub parent: String,
    /// What AWS says of it, in AWS's own field names.
    pub fields: Json,
}

/// Describes the synthetic object of this number.
pub type Synthesize = Box<dyn Fn(usize) -> Shape + Send>;

/// The objects of one kind.
pub struct Collection {
    protocol: Protocol,
    synthesize: Synthesize,
    items: Vec<Option<Item>>,
    positions: HashMap<Box<str>, usize>,
    children: HashMap<Box<str>, Vec<usize>>,
}

struct Item {
    id: Box<str>,
    parent: Box<str>,
    /// As a member of a list.
    text: Box<str>,
    /// Kept of what was made or changed by a call; the synthetic ones can be described again.
    fields: Option<Json>,
    /// Whether a call made it.
    made: bool,
}

/// A page: its members, and where the next one begins.
pub type Page<'a> = (Vec<&'a str>, Option<usize>);

impl Collection {
    /// This many synthetic objects.
    pub fn new(protocol: Protocol, count: usize, synthesize: Synthesize) -> Self {
        let mut collection = Self {
            protocol,
            items: Vec::with_capacity(count),
            positions: HashMap::with_capacity(count),
            children: HashMap::new(),
            synthesize,
        };
        for number in 0..count {
            let shape = (collection.synthesize)(number);
            collection.push(shape, false);
        }
        collection
    }

    /// Adds an object.
    pub fn insert(&mut self, shape: Shape) {
        self.push(shape, true);
    }

    fn push(&mut self, shape: Shape, made: bool) {
        let position = self.items.len();
        let id: Box<str> = shape.id.into();
        let parent: Box<str> = shape.parent.into();
        if !parent.is_empty() {
            let siblings = self.children.entry(parent.clone()).or_default();
            siblings.push(position);
        }
        self.positions.insert(id.clone(), position);
        self.items.push(Some(Item {
            text: member(self.protocol, &shape.fields).into(),
            fields: made.then_some(shape.fields),
            made,
            id,
            parent,
        }));
    }

    /// Takes an object away.
    pub fn remove(&mut self, id: &str) -> bool {
        let Some(position) = self.positions.remove(id) else {
            return false;
        };
        let Some(item) = self.items[position].take() else {
            return false;
        };
        if let Some(siblings) = self.children.get_mut(&item.parent) {
            siblings.retain(|sibling| *sibling != position);
        }
        true
    }

    /// Changes an object.
    pub fn change(&mut self, id: &str, change: impl FnOnce(&mut Json)) -> bool {
        let Some(mut fields) = self.fields(id) else {
            return false;
        };
        change(&mut fields);
        if let Some(item) = self
            .positions
            .get(id)
            .and_then(|at| self.items[*at].as_mut())
        {
            item.text = member(self.protocol, &fields).into();
            item.fields = Some(fields);
        }
        true
    }

    /// Whether a call made the object. It has no tags then: those of the calls are not kept.
    pub fn is_made(&self, id: &str) -> bool {
        let position = self.positions.get(id);
        let item = position.and_then(|position| self.items[*position].as_ref());
        item.is_some_and(|item| item.made)
    }

    /// What AWS says of an object.
    pub fn fields(&self, id: &str) -> Option<Json> {
        let position = *self.positions.get(id)?;
        let item = self.items[position].as_ref()?;
        let again = || (self.synthesize)(position).fields;
        Some(item.fields.clone().unwrap_or_else(again))
    }

    /// An object as a member of a list.
    pub fn get(&self, id: &str) -> Option<&str> {
        let item = self.items[*self.positions.get(id)?].as_ref()?;
        Some(&item.text)
    }

    /// A page of all objects.
    pub fn page(&self, start: usize, size: usize) -> Page<'_> {
        page(&self.items, self.items.len(), start, size, |item| {
            &item.text
        })
    }

    /// A page of the ids of all objects.
    pub fn ids(&self, start: usize, size: usize) -> Page<'_> {
        page(&self.items, self.items.len(), start, size, |item| &item.id)
    }

    /// The objects whose writing has this part.
    pub fn containing(&self, part: &str) -> Vec<&str> {
        let items = self.items.iter().flatten();
        items
            .map(|item| &*item.text)
            .filter(|text| text.contains(part))
            .collect()
    }

    /// The objects that are listed under another.
    pub fn of(&self, parent: &str) -> Vec<&str> {
        self.children_of(parent).map(|item| &*item.text).collect()
    }

    /// A page of the ids of the objects that are listed under another.
    pub fn ids_of(&self, parent: &str, start: usize, size: usize) -> Page<'_> {
        let ids: Vec<&str> = self.children_of(parent).map(|item| &*item.id).collect();
        let end = (start + size).min(ids.len());
        let next = (end < ids.len()).then_some(end);
        (ids.get(start..end).unwrap_or_default().to_vec(), next)
    }

    fn children_of(&self, parent: &str) -> impl Iterator<Item = &Item> {
        let positions = self.children.get(parent).into_iter().flatten();
        positions.filter_map(|position| self.items[*position].as_ref())
    }
}

fn page<'a>(
    items: &'a [Option<Item>],
    count: usize,
    start: usize,
    size: usize,
    say: impl Fn(&'a Item) -> &'a str,
) -> Page<'a> {
    let end = start.saturating_add(size).min(count);
    let members = items.get(start..end).unwrap_or_default().iter().flatten();
    (members.map(say).collect(), (end < count).then_some(end))
}
