//! AWS's request limits, as data, and the token buckets that keep us below them.
//!
//! Sources, looked up in the AWS documentation: "Request throttling for the Amazon EC2 API" (per account, region and
//! action), "Request throttling for the Amazon ECS API", "Request throttling for the Elastic Load Balancing API"
//! (category buckets and one of the account), "CloudWatch Logs quotas". IAM and ECR publish no rate; the figures for
//! them are chosen below what other tools use. AWS raises limits on request, so a session's are a multiple of these.

use crate::operation::{Operation, Service};
use iasql_engine::Region;
use std::cell::RefCell;
use std::collections::HashMap;
use std::num::NonZeroU32;
use std::time::Duration;
use tokio::time::Instant;

/// A token bucket: how many calls at once, and how many more a second.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limit {
    /// Which actions share the bucket.
    pub group: &'static str,
    /// Calls at once.
    pub burst: f64,
    /// Calls a second after that.
    pub refill: f64,
}

const fn limit(group: &'static str, burst: f64, refill: f64) -> Limit {
    Limit {
        group,
        burst,
        refill,
    }
}

/// The buckets that a call takes a token from.
pub fn limits(operation: Operation) -> Vec<Limit> {
    let name = operation.name;
    let reads = name.starts_with("Describe") || name.starts_with("List") || name.starts_with("Get");
    match operation.service {
        // EC2 counts every action alone; the action's name is the group.
        Service::Ec2 if reads => vec![limit(name, 100.0, 20.0)],
        Service::Ec2 if name == "CreateTags" || name == "DeleteTags" => {
            vec![limit(name, 100.0, 10.0)]
        }
        Service::Ec2 => vec![limit(name, 50.0, 5.0)],
        Service::Ecs => vec![match name {
            "RegisterTaskDefinition" | "DeregisterTaskDefinition" => {
                limit("task definition write", 20.0, 1.0)
            }
            "DescribeTaskDefinition" | "ListTaskDefinitions" => {
                limit("task definition read", 50.0, 20.0)
            }
            "CreateService" | "UpdateService" | "DeleteService" => {
                limit("service write", 50.0, 5.0)
            }
            "DescribeServices" | "ListServices" => limit("service read", 100.0, 20.0),
            _ if reads => limit("cluster read", 50.0, 20.0),
            _ => limit("cluster write", 20.0, 1.0),
        }],
        Service::Elb => vec![
            limit("account", 40.0, 10.0),
            match name {
                "CreateLoadBalancer" | "SetSubnets" => limit("load balancer create", 10.0, 0.2),
                _ if reads => limit("read", 40.0, 10.0),
                _ => limit("mutating", 20.0, 3.0),
            },
        ],
        Service::Logs => vec![limit(name, 10.0, 10.0)],
        Service::Iam | Service::Ecr | Service::EcrPublic | Service::Sts | Service::Tagging => {
            vec![limit(if reads { "read" } else { "mutating" }, 20.0, 15.0)]
        }
    }
}

struct Bucket {
    tokens: f64,
    refilled: Instant,
    /// After a throttle answer: no call before this moment.
    closed_until: Instant,
}

/// The buckets of one account, shared by all calls of a session.
pub struct Limiter {
    /// How many times the published limits AWS grants this account.
    times: f64,
    buckets: RefCell<HashMap<(Service, &'static str, Region), Bucket>>,
}

impl Limiter {
    /// The buckets of an account to which AWS grants this many times the published limits.
    pub fn new(times: NonZeroU32) -> Limiter {
        Limiter {
            times: times.get().into(),
            buckets: RefCell::default(),
        }
    }

    /// Waits until every bucket of the operation has a token, and takes them.
    pub async fn acquire(&self, operation: Operation, region: &Region) {
        for limit in limits(operation) {
            loop {
                let wait = self.take(operation.service, limit, region);
                if wait.is_zero() {
                    break;
                }
                tokio::time::sleep(wait).await;
            }
        }
    }

    /// Takes a token, or says how long to wait for one.
    fn take(&self, service: Service, limit: Limit, region: &Region) -> Duration {
        let now = Instant::now();
        let (burst, refill) = (limit.burst * self.times, limit.refill * self.times);
        let mut buckets = self.buckets.borrow_mut();
        let bucket = buckets
            .entry((service, limit.group, region.clone()))
            .or_insert(Bucket {
                tokens: burst,
                refilled: now,
                closed_until: now,
            });
        if bucket.closed_until > now {
            return bucket.closed_until - now;
        }
        let gained = (now - bucket.refilled).as_secs_f64() * refill;
        bucket.tokens = (bucket.tokens + gained).min(burst);
        bucket.refilled = now;
        if bucket.tokens >= 1.0 {
            bucket.tokens -= 1.0;
            Duration::ZERO
        } else {
            Duration::from_secs_f64((1.0 - bucket.tokens) / refill)
        }
    }

    /// AWS asked to slow down: what was left of the burst is not ours.
    pub fn throttled(&self, operation: Operation, region: &Region, pause: Duration) {
        let now = Instant::now();
        let mut buckets = self.buckets.borrow_mut();
        for limit in limits(operation) {
            if let Some(bucket) = buckets.get_mut(&(operation.service, limit.group, region.clone()))
            {
                bucket.tokens = 0.0;
                bucket.refilled = now;
                bucket.closed_until = bucket.closed_until.max(now + pause);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .expect("a runtime")
    }

    #[test]
    fn the_burst_is_free_and_then_the_refill_is_the_pace() {
        runtime().block_on(async {
            let limiter = Limiter::new(NonZeroU32::MIN);
            let region = Region::from("us-east-2");
            let create = Service::Elb.op("CreateLoadBalancer");
            let wait = |limiter: &Limiter| limiter.take(create.service, limits(create)[1], &region);
            for _ in 0..10 {
                assert_eq!(wait(&limiter), Duration::ZERO);
            }
            let pause = wait(&limiter);
            assert!(pause > Duration::from_secs(4) && pause <= Duration::from_secs(5));
        });
    }

    #[test]
    fn raised_limits_grant_that_many_times_the_calls() {
        runtime().block_on(async {
            let limiter = Limiter::new(NonZeroU32::new(3).expect("more than none"));
            let region = Region::from("us-east-2");
            let create = Service::Elb.op("CreateLoadBalancer");
            let wait = || limiter.take(create.service, limits(create)[1], &region);
            for _ in 0..30 {
                assert_eq!(wait(), Duration::ZERO);
            }
            let pause = wait();
            assert!(pause > Duration::from_secs(1) && pause <= Duration::from_secs(2));
        });
    }

    #[test]
    fn a_throttle_answer_closes_the_bucket() {
        runtime().block_on(async {
            let limiter = Limiter::new(NonZeroU32::MIN);
            let region = Region::from("us-east-2");
            let describe = Service::Ec2.op("DescribeVpcs");
            limiter.acquire(describe, &region).await;
            limiter.throttled(describe, &region, Duration::from_secs(2));
            let pause = limiter.take(describe.service, limits(describe)[0], &region);
            assert!(pause > Duration::from_secs(1));
        });
    }
}
