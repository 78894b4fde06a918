//! Who we are to AWS, and the clients made from that. Built once per backend and reused.

use crate::access::Access;
use crate::error::{AwsError, Class};
use crate::limits::Limiter;
use crate::operation::Service;
use crate::secrets::Secrets;
use crate::seen::Seen;
use aws_config::default_provider::credentials::DefaultCredentialsChain;
use aws_config::environment::EnvironmentVariableRegionProvider;
use aws_config::identity::IdentityCache;
use aws_config::imds::region::ImdsRegionProvider;
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::{ProfileFileCredentialsProvider, ProfileFileRegionProvider};
use aws_config::provider_config::ProviderConfig;
use aws_config::sts::AssumeRoleProvider;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_credential_types::Credentials as StaticCredentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_smithy_async::time::{SharedTimeSource, SystemTimeSource};
use aws_smithy_http_client::Builder as HttpBuilder;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::region::Region as SdkRegion;
use iasql_engine::{ObjectKey, Region};
use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;
use std::num::NonZeroU32;
use std::rc::Rc;
use std::time::Duration;
use tokio::sync::OnceCell;

/// Where the credentials come from.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Credentials {
    /// The SDK's default chain of the server process: environment, files, web identity, container, instance.
    Chain,
    /// A profile of the server process's AWS configuration files.
    Profile(String),
    /// Keys written out.
    Keys {
        /// The access key id.
        access_key_id: String,
        /// The secret access key.
        secret_access_key: String,
        /// The session token, for temporary keys.
        session_token: Option<String>,
    },
    /// A role, assumed with the credentials of another source.
    Role {
        /// The role.
        role_arn: String,
        /// What the role's trust policy may ask for.
        external_id: Option<String>,
        /// The name under which CloudTrail lists the calls: the database user.
        session_name: String,
        /// Whose credentials assume it.
        source: Box<Credentials>,
    },
}

impl fmt::Debug for Credentials {
    /// Never shows a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Credentials::Chain => f.write_str("Chain"),
            Credentials::Profile(name) => write!(f, "Profile({name})"),
            Credentials::Keys { .. } => f.write_str("Keys(***)"),
            Credentials::Role { role_arn, .. } => write!(f, "Role({role_arn})"),
        }
    }
}

/// What a session is made from.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Settings {
    /// Where the credentials come from.
    pub credentials: Credentials,
    /// The endpoint of an emulator, instead of AWS's own.
    pub endpoint_url: Option<String>,
    /// The region for the calls of global services; None asks the SDK's own configuration.
    pub region: Option<String>,
    /// How many times its published request limits AWS grants the account.
    pub request_limits: NonZeroU32,
}

/// The account behind the credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The account's twelve digits.
    pub account_id: String,
    /// `aws`, `aws-cn`, `aws-us-gov`, …
    pub partition: String,
    /// Who calls.
    pub arn: String,
}

/// How long to wait for what.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// For something made moments ago to be known everywhere.
    pub propagation: Duration,
    /// For what still uses an object to let it go, and for an object to reach the state it is waited for.
    pub in_use: Duration,
    /// Before a create is sent again that was not answered and cannot be found.
    pub quiet: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Patience {
            propagation: Duration::from_secs(120),
            in_use: Duration::from_secs(900),
            quiet: iasql_engine::journal::QUIET,
        }
    }
}

/// A session with one AWS account.
pub struct Session {
    sdk: SdkConfig,
    region: Region,
    limiter: Limiter,
    regions: RefCell<HashMap<Region, Rc<Clients>>>,
    identity: OnceCell<Identity>,
    /// Objects that no row can say, and why.
    unsaid: RefCell<HashMap<ObjectKey, String>>,
    seen: Seen,
    secrets: Secrets,
}

