//! An account and a database that live through edits, some of them cut short, and must be in order after each.

mod story;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

pub use story::{UPDATES, Update};

use crate::matrix::is_full;
use crate::proxy::Call;
use crate::{
    Cluster, ClusterOptions, Fixture, Inventory, Result, Rows, Session, ensure, inventory, missing,
};

/// What is done to the rows before an apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Edit {
    /// All rows of the story are inserted.
    Create,
    /// The update of this number.
    Update(usize),
    /// The same update is undone.
    Undo(usize),
    /// All records are deleted.
    Delete,
}

impl Edit {
    /// The updates and what undoes them; in a sample only those of these names.
    pub fn updates(sampled: &[&str]) -> impl Iterator<Item = (Self, Self)> {
        let updates = UPDATES.iter().enumerate();
        updates
            .filter(|(_, update)| is_full() || sampled.contains(&update.name))
            .map(|(number, _)| (Self::Update(number), Self::Undo(number)))
    }

    /// Create, update or delete.
    pub fn kind(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Delete => "delete",
            Self::Update(_) | Self::Undo(_) => "update",
        }
    }
}

impl fmt::Display for Edit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Create => f.write_str("create"),
            Self::Delete => f.write_str("delete"),
            Self::Update(number) => write!(f, "update {}", UPDATES[*number].name),
            Self::Undo(number) => write!(f, "update back {}", UPDATES[*number].name),
        }
    }
}

/// How many objects of each table there are to be.
type Counts = BTreeMap<String, usize>;

/// An account, and a database on a server of its own in which all modules are installed.
#[derive(Debug)]
pub struct World {
    fixture: Fixture,
    is_there: bool,
    updated: BTreeSet<usize>,
    empty: Counts,
    full: Option<Counts>,
}

impl World {
    /// An empty one.
    pub fn start() -> Result<Self> {
        let cluster = Cluster::start_with(ClusterOptions::default())?;
        let fixture = Fixture::on(Box::leak(Box::new(cluster)))?;
        fixture.session()?.install(&["aws_ecs_fargate"])?;
        let name = fixture.database().name();
        // Where something is never let go, a run waits for as long as it is told to.
        let patience = format!("ALTER DATABASE {name} SET iasql.wait_timeout = '5s'");
        fixture.session()?.query(&patience)?;
        let empty = counts(&inventory(&fixture.cloud())?);
        Ok(Self {
            fixture,
            is_there: false,
            updated: BTreeSet::new(),
            empty,
            full: None,
        })
    }

    /// An empty one that is to be filled like this one.
    pub fn another(&self) -> Result<Self> {
        Ok(Self {
            full: self.full.clone(),
            ..Self::start()?
        })
    }

    /// The account and the database.
    pub fn fixture(&self) -> &Fixture {
        &self.fixture
    }

    /// A session of the superuser.
    pub fn session(&self) -> Result<Session> {
        self.fixture.session()
    }

    /// Applies an edit that nothing disturbs; returns the calls of the apply, in order.
    pub fn live_through(&mut self, edit: Edit) -> Result<Vec<Call>> {
        self.begin(edit)?;
        self.apply()?;
        let calls = self.fixture.proxy().calls();
        self.end(edit)?;
        Ok(calls)
    }

    /// Does what must be done and applied before this edit, and edits the rows. The calls are counted from here.
    pub fn begin(&mut self, edit: Edit) -> Result {
        if let Some(before) = self.missing_before(edit) {
            self.live_through(before)?;
            return self.begin(edit);
        }
        let sql = match edit {
            Edit::Create => story::create()?,
            Edit::Delete => "SELECT delete_all_records()".to_owned(),
            Edit::Update(number) => UPDATES[number].forth.to_owned(),
            Edit::Undo(number) => UPDATES[number].back.to_owned(),
        };
        self.session()?.query(&sql)?;
        self.fixture.proxy().forget_calls();
        Ok(())
    }

    fn missing_before(&self, edit: Edit) -> Option<Edit> {
        match edit {
            Edit::Create => self.is_there.then_some(Edit::Delete),
            _ if !self.is_there => Some(Edit::Create),
            Edit::Update(number) => self.updated.contains(&number).then_some(Edit::Undo(number)),
            Edit::Undo(number) => (!self.updated.contains(&number)).then_some(Edit::Update(number)),
            Edit::Delete => None,
        }
    }

    /// Applies in a session of its own.
    pub fn apply(&self) -> Result<Rows> {
        self.session()?.query("SELECT * FROM iasql_apply()")
    }

    /// The edit is applied: everything must be in order.
    pub fn end(&mut self, edit: Edit) -> Result {
        match edit {
            Edit::Create | Edit::Delete => {
                self.is_there = edit == Edit::Create;
                self.updated.clear();
            }
            Edit::Update(number) => drop(self.updated.insert(number)),
            Edit::Undo(number) => drop(self.updated.remove(&number)),
        }
        let mut session = self.session()?;
        for plan in ["iasql_plan_apply", "iasql_plan_sync"] {
            let rows = session.query(&format!("SELECT * FROM {plan}()"))?;
            ensure(rows.is_empty(), || format!("{plan}() has rows:\n{rows}"))?;
        }
        self.nothing_leaked_or_doubled(&mut session)?;
        let open = session.query(
            "SELECT operations, outcome FROM iasql.journal_steps s WHERE outcome <> 'failed'
             AND NOT EXISTS (SELECT FROM iasql.resolved r WHERE r.run = s.run AND r.step = s.step)",
        )?;
        ensure(open.is_empty(), || {
            format!("steps are not resolved:\n{open}")
        })
    }

    fn nothing_leaked_or_doubled(&mut self, session: &mut Session) -> Result {
        let real = inventory(&self.fixture.cloud())?;
        let known = known(session)?;
        let leaked = missing(&real, &known);
        ensure(leaked.is_empty(), || format!("leaked: {leaked:?}"))?;
        let lost = missing(&known, &real);
        ensure(lost.is_empty(), || format!("not there: {lost:?}"))?;
        let counts = counts(&real);
        let wanted = match (&self.full, self.is_there) {
            (_, false) => &self.empty,
            (Some(full), true) => full,
            (None, true) => self.full.insert(counts.clone()),
        };
        ensure(counts == *wanted, || {
            format!("there are {counts:?}, and there should be {wanted:?}")
        })
    }
}

fn counts(inventory: &Inventory) -> Counts {
    let counts = inventory.iter();
    counts
        .map(|(table, ids)| (table.clone(), ids.len()))
        .collect()
}

/// The objects that the extension has on record.
fn known(session: &mut Session) -> Result<Inventory> {
    let rows = session.query("SELECT table_name, cloud_id FROM iasql.known")?;
    let mut known = Inventory::new();
    for row in rows.rows {
        if let [Some(table), Some(id)] = row.as_slice() {
            known.entry(table.clone()).or_default().insert(id.clone());
        }
    }
    Ok(known)
}
