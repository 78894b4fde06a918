//! Imports what AWS holds into new tables while it is read: rows are written as their objects come.

use crate::changes::Settling;
use crate::report::Problem;
use crate::world::{self, Rows, Scene};
use crate::{store, syncing, write};
use iasql_aws::read::News;
use iasql_aws::session::Identity;
use iasql_engine::sync::{Import, RowChange};
use iasql_engine::{Known, Object, Region, RowKey};
use std::collections::{HashMap, HashSet};

/// How many rows each table has got, and whose account it is.
pub type Imported = (HashMap<&'static str, usize>, Identity);

/// Imports into new tables of which the journal says nothing.
pub fn import(scene: &Scene, new: &[&'static str]) -> Result<Imported, Problem> {
    let (rows, told) = world::start_reading(scene, new.to_vec())?;
    let mut importing = Importing::new(scene, new, rows);
    let (identity, _) = told.answer(scene, &mut |news| importing.hear(news))?;
    Ok((importing.end()?, identity))
}

/// A table in a region; the region of global tables is empty.
type Place = (&'static str, Region);

struct Importing<'s> {
    scene: &'s Scene,
    import: Import<'s>,
    /// Where not everything has been read.
    unread: HashSet<Place>,
    /// Lots of objects of one place each, which came before all that they may refer to.
    waiting: Vec<Vec<Object>>,
    /// The new rows where not everything has been read.
    unsure: HashMap<Place, Vec<i64>>,
    imported: HashMap<&'static str, usize>,
}

impl<'s> Importing<'s> {
    fn new(scene: &'s Scene, new: &[&'static str], rows: Rows) -> Importing<'s> {
        let kinds = new.iter().filter_map(|table| scene.catalog.kind(table));
        let places = kinds.flat_map(|kind| {
            let regions = kind.places(&scene.regions).into_iter();
            regions.map(|region| (kind.table, region))
        });
        Importing {
            scene,
            import: Import::new(&scene.catalog, &rows.desired, &rows.known),
            unread: places.collect(),
            waiting: Vec::new(),
            unsure: HashMap::new(),
            imported: HashMap::new(),
        }
    }

    fn hear(&mut self, news: News) -> Result<(), Problem> {
        match news {
            News::Objects(objects) => self.waiting.push(objects),
            News::Read(table, region) => {
                let place = (table, region);
                self.unsure.remove(&place);
                self.unread.remove(&place);
            }
            News::Quiet(_) => {}
        }
        self.write_what_can_be()
    }

    /// Nothing more comes. What was not read to its end leaves no rows.
    fn end(mut self) -> Result<HashMap<&'static str, usize>, Problem> {
        for ((table, _), ids) in std::mem::take(&mut self.unsure) {
            self.take_back(table, ids);
        }
        let unread = std::mem::take(&mut self.unread);
        self.waiting.retain(|objects| match objects.first() {
            Some(object) => !unread.contains(&place(object)),
            None => false,
        });
        self.write_what_can_be()?;
        Ok(self.imported)
    }

    fn write_what_can_be(&mut self) -> Result<(), Problem> {
        while let Some(at) = (self.waiting.iter()).position(|lot| self.can_be_written(lot)) {
            let objects = self.waiting.remove(at);
            self.write(&objects)?;
        }
        Ok(())
    }

    /// Whether all that the objects may refer to has its rows.
    fn can_be_written(&self, objects: &[Object]) -> bool {
        let Some(object) = objects.first() else {
            return true;
        };
        let waiting = self.waiting.iter().flat_map(|objects| objects.first());
        let waiting = waiting.map(|object| object.kind().table);
        let unread = self.unread.iter().map(|(table, _)| *table);
        let referred = object.kind().referred_tables();
        !waiting.chain(unread).any(|table| referred.contains(&table))
    }

    fn write(&mut self, objects: &[Object]) -> Result<(), Problem> {
        let Some((object, table)) = objects
            .first()
            .and_then(|object| Some((object, self.scene.table(object.kind().table)?)))
        else {
            return Ok(());
        };
        let ids = write::new_ids(table, objects.len());
        let rows = objects
            .iter()
            .zip(ids)
            .filter_map(|(object, id)| self.import.row(object, id));
        let (changes, known): (Vec<RowChange>, Vec<Known>) = rows.unzip();
        syncing::unless_taken(|| syncing::insert(self.scene, table, &changes))?;
        let keys = changes.iter().map(|change| change.key);
        let agreed: Vec<_> = keys.zip(&known).map(|(key, it)| (key, it, None)).collect();
        store::write_first_known(&agreed);
        syncing::count(&changes, &mut self.imported);
        let place = place(object);
        if self.unread.contains(&place) {
            let ids = changes.iter().map(|change| change.key.id);
            self.unsure.entry(place).or_default().extend(ids);
        }
        Ok(())
    }

    /// Deletes rows of a list that broke off; such a list is of a table without parts, to which nothing refers.
    fn take_back(&mut self, name: &'static str, ids: Vec<i64>) {
        let Some(table) = self.scene.table(name) else {
            return;
        };
        let _settling = Settling::on(table);
        let rows = self.imported.entry(name).or_default();
        *rows = rows.saturating_sub(ids.len());
        let keys: Vec<RowKey> = ids
            .iter()
            .map(|id| RowKey {
                table: name,
                id: *id,
            })
            .collect();
        write::delete(&[(table, ids)]);
        store::forget_known(&keys);
    }
}

fn place(object: &Object) -> Place {
    (object.kind().table, object.region.clone())
}
