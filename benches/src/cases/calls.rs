//! How many calls a full read takes, against the fewest that AWS's page sizes allow.

use crate::aws::{Kind, Pace, Sizes};
use crate::bench::Bench;
use crate::error::Result;
use crate::result::{Finding, Goal, Sample};

/// How many times AWS's published request limits the account has. At the published ones some reads last for hours, and
/// their calls are as many.
const REQUEST_LIMITS: u32 = 100_000;

/// Counts the calls of the first read of each table, at three sizes.
pub fn run(bench: &Bench) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for kind in Kind::ALL {
        for count in [10, 1_000, 100_000] {
            findings.push(count_calls(bench, kind, count)?);
        }
    }
    Ok(findings)
}

fn count_calls(bench: &Bench, kind: Kind, count: usize) -> Result<Finding> {
    let case = format!("calls of a full read: {}, {count} objects", kind.table());
    let goal = Goal::AtMost(1.1);
    let sizes = sizes(kind, count);
    let database = bench.account(&sizes, Pace::default())?;
    let mut session = database.connect()?;
    session.query(&format!(
        "ALTER SERVER aws OPTIONS (ADD request_limits '{REQUEST_LIMITS}')"
    ))?;
    let measured = bench.measure(
        &mut session,
        &format!("SELECT iasql_install('{}')", module(kind)),
    )?;
    let calls = measured
        .calls
        .0
        .iter()
        .filter(|call| !call.name.starts_with("sts:"))
        .count();
    let bound: usize = tables(kind).iter().map(|kind| bound(*kind, &sizes)).sum();
    let ratio = calls as f64 / bound as f64;
    let note = format!("{calls} calls, bound {bound}");
    Ok(Finding::new(case, "", goal, Sample::new([ratio])).note(note))
}

/// An account with so many of a kind, and with what these need.
fn sizes(kind: Kind, count: usize) -> Sizes {
    let sizes = match kind {
        Kind::RepositoryPolicy => Sizes::fresh().with(Kind::Repository, count),
        Kind::Listener => Sizes::fresh()
            .with(Kind::LoadBalancer, 5)
            .with(Kind::TargetGroup, 5),
        Kind::Service => Sizes::fresh()
            .with(Kind::Cluster, 5)
            .with(Kind::TaskDefinition, 5),
        _ => Sizes::fresh(),
    };
    sizes.with(kind, count)
}

fn module(kind: Kind) -> &'static str {
    match kind {
        Kind::Vpc | Kind::Subnet => "aws_vpc",
        Kind::SecurityGroup | Kind::SecurityGroupRule => "aws_security_group",
        Kind::Role => "aws_iam",
        Kind::LogGroup => "aws_cloudwatch",
        Kind::Repository | Kind::RepositoryPolicy | Kind::PublicRepository => "aws_ecr",
        Kind::TargetGroup | Kind::LoadBalancer | Kind::Listener => "aws_elb",
        Kind::Cluster | Kind::TaskDefinition | Kind::Service => "aws_ecs_fargate",
    }
}

/// The tables that the module and those that it needs bring.
fn tables(kind: Kind) -> Vec<Kind> {
    let last = match module(kind) {
        "aws_vpc" => Kind::Subnet,
        "aws_security_group" => Kind::SecurityGroupRule,
        "aws_iam" => return vec![Kind::Role],
        "aws_cloudwatch" => return vec![Kind::LogGroup],
        "aws_ecr" => {
            return vec![
                Kind::Repository,
                Kind::RepositoryPolicy,
                Kind::PublicRepository,
            ];
        }
        "aws_elb" => {
            let own = [Kind::TargetGroup, Kind::LoadBalancer, Kind::Listener];
            let networks = Kind::ALL
                .into_iter()
                .filter(|kind| *kind <= Kind::SecurityGroupRule);
            return networks.chain(own).collect();
        }
        _ => Kind::Service,
    };
    Kind::ALL.into_iter().filter(|kind| *kind <= last).collect()
}

/// The fewest calls of the first read of a table: an empty list takes one call, too.
fn bound(kind: Kind, sizes: &Sizes) -> usize {
    let n = sizes.of(kind);
    let of = |kind| sizes.of(kind);
    let list = |page| n.div_ceil(page).max(1);
    match kind {
        Kind::Vpc => list(1000) + 2 * n,
        Kind::Subnet | Kind::SecurityGroup | Kind::SecurityGroupRule => list(1000),
        Kind::Role => 2 * list(1000),
        Kind::LogGroup => list(50) + n.div_ceil(100),
        Kind::Repository => list(1000) + n.div_ceil(100),
        // The tagging API does not say whether a public repository has tags: that takes a call each.
        Kind::PublicRepository => list(1000) + n,
        Kind::RepositoryPolicy => of(Kind::Repository),
        Kind::TargetGroup | Kind::LoadBalancer => list(400) + n.div_ceil(20),
        Kind::Listener => of(Kind::LoadBalancer) + n.div_ceil(20),
        Kind::Cluster => list(100) + n.div_ceil(100),
        Kind::TaskDefinition => list(100) + n,
        Kind::Service => {
            let clusters = of(Kind::Cluster);
            let each = n.checked_div(clusters).unwrap_or_default();
            // A call lists or describes the services of one cluster.
            clusters * (each.div_ceil(100).max(1) + each.div_ceil(10))
        }
    }
}