impl Session {
    /// Makes the session. Nothing is sent to AWS; the credentials are looked up at the first call.
    pub async fn new(settings: &Settings) -> Session {
        let http: SharedHttpClient = HttpBuilder::new()
            .tls_provider(Provider::Rustls(CryptoMode::Ring))
            .build_https();
        let sleep = SharedAsyncSleep::new(TokioSleep::new());
        let provider = ProviderConfig::empty()
            .with_http_client(http.clone())
            .with_sleep_impl(TokioSleep::new());
        let region = match &settings.region {
            Some(region) => Some(SdkRegion::new(region.clone())),
            None => own_region(&provider).await,
        };
        let provider = provider.with_region(region.clone());
        let mut sdk = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .http_client(http)
            .sleep_impl(sleep)
            .time_source(SharedTimeSource::new(SystemTimeSource::new()))
            // One for all clients: else each would assume the role for itself.
            .identity_cache(IdentityCache::lazy().build())
            .region(region.clone())
            // One retry policy, in `access`, which the journal and the limits know of.
            .retry_config(RetryConfig::disabled())
            .timeout_config(
                TimeoutConfig::builder()
                    .connect_timeout(Duration::from_secs(4))
                    .operation_attempt_timeout(Duration::from_secs(60))
                    .build(),
            );
        sdk.set_endpoint_url(settings.endpoint_url.clone());
        let sdk = sdk.build();
        let secrets = Secrets::default();
        let credentials = provide(&settings.credentials, &provider, &sdk, &secrets).await;
        Session {
            sdk: sdk.to_builder().credentials_provider(credentials).build(),
            region: region.map_or_else(Region::default, |region| Region::from(region.as_ref())),
            limiter: Limiter::new(settings.request_limits),
            regions: RefCell::default(),
            identity: OnceCell::new(),
            unsaid: RefCell::default(),
            seen: Seen::default(),
            secrets,
        }
    }

    /// The region of the session: the server's option, or the SDK's own configuration.
    pub fn region(&self) -> &Region {
        &self.region
    }

    /// The token buckets.
    pub fn limiter(&self) -> &Limiter {
        &self.limiter
    }

    /// What the run has seen.
    pub fn seen(&self) -> &Seen {
        &self.seen
    }

    /// What is not told, even where AWS does.
    pub(crate) fn secrets(&self) -> &Secrets {
        &self.secrets
    }

    /// Access to one region; global services are called through the session's own.
    pub fn access(self: &Rc<Self>, region: &Region) -> Access {
        Access::new(Rc::clone(self), region.clone())
    }

    /// Keeps in mind that no row can say this object.
    pub(crate) fn keep_unsaid(&self, object: ObjectKey, why: String) {
        self.unsaid.borrow_mut().insert(object, why);
    }

    /// Why no row could say the object when it was last read.
    pub(crate) fn unsaid(&self, object: &ObjectKey) -> Option<String> {
        self.unsaid.borrow().get(object).cloned()
    }

    /// The clients of a region, made at first use.
    pub fn clients(&self, region: &Region) -> Rc<Clients> {
        let mut regions = self.regions.borrow_mut();
        let clients = regions.entry(region.clone()).or_insert_with(|| {
            let sdk = self
                .sdk
                .to_builder()
                .region(SdkRegion::new(region.to_string()))
                .build();
            Rc::new(Clients::new(sdk))
        });
        Rc::clone(clients)
    }

    /// The account behind the credentials. Asked once per session.
    pub async fn identity(self: &Rc<Self>) -> Result<&Identity, AwsError> {
        self.identity
            .get_or_try_init(|| async {
                let operation = Service::Sts.op("GetCallerIdentity");
                if self.region.as_str().is_empty() {
                    return Err(AwsError {
                        class: Class::NotSent,
                        ..AwsError::unsupported(operation, "no region is set")
                    });
                }
                let access = self.access(&self.region);
                let answer = access
                    .read(operation, || access.sts().get_caller_identity().send())
                    .await?;
                let told = |text: Option<&str>| text.map(|text| self.secrets.hidden_in(text));
                let arn = told(answer.arn()).unwrap_or_default();
                let partition = arn.split(':').nth(1).unwrap_or("aws").to_owned();
                match told(answer.account()) {
                    Some(account_id) if !partition.is_empty() => Ok(Identity {
                        account_id,
                        partition,
                        arn,
                    }),
                    _ => Err(AwsError {
                        class: Class::Malformed,
                        ..AwsError::unsupported(operation, "the answer names no account")
                    }),
                }
            })
            .await
    }
}

