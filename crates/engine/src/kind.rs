//! What a table *is*: its columns, what a change of each means, and how its objects are told apart.
//!
//! A [`Kind`] is a `static` literal, written once per table beside the code that calls AWS for it:
//!
//! ```
//! use iasql_engine::kind::{Kind, Repeat, int, tags, text, time};
//!
//! static LOG_GROUP: Kind = Kind {
//!     repeat: Repeat::UniqueName,
//!     ..Kind::regional(
//!         "log_group",
//!         &[
//!             text("log_group_name").key().cloud_id(),
//!             text("log_group_arn").cloud_filled(),
//!             time("creation_time").cloud_filled(),
//!             int("retention_in_days"),
//!             tags(),
//!         ],
//!     )
//! };
//! assert_eq!(LOG_GROUP.position("tags"), Some(4));
//! ```

use crate::row::Row;
use std::collections::HashMap;

/// A table: what its rows mean in the cloud.
#[derive(Debug)]
pub struct Kind {
    /// The table's name, in AWS's own words.
    pub table: &'static str,
    /// Whether its objects live in a region or belong to the whole account.
    pub scope: Scope,
    /// The columns that mean something in the cloud. Not among them: the row's id, its region, `protected`.
    pub columns: &'static [Column],
    /// In which order an object is replaced.
    pub replace: Replace,
    /// What makes a create safe to repeat.
    pub repeat: Repeat,
    /// Steps of other tables to wait for, which no foreign key shows.
    pub after: &'static [After],
    /// Tables whose objects AWS makes along with one of this kind, and which then get rows of their own.
    pub brings: &'static [&'static str],
    /// For a part (a table whose rows are attributes of another table's objects): whose part it is.
    pub part_of: Option<PartOf>,
    /// Which of AWS's error codes mean something to the engine.
    pub errors: Errors,
    /// Says an object in the row's own words where one meaning has several spellings. Called before a row and its
    /// object are compared.
    pub align: Option<fn(object: &mut Row, row: &Row)>,
}

/// Where the objects of a kind live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// One namespace for the whole account (IAM).
    Global,
    /// One namespace per region.
    Regional,
}

/// The order of a replacement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replace {
    /// The new object is made, dependants move to it, the old one goes. Needs a new natural key.
    CreateFirst,
    /// The old object goes first.
    DeleteFirst,
}

/// What makes a create safe to repeat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    /// The natural key is unique in AWS: a second create is refused or answers with the same object.
    UniqueName,
    /// Neither name nor attributes identify the object: the create carries an owner tag, and a lost one is looked
    /// for by it.
    OwnerTag,
}

/// AWS's error codes for this kind, by what they mean. A code that AWS uses for many things is followed by a colon and
/// a part of the message that tells them apart.
#[derive(Debug, Clone, Copy, Default)]
pub struct Errors {
    /// The object does not exist.
    pub absent: &'static [&'static str],
    /// Something still uses the object: a delete waits.
    pub in_use: &'static [&'static str],
    /// Something made moments ago is not known everywhere yet: a create or update waits.
    pub propagation: &'static [&'static str],
}

impl Errors {
    /// No code means anything.
    pub const NONE: Errors = Errors {
        absent: &[],
        in_use: &[],
        propagation: &[],
    };
}

/// "My step waits for the steps of `table` whose column `theirs` refers to what my column `mine` refers to."
/// Deletes wait the other way round.
#[derive(Debug)]
pub struct After {
    /// The table to wait for.
    pub table: &'static str,
    /// The reference on this side.
    pub mine: &'static str,
    /// The reference on the other side.
    pub theirs: &'static str,
}

/// Whose part a part is.
#[derive(Debug)]
pub struct PartOf {
    /// The table of the whole.
    pub table: &'static str,
    /// The column of the whole that holds its parts. It exists in the engine only.
    pub column: &'static str,
    /// Pairs of (column of the part, column of the whole) that tie them, besides `region`.
    pub on: &'static [(&'static str, &'static str)],
}

/// A column: what it is.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// The column's name.
    pub name: &'static str,
    /// What its values are and how two of them are compared.
    pub ty: Type,
    /// The values of its enum type; empty where it is none.
    pub values: &'static [&'static str],
    /// What an edit means.
    pub change: Change,
    /// What NULL means.
    pub null: Null,
    /// Part of the natural key (with the region).
    pub key: bool,
    /// A block of addresses, part of the natural key: no two objects that agree in the rest of it may overlap.
    pub disjoint: bool,
    /// Shows the object's cloud id.
    pub cloud_id: bool,
    /// Changes by itself: shown and refreshed, never a difference.
    pub volatile: bool,
    /// The column refers to a row of another table by this column of that table.
    pub reference: Option<Reference>,
    /// Its value can change in place, but not whether it has one: that needs a new object.
    pub presence_fixed: bool,
    /// The row belongs to the row that the reference leads to, and goes with it: a rule and its group.
    pub belongs: bool,
    /// The values are cloud ids of another table's objects, written out by the user. Orders steps, resolves nothing.
    pub mentions: Option<&'static str>,
}

