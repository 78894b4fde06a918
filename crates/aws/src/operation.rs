//! The names of AWS's services and operations, as errors, limits and the journal speak of them.

use std::fmt;

/// An AWS service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Service {
    /// Elastic Compute Cloud, which holds the networks too.
    Ec2,
    /// Elastic Container Registry.
    Ecr,
    /// The public registry.
    EcrPublic,
    /// Elastic Container Service.
    Ecs,
    /// Elastic Load Balancing, version 2.
    Elb,
    /// Identity and Access Management.
    Iam,
    /// CloudWatch Logs.
    Logs,
    /// Security Token Service.
    Sts,
    /// The Resource Groups Tagging API: tags of many services in one list.
    Tagging,
}

impl Service {
    /// The prefix of the service's actions in IAM policies.
    pub fn action_prefix(self) -> &'static str {
        match self {
            Service::Ec2 => "ec2",
            Service::Ecr => "ecr",
            Service::EcrPublic => "ecr-public",
            Service::Ecs => "ecs",
            Service::Elb => "elasticloadbalancing",
            Service::Iam => "iam",
            Service::Logs => "logs",
            Service::Sts => "sts",
            Service::Tagging => "tag",
        }
    }

    /// An operation of the service.
    pub const fn op(self, name: &'static str) -> Operation {
        Operation {
            service: self,
            name,
        }
    }
}

/// An operation of a service. Displayed as IAM policies name it: `ec2:DescribeVpcs`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Operation {
    /// The service.
    pub service: Service,
    /// AWS's name of the operation.
    pub name: &'static str,
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.service.action_prefix(), self.name)
    }
}
