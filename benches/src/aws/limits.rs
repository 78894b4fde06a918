//! AWS's request limits, which refuse what comes too fast.
//!
//! The figures are those that AWS publishes: "Request throttling for the Amazon EC2 API" (each action alone, per account
//! and region), "Request throttling for the Amazon ECS API", "Request throttling for the Elastic Load Balancing API",
//! "CloudWatch Logs quotas". IAM, ECR, STS and the tagging API publish none and are not limited here.

use std::collections::HashMap;
use std::time::Instant;

/// A token bucket.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limit {
    /// The actions that share it.
    pub group: &'static str,
    /// Calls at once.
    pub burst: f64,
    /// Calls a second after that.
    pub refill: f64,
}

/// The buckets that a call takes a token from. An empty group is the action alone.
pub fn limits(service: &str, operation: &str) -> Vec<Limit> {
    let limit = |group, burst, refill| Limit {
        group,
        burst,
        refill,
    };
    let reads = operation.starts_with("Describe") || operation.starts_with("List");
    match service {
        "ec2" => vec![match operation {
            "CreateTags" | "DeleteTags" => limit("", 100.0, 10.0),
            _ if reads => limit("", 100.0, 20.0),
            _ => limit("", 50.0, 5.0),
        }],
        "ecs" => vec![match operation {
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
        "elasticloadbalancing" => {
            let category = match operation {
                "CreateLoadBalancer" | "SetSubnets" => limit("load balancer create", 10.0, 0.2),
                _ if reads => limit("read", 40.0, 10.0),
                _ => limit("mutating", 20.0, 3.0),
            };
            vec![limit("account", 40.0, 10.0), category]
        }
        "logs" => vec![limit("", 10.0, 10.0)],
        _ => Vec::new(),
    }
}

/// The code with which a service refuses.
pub fn refusal(service: &str) -> &'static str {
    match service {
        "ec2" => "RequestLimitExceeded",
        "iam" | "sts" | "elasticloadbalancing" => "Throttling",
        _ => "ThrottlingException",
    }
}

/// The state of the buckets.
#[derive(Default)]
pub struct Buckets(HashMap<(String, String, String), (f64, Instant)>);

impl Buckets {
    /// Takes a token from each bucket; false where one is empty.
    pub fn take(&mut self, service: &str, region: &str, operation: &str) -> bool {
        let now = Instant::now();
        let limits = limits(service, operation);
        let mut levels = Vec::with_capacity(limits.len());
        for limit in &limits {
            let group = if limit.group.is_empty() {
                operation
            } else {
                limit.group
            };
            let key = (service.to_owned(), region.to_owned(), group.to_owned());
            let (tokens, filled) = self.0.get(&key).copied().unwrap_or((limit.burst, now));
            let gained = (now - filled).as_secs_f64() * limit.refill;
            levels.push((key, (tokens + gained).min(limit.burst)));
        }
        let granted = levels.iter().all(|(_, tokens)| *tokens >= 1.0);
        for (key, tokens) in levels {
            let left = if granted { tokens - 1.0 } else { tokens };
            self.0.insert(key, (left, now));
        }
        granted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_refuses_when_its_burst_is_spent() {
        let mut buckets = Buckets::default();
        let mut take = || buckets.take("logs", "us-east-2", "CreateLogGroup");
        assert!((0..10).all(|_| take()));
        assert!(!take());
    }

    #[test]
    fn each_action_of_ec2_has_a_bucket_of_its_own() {
        let mut buckets = Buckets::default();
        assert!((0..50).all(|_| buckets.take("ec2", "us-east-2", "CreateSecurityGroup")));
        assert!(!buckets.take("ec2", "us-east-2", "CreateSecurityGroup"));
        assert!(buckets.take("ec2", "us-east-2", "RevokeSecurityGroupEgress"));
        assert!(buckets.take("ec2", "us-east-1", "CreateSecurityGroup"));
    }
}