/// A column that refers to another table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reference {
    /// The table referred to.
    pub table: &'static str,
    /// The column of that table: its id or its name.
    pub column: &'static str,
}

/// What a column's values are.
#[derive(Debug, Clone, Copy)]
pub enum Type {
    /// Text, compared byte by byte. Enums too.
    Text,
    /// A whole number.
    Int,
    /// true or false.
    Bool,
    /// A point in time, as text in RFC 3339.
    Time,
    /// A CIDR block, compared by address and length.
    Cidr,
    /// Text values without an order.
    Set,
    /// JSON, compared by value.
    Json,
    /// An IAM policy document, compared by meaning.
    Policy,
    /// Rows of a part table, compared without an order.
    Parts(&'static Kind),
}

/// What an edit of a column means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// AWS can change it on the same object.
    InPlace,
    /// Only a new object can have another value.
    Replace,
    /// AWS says what it is; an edit is put back.
    CloudFilled,
    /// true asks for something to be done once; apply sets it to false again.
    Button,
}

/// What NULL in a column means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Null {
    /// A value like any other: the attribute is absent.
    Absent,
    /// AWS chooses, and its choice is read back.
    Chosen,
}

const fn column(name: &'static str, ty: Type) -> Column {
    Column {
        name,
        ty,
        values: &[],
        change: Change::InPlace,
        null: Null::Absent,
        key: false,
        disjoint: false,
        cloud_id: false,
        volatile: false,
        presence_fixed: false,
        reference: None,
        belongs: false,
        mentions: None,
    }
}

/// A text or enum column.
pub const fn text(name: &'static str) -> Column {
    column(name, Type::Text)
}
/// A whole number.
pub const fn int(name: &'static str) -> Column {
    column(name, Type::Int)
}
/// A boolean.
pub const fn boolean(name: &'static str) -> Column {
    column(name, Type::Bool)
}
/// A point in time.
pub const fn time(name: &'static str) -> Column {
    column(name, Type::Time)
}
/// A CIDR block.
pub const fn cidr(name: &'static str) -> Column {
    column(name, Type::Cidr)
}
/// A list of text without an order.
pub const fn set(name: &'static str) -> Column {
    column(name, Type::Set)
}
/// A JSON value.
pub const fn json(name: &'static str) -> Column {
    column(name, Type::Json)
}
/// A policy document.
pub const fn policy(name: &'static str) -> Column {
    column(name, Type::Policy)
}
/// The `tags` column, the same in every table that has one.
pub const fn tags() -> Column {
    column("tags", Type::Json)
}
/// A reference to the row of `table` with this id.
pub const fn refers_to(name: &'static str, table: &'static str) -> Column {
    let mut c = column(name, Type::Int);
    c.reference = Some(Reference {
        table,
        column: "id",
    });
    c
}
/// A reference to the row of `table` with this name in `column`.
pub const fn refers_by_name(
    name: &'static str,
    table: &'static str,
    column_there: &'static str,
) -> Column {
    let mut c = column(name, Type::Text);
    c.reference = Some(Reference {
        table,
        column: column_there,
    });
    c
}
/// The parts of an object, kept in a table of their own.
pub const fn parts(name: &'static str, kind: &'static Kind) -> Column {
    column(name, Type::Parts(kind))
}

impl Column {
    /// Part of the natural key.
    pub const fn key(mut self) -> Self {
        self.key = true;
        self
    }
    /// A block of addresses in the natural key that overlaps no other's.
    pub const fn disjoint(mut self) -> Self {
        self.disjoint = true;
        self
    }
    /// The column has an enum type with these values.
    pub const fn one_of(mut self, values: &'static [&'static str]) -> Self {
        self.values = values;
        self
    }
    /// Shows the object's cloud id. A name that is the cloud id can only change with the object.
    pub const fn cloud_id(mut self) -> Self {
        self.cloud_id = true;
        if !matches!(self.change, Change::CloudFilled) {
            self.change = Change::Replace;
        }
        self
    }
    /// AWS says what it is.
    pub const fn cloud_filled(mut self) -> Self {
        self.change = Change::CloudFilled;
        self
    }
    /// Its value can change in place, but not whether it has one.
    pub const fn presence_fixed(mut self) -> Self {
        self.presence_fixed = true;
        self
    }
    /// Changes by itself (a state, a count): shown and refreshed, never a difference.
    pub const fn volatile(mut self) -> Self {
        self.volatile = true;
        self
    }
    /// Only a new object can have another value.
    pub const fn create_only(mut self) -> Self {
        self.change = Change::Replace;
        self
    }
    /// Left NULL, AWS chooses and the choice is read back.
    pub const fn chosen_when_null(mut self) -> Self {
        self.null = Null::Chosen;
        self
    }
    /// true asks for something to be done once.
    pub const fn button(mut self) -> Self {
        self.change = Change::Button;
        self
    }
    /// The row belongs to the row that the reference leads to, and goes with it.
    pub const fn belongs(mut self) -> Self {
        self.belongs = true;
        self
    }
    /// The values are cloud ids of this table's objects.
    pub const fn mentions(mut self, table: &'static str) -> Self {
        self.mentions = Some(table);
        self
    }
}