/// The region of the SDK's own configuration: environment, files, instance. Its ready-made chain takes no HTTP client.
async fn own_region(provider: &ProviderConfig) -> Option<SdkRegion> {
    RegionProviderChain::first_try(EnvironmentVariableRegionProvider::new())
        .or_else(
            ProfileFileRegionProvider::builder()
                .configure(provider)
                .build(),
        )
        .or_else(ImdsRegionProvider::builder().configure(provider).build())
        .region()
        .await
}

async fn provide(
    credentials: &Credentials,
    provider: &ProviderConfig,
    sdk: &SdkConfig,
    secrets: &Secrets,
) -> SharedCredentialsProvider {
    let provider = match credentials {
        Credentials::Chain => SharedCredentialsProvider::new(
            DefaultCredentialsChain::builder()
                .configure(provider.clone())
                .build()
                .await,
        ),
        Credentials::Profile(name) => SharedCredentialsProvider::new(
            ProfileFileCredentialsProvider::builder()
                .configure(provider)
                .profile_name(name)
                .build(),
        ),
        Credentials::Keys {
            access_key_id,
            secret_access_key,
            session_token,
        } => SharedCredentialsProvider::new(StaticCredentials::new(
            access_key_id,
            secret_access_key,
            session_token.clone(),
            None,
            "user mapping",
        )),
        Credentials::Role {
            role_arn,
            external_id,
            session_name,
            source,
        } => {
            let source = Box::pin(provide(source, provider, sdk, secrets)).await;
            let mut role = AssumeRoleProvider::builder(role_arn)
                .configure(sdk)
                .session_name(session_name);
            if let Some(external_id) = external_id {
                role = role.external_id(external_id);
            }
            SharedCredentialsProvider::new(role.build_from_provider(source).await)
        }
    };
    secrets.of(provider)
}

/// The clients of one region, each made at its first use.
pub struct Clients {
    sdk: SdkConfig,
    ec2: std::cell::OnceCell<aws_sdk_ec2::Client>,
    ecr: std::cell::OnceCell<aws_sdk_ecr::Client>,
    ecr_public: std::cell::OnceCell<aws_sdk_ecrpublic::Client>,
    ecs: std::cell::OnceCell<aws_sdk_ecs::Client>,
    elb: std::cell::OnceCell<aws_sdk_elasticloadbalancingv2::Client>,
    iam: std::cell::OnceCell<aws_sdk_iam::Client>,
    logs: std::cell::OnceCell<aws_sdk_cloudwatchlogs::Client>,
    sts: std::cell::OnceCell<aws_sdk_sts::Client>,
    tagging: std::cell::OnceCell<aws_sdk_resourcegroupstagging::Client>,
}

macro_rules! clients {
    ($($name:ident: $sdk:ident),* $(,)?) => {
        impl Clients {
            fn new(sdk: SdkConfig) -> Clients {
                Clients { sdk, $($name: std::cell::OnceCell::new()),* }
            }
            $(
                /// The client of the service.
                pub fn $name(&self) -> &$sdk::Client {
                    self.$name.get_or_init(|| $sdk::Client::new(&self.sdk))
                }
            )*
        }
    };
}

clients! {
    ec2: aws_sdk_ec2,
    ecr: aws_sdk_ecr,
    ecr_public: aws_sdk_ecrpublic,
    ecs: aws_sdk_ecs,
    elb: aws_sdk_elasticloadbalancingv2,
    iam: aws_sdk_iam,
    logs: aws_sdk_cloudwatchlogs,
    sts: aws_sdk_sts,
    tagging: aws_sdk_resourcegroupstagging,
}
