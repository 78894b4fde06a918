//! The synthetic account: how many objects of which kind, and what they look like.

use std::collections::{BTreeMap, HashMap};

use super::collection::{Collection, Synthesize};
use super::document::protocol;
use super::{ec2, ecr, ecs, elb, iam, logs};

/// The account's number.
pub const ACCOUNT: &str = "123456789012";

/// The region that the synthetic objects are in; all others are empty.
pub const HOME: &str = "us-east-2";

/// The tag of every synthetic object.
pub const TAG: (&str, &str) = ("team", "bench");

/// The kinds of objects, as the tables are called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    Vpc,
    Subnet,
    SecurityGroup,
    SecurityGroupRule,
    Role,
    LogGroup,
    Repository,
    RepositoryPolicy,
    PublicRepository,
    TargetGroup,
    LoadBalancer,
    Listener,
    Cluster,
    TaskDefinition,
    Service,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 15] = [
        Self::Vpc,
        Self::Subnet,
        Self::SecurityGroup,
        Self::SecurityGroupRule,
        Self::Role,
        Self::LogGroup,
        Self::Repository,
        Self::RepositoryPolicy,
        Self::PublicRepository,
        Self::TargetGroup,
        Self::LoadBalancer,
        Self::Listener,
        Self::Cluster,
        Self::TaskDefinition,
        Self::Service,
    ];

    /// The table of the kind.
    pub fn table(self) -> &'static str {
        match self {
            Self::Vpc => "vpc",
            Self::Subnet => "subnet",
            Self::SecurityGroup => "security_group",
            Self::SecurityGroupRule => "security_group_rule",
            Self::Role => "role",
            Self::LogGroup => "log_group",
            Self::Repository => "repository",
            Self::RepositoryPolicy => "repository_policy",
            Self::PublicRepository => "public_repository",
            Self::TargetGroup => "target_group",
            Self::LoadBalancer => "load_balancer",
            Self::Listener => "listener",
            Self::Cluster => "cluster",
            Self::TaskDefinition => "task_definition",
            Self::Service => "service",
        }
    }

    fn signing_name(self) -> &'static str {
        match self {
            Self::Vpc | Self::Subnet | Self::SecurityGroup | Self::SecurityGroupRule => "ec2",
            Self::Role => "iam",
            Self::LogGroup => "logs",
            Self::Repository | Self::RepositoryPolicy => "ecr",
            Self::PublicRepository => "ecr-public",
            Self::TargetGroup | Self::LoadBalancer | Self::Listener => "elasticloadbalancing",
            Self::Cluster | Self::TaskDefinition | Self::Service => "ecs",
        }
    }

    /// The region that objects of the kind are kept under when a call comes from this one.
    fn place(self, region: &str) -> &str {
        match self {
            Self::Role | Self::PublicRepository => HOME,
            _ => region,
        }
    }

    /// Describes the synthetic object of a number.
    fn synthesize(self, sizes: &Sizes) -> Synthesize {
        let of = |kind: Kind| sizes.of(kind).max(1);
        match self {
            Self::Vpc => Box::new(ec2::vpc),
            Self::Subnet => ec2::subnets(of(Self::Vpc)),
            Self::SecurityGroup => ec2::groups(of(Self::Vpc)),
            Self::SecurityGroupRule => ec2::rules(of(Self::SecurityGroup)),
            Self::Role => Box::new(iam::role),
            Self::LogGroup => Box::new(logs::group),
            Self::Repository => Box::new(ecr::repository),
            Self::RepositoryPolicy => Box::new(ecr::policy),
            Self::PublicRepository => Box::new(ecr::public_repository),
            Self::TargetGroup => Box::new(elb::target_group),
            Self::LoadBalancer => Box::new(elb::load_balancer),
            Self::Listener => elb::listeners(of(Self::LoadBalancer), of(Self::TargetGroup)),
            Self::Cluster => Box::new(ecs::cluster),
            Self::TaskDefinition => Box::new(ecs::task_definition),
            Self::Service => ecs::services(of(Self::Cluster), of(Self::TaskDefinition)),
        }
    }
}

/// How many objects of each kind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sizes(BTreeMap<Kind, usize>);

impl Sizes {
    /// An account without a single object.
    pub fn empty() -> Self {
        Self::default()
    }

    /// An account as AWS gives it: a default VPC with a subnet in each of three zones, its group `default`, and the
    /// rules of that.
    pub fn fresh() -> Self {
        Self::empty()
            .with(Kind::Vpc, 1)
            .with(Kind::Subnet, 3)
            .with(Kind::SecurityGroup, 1)
            .with(Kind::SecurityGroupRule, 1)
    }

    /// The same with so many of a kind.
    #[must_use]
    pub fn with(mut self, kind: Kind, count: usize) -> Self {
        self.0.insert(kind, count);
        self
    }

    /// How many of a kind.
    pub fn of(&self, kind: Kind) -> usize {
        self.0.get(&kind).copied().unwrap_or_default()
    }

    /// How many of all kinds.
    pub fn total(&self) -> usize {
        self.0.values().sum()
    }
}

/// The account.
pub struct Account {
    collections: HashMap<(String, Kind), Collection>,
    /// The policies that calls attached to roles.
    pub(super) attached: HashMap<String, Vec<String>>,
    made: usize,
}

impl Account {
    /// An account of this size.
    pub fn new(sizes: &Sizes) -> Self {
        let home = |kind: Kind| {
            let synthesize = kind.synthesize(sizes);
            let protocol = protocol(kind.signing_name());
            let collection = Collection::new(protocol, sizes.of(kind), synthesize);
            ((HOME.to_owned(), kind), collection)
        };
        Self {
            collections: Kind::ALL.into_iter().map(home).collect(),
            attached: HashMap::new(),
            made: 0,
        }
    }

    /// The objects of a kind, seen from a region.
    pub fn of(&mut self, region: &str, kind: Kind) -> &mut Collection {
        let place = kind.place(region).to_owned();
        self.collections.entry((place, kind)).or_insert_with(|| {
            let synthesize = kind.synthesize(&Sizes::empty());
            Collection::new(protocol(kind.signing_name()), 0, synthesize)
        })
    }

    /// A number for an object that a call makes.
    pub fn next_number(&mut self) -> usize {
        self.made += 1;
        // Far from the numbers of the synthetic objects.
        1_000_000_000 + self.made
    }
}