impl PartialEq for Kind {
    /// A table has one kind.
    fn eq(&self, other: &Kind) -> bool {
        self.table == other.table
    }
}

impl Kind {
    const fn new(table: &'static str, scope: Scope, columns: &'static [Column]) -> Kind {
        Kind {
            table,
            scope,
            columns,
            replace: Replace::CreateFirst,
            repeat: Repeat::UniqueName,
            after: &[],
            brings: &[],
            part_of: None,
            errors: Errors::NONE,
            align: None,
        }
    }

    /// A kind whose objects live in a region.
    pub const fn regional(table: &'static str, columns: &'static [Column]) -> Kind {
        Kind::new(table, Scope::Regional, columns)
    }

    /// A kind whose objects belong to the whole account.
    pub const fn global(table: &'static str, columns: &'static [Column]) -> Kind {
        Kind::new(table, Scope::Global, columns)
    }

    /// A kind whose rows are parts of the objects of another.
    pub const fn part(
        table: &'static str,
        scope: Scope,
        part_of: PartOf,
        columns: &'static [Column],
    ) -> Kind {
        Kind {
            part_of: Some(part_of),
            ..Kind::new(table, scope, columns)
        }
    }

    /// Where an object of this kind is that something in the region refers to.
    pub fn place(&self, region: &crate::Region) -> crate::Region {
        match self.scope {
            Scope::Global => crate::Region::default(),
            Scope::Regional => region.clone(),
        }
    }

    /// Where objects of this kind can be, with these regions in use.
    pub fn places(&self, regions: &[crate::Region]) -> Vec<crate::Region> {
        match self.scope {
            Scope::Global => vec![crate::Region::default()],
            Scope::Regional => regions.to_vec(),
        }
    }

    /// Where in a row the column stands.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }

    /// The column of this name.
    pub fn column(&self, name: &str) -> Option<&'static Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// The parts tables of this kind.
    pub fn parts(&self) -> impl Iterator<Item = (&'static Column, &'static Kind)> {
        self.columns.iter().filter_map(|column| match column.ty {
            Type::Parts(kind) => Some((column, kind)),
            _ => None,
        })
    }

    /// The tables that a row of this kind refers to, directly or through its parts.
    pub fn referred_tables(&self) -> Vec<&'static str> {
        let mut tables = Vec::new();
        for column in self.columns {
            tables.extend(column.reference.map(|reference| reference.table));
            tables.extend(column.mentions);
            if let Type::Parts(part) = column.ty {
                tables.extend(part.referred_tables());
            }
        }
        tables.extend(self.after.iter().map(|after| after.table));
        tables.sort_unstable();
        tables.dedup();
        tables.retain(|table| *table != self.table);
        tables
    }
}

/// All kinds that are in play, in an order in which each comes after the kinds it refers to.
#[derive(Debug, Clone)]
pub struct Catalog {
    kinds: Vec<&'static Kind>,
    by_table: HashMap<&'static str, usize>,
}

/// Kinds that refer to each other in a circle cannot be ordered.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("the tables {} refer to each other in a circle", tables.join(", "))]
pub struct CircularKinds {
    /// The tables on or behind the circle.
    pub tables: Vec<&'static str>,
}

impl Catalog {
    /// Orders the kinds. References to kinds that are not given are ignored: their module is not installed.
    pub fn new(kinds: impl IntoIterator<Item = &'static Kind>) -> Result<Catalog, CircularKinds> {
        let mut waiting: Vec<&'static Kind> = kinds.into_iter().collect();
        waiting.sort_by_key(|kind| kind.table);
        let mut ordered: Vec<&'static Kind> = Vec::with_capacity(waiting.len());
        while !waiting.is_empty() {
            let next = waiting.iter().position(|kind| {
                let refers = kind.referred_tables();
                !waiting.iter().any(|other| refers.contains(&other.table))
            });
            match next {
                Some(position) => ordered.push(waiting.remove(position)),
                None => {
                    return Err(CircularKinds {
                        tables: waiting.iter().map(|kind| kind.table).collect(),
                    });
                }
            }
        }
        let by_table = ordered
            .iter()
            .enumerate()
            .map(|(position, kind)| (kind.table, position))
            .collect();
        Ok(Catalog {
            kinds: ordered,
            by_table,
        })
    }

    /// The kinds, each after the kinds it refers to.
    pub fn kinds(&self) -> impl DoubleEndedIterator<Item = &'static Kind> + '_ {
        self.kinds.iter().copied()
    }

    /// The kind of this table.
    pub fn kind(&self, table: &str) -> Option<&'static Kind> {
        self.by_table
            .get(table)
            .map(|position| self.kinds[*position])
    }

    /// The position of the table in the order; unknown tables come last.
    pub fn position(&self, table: &str) -> usize {
        self.by_table
            .get(table)
            .copied()
            .unwrap_or(self.kinds.len())
    }
}
