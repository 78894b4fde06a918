//! What a list does not settle. Lists of AWS lag behind: absence from one is a suspicion, and so is the presence of what
//! was deleted moments ago. The answer to a question about the one object is the verdict.

use crate::error::{AwsError, found};
use crate::resource::{Reader, Resource};
use futures::future::join_all;
use iasql_engine::{CloudId, Object, ObjectKey, Region};
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::time::Duration;

/// A create that was not answered, of a kind that nothing but its owner tag identifies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lost {
    /// The table.
    pub table: &'static str,
    /// The region; empty for global kinds.
    pub region: Region,
    /// The tag.
    pub owner_tag: String,
    /// How long its object may still show up.
    pub quiet: Duration,
}

/// A reading that waits until AWS would show what was made a moment ago.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quiet {
    /// The table.
    pub table: &'static str,
    /// Why, and how long.
    pub why: String,
}

impl fmt::Display for Quiet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} waits: {}", self.table, self.why)
    }
}

/// Why there is a wait before a second look for what a create may have made.
pub(crate) fn unanswered(quiet: Duration) -> String {
    format!(
        "a create was not answered, and AWS may not show yet what it has made; looking again in {} s",
        quiet.as_secs() + 1
    )
}

/// How long to wait before an object that was just made is asked for once more.
const BETWEEN_QUESTIONS: Duration = Duration::from_secs(2);

fn unknown(id: &CloudId, quiet: Duration) -> String {
    format!(
        "{id} was made moments ago, and AWS does not know it; asking again for {} s",
        quiet.as_secs() + 1
    )
}

/// What is not taken from lists alone.
#[derive(Debug, Default)]
pub struct Doubts {
    /// Objects that should be there.
    expected: HashMap<(&'static str, Region), Vec<CloudId>>,
    /// Of these, what was just made, and how long AWS may not know it yet.
    young: HashMap<ObjectKey, Duration>,
    /// Objects that should be gone.
    deleted: HashSet<ObjectKey>,
    lost: Vec<Lost>,
}

/// What is different from what a list shows.
#[derive(Debug, Default)]
pub struct Verdict {
    /// Objects that it missed.
    pub missed: Vec<Object>,
    /// Objects that it shows and that are gone.
    pub gone: Vec<ObjectKey>,
}

impl Doubts {
    /// About objects that should be there (some of them young), objects that should be gone, and objects that may be.
    pub fn new(
        expected: impl IntoIterator<Item = ObjectKey>,
        young: HashMap<ObjectKey, Duration>,
        deleted: impl IntoIterator<Item = ObjectKey>,
        lost: Vec<Lost>,
    ) -> Doubts {
        let mut doubts = Doubts {
            young,
            deleted: deleted.into_iter().collect(),
            lost,
            ..Doubts::default()
        };
        for object in expected {
            let place = (object.table, object.region);
            doubts.expected.entry(place).or_default().push(object.id);
        }
        doubts
    }

    /// Reads a list, and asks for whatever it shows that should be gone and does not show that should be there. Where a
    /// lost object does not show, it is read once more when it would.
    pub async fn settle(
        &self,
        reader: &Reader,
        resource: &dyn Resource,
        tell: &dyn Fn(Quiet),
    ) -> Result<Verdict, AwsError> {
        let kind = resource.kind();
        let mut objects = reader.objects(resource).await?;
        let is_lost = |lost: &&Lost| {
            let is_here = lost.table == kind.table && lost.region == *reader.region();
            let tag = Some(lost.owner_tag.as_str());
            is_here && !objects.iter().any(|it| it.owner_tag.as_deref() == tag)
        };
        let lost = self.lost.iter().filter(is_lost);
        if let Some(quiet) = lost.map(|lost| lost.quiet).max()
            && !quiet.is_zero()
        {
            let (table, why) = (kind.table, unanswered(quiet));
            tell(Quiet { table, why });
            tokio::time::sleep(quiet).await;
            reader.forget(kind);
            objects = reader.objects(resource).await?;
        }
        let listed: HashSet<&CloudId> = objects.iter().map(|object| &object.id).collect();
        let unsaid = reader.unsaid();
        let expected = self.expected.get(&(kind.table, reader.region().clone()));
        let missing = expected.into_iter().flatten().filter(|id| {
            let is_unsaid = |key| unsaid.iter().any(|unsaid| unsaid.object == key);
            !listed.contains(id) && !is_unsaid(reader.key(kind, id))
        });
        let missed = join_all(missing.map(|id| self.ask_again(reader, resource, id, tell))).await;
        let deleted = objects.iter().map(Object::key);
        let deleted: Vec<ObjectKey> = deleted.filter(|it| self.deleted.contains(it)).collect();
        let answers = join_all(deleted.iter().map(|it| ask(reader, resource, &it.id))).await;
        let mut verdict = Verdict::default();
        for object in missed {
            verdict.missed.extend(object?);
        }
        for (object, answer) in deleted.into_iter().zip(answers) {
            if answer?.is_none() {
                verdict.gone.push(object);
            }
        }
        Ok(verdict)
    }

    /// The object, if it exists. One that was just made is asked for until AWS must know it.
    async fn ask_again(
        &self,
        reader: &Reader,
        resource: &dyn Resource,
        id: &CloudId,
        tell: &dyn Fn(Quiet),
    ) -> Result<Option<Object>, AwsError> {
        let kind = resource.kind();
        let mut found = ask(reader, resource, id).await?;
        let young = self.young.get(&reader.key(kind, id)).copied();
        let mut left = young.unwrap_or_default();
        if found.is_none() && !left.is_zero() {
            let (table, why) = (kind.table, unknown(id, left));
            tell(Quiet { table, why });
        }
        while found.is_none() && !left.is_zero() {
            tokio::time::sleep(left.min(BETWEEN_QUESTIONS)).await;
            left = left.saturating_sub(BETWEEN_QUESTIONS);
            found = ask(reader, resource, id).await?;
        }
        Ok(found)
    }
}

/// The object, if it exists.
async fn ask(
    reader: &Reader,
    resource: &dyn Resource,
    id: &CloudId,
) -> Result<Option<Object>, AwsError> {
    Ok(found(resource.kind(), resource.describe(reader, id).await)?.flatten())
}
