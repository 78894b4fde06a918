//! The AWS services in use, as they look on the wire.

/// How a service wants to be spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// A form with `Action=`, answered in XML, with errors as only EC2 writes them.
    Ec2,
    /// A form with `Action=`, answered in XML.
    Query,
    /// JSON with the operation in the header `X-Amz-Target`.
    Json,
}

/// An AWS service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Service {
    /// Virtual networks, security groups.
    Ec2,
    /// Roles.
    Iam,
    /// Who am I, assume a role.
    Sts,
    /// Load balancers.
    Elbv2,
    /// Log groups.
    Logs,
    /// Private repositories.
    Ecr,
    /// Public repositories.
    EcrPublic,
    /// Clusters, services, task definitions.
    Ecs,
    /// Tags of the resources of all services.
    Tagging,
}

impl Service {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Ec2,
        Self::Iam,
        Self::Sts,
        Self::Elbv2,
        Self::Logs,
        Self::Ecr,
        Self::EcrPublic,
        Self::Ecs,
        Self::Tagging,
    ];

    /// The name in a request's signature.
    pub fn signing_name(self) -> &'static str {
        match self {
            Self::Ec2 => "ec2",
            Self::Iam => "iam",
            Self::Sts => "sts",
            Self::Elbv2 => "elasticloadbalancing",
            Self::Logs => "logs",
            Self::Ecr => "ecr",
            Self::EcrPublic => "ecr-public",
            Self::Ecs => "ecs",
            Self::Tagging => "tagging",
        }
    }

    /// The service with this name in a request's signature.
    pub fn from_signing_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|service| service.signing_name() == name)
    }

    /// How it wants to be spoken to.
    pub fn protocol(self) -> Protocol {
        match self {
            Self::Ec2 => Protocol::Ec2,
            Self::Iam | Self::Sts | Self::Elbv2 => Protocol::Query,
            Self::Logs | Self::Ecr | Self::EcrPublic | Self::Ecs | Self::Tagging => Protocol::Json,
        }
    }

    /// The version that a form names, or what stands before the operation in `X-Amz-Target`.
    pub(crate) fn api_version(self) -> &'static str {
        match self {
            Self::Ec2 => "2016-11-15",
            Self::Iam => "2010-05-08",
            Self::Sts => "2011-06-15",
            Self::Elbv2 => "2015-12-01",
            Self::Logs => "Logs_20140328",
            Self::Ecr => "AmazonEC2ContainerRegistry_V20150921",
            Self::EcrPublic => "SpencerFrontendService",
            Self::Ecs => "AmazonEC2ContainerServiceV20141113",
            Self::Tagging => "ResourceGroupsTaggingAPI_20170126",
        }
    }
}
