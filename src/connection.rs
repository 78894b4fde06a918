//! How to reach AWS and with which credentials: foreign servers and user mappings.
//!
//! Any role with USAGE on a server can write its own user mapping, so a mapping is no boundary. What only a superuser
//! may hand out (profiles, the server process's own identity) is refused when anybody else writes it; a role that a
//! mapping names must be among those that the server allows, unless a superuser asks. Whoever owns a server chooses where
//! its requests go: what is the server process's own goes through servers of superusers only.

use crate::internal::as_owner;
use crate::report::Problem;
use crate::{settings, sql, store};
use iasql_aws::session::{Credentials, Settings};
use pgrx::pg_sys;
use pgrx::prelude::*;
use std::collections::BTreeMap;
use std::num::NonZeroU32;

type Options = BTreeMap<String, String>;

/// What the current user's connection to AWS is made from.
pub fn current() -> Result<Settings, Problem> {
    let server = settings::server();
    // SAFETY: plain reads of the backend's state on its Postgres thread.
    let (user, superuser) = unsafe { (pg_sys::GetUserId(), pg_sys::superuser()) };
    let user_name = user_name(user);
    let Some(found) = find_server(&server, user) else {
        return match superuser {
            true => Ok(Settings {
                credentials: Credentials::Chain,
                endpoint_url: None,
                region: default_region(),
                request_limits: NonZeroU32::MIN,
            }),
            false => Err(Problem::NoServer {
                server,
                user: user_name,
            }),
        };
    };
    if !found.is_usable {
        return Err(Problem::ServerDenied {
            server,
            user: user_name,
        });
    }
    let mapping = match mapping_options(&found.oid, user) {
        Some(mapping) => mapping,
        None if superuser => Options::new(),
        None => {
            return Err(Problem::NoMapping {
                server,
                user: user_name,
            });
        }
    };
    let credentials = credentials(&server, &user_name, superuser, &found.options, &mapping)?;
    if let Some(what) = identity_of_the_process(&credentials)
        && !found.is_trusted
    {
        return Err(Problem::ServerNotTrusted {
            server,
            owner: found.owner,
            what,
            superuser,
        });
    }
    let options = found.options;
    Ok(Settings {
        credentials,
        endpoint_url: options.get("endpoint_url").cloned(),
        region: options.get("region").cloned().or_else(default_region),
        request_limits: request_limits(&options),
    })
}

/// How many times AWS's published request limits the server says the account has; without a word, these.
fn request_limits(server: &Options) -> NonZeroU32 {
    let written = server.get("request_limits");
    // Checked when it was written.
    let times = written.and_then(|times| times.parse().ok());
    times.unwrap_or(NonZeroU32::MIN)
}

/// What of the server process's own the credentials are, or are got with. A server's owner chooses where requests go,
/// so that these go through servers of superusers only.
fn identity_of_the_process(credentials: &Credentials) -> Option<String> {
    match credentials {
        Credentials::Keys { .. } => None,
        Credentials::Profile(profile) => Some(format!("the profile {profile}")),
        Credentials::Chain => Some(PROCESS.to_owned()),
        Credentials::Role { source, .. } => identity_of_the_process(source),
    }
}

const PROCESS: &str = "the server process's own AWS identity";

/// The region of rows that name none, for the calls of global services.
fn default_region() -> Option<String> {
    let regions = store::enabled_regions();
    regions.first().map(ToString::to_string)
}

fn credentials(
    server: &str,
    user: &str,
    superuser: bool,
    options: &Options,
    mapping: &Options,
) -> Result<Credentials, Problem> {
    let denied = |what: &str| Problem::MappingDenied {
        server: server.to_owned(),
        user: user.to_owned(),
        what: what.to_owned(),
    };
    let base = match (mapping.get("access_key_id"), mapping.get("profile")) {
        (Some(access_key_id), _) => Credentials::Keys {
            access_key_id: access_key_id.clone(),
            secret_access_key: mapping
                .get("secret_access_key")
                .cloned()
                .unwrap_or_default(),
            session_token: mapping.get("session_token").cloned(),
        },
        (None, Some(profile)) => Credentials::Profile(profile.clone()),
        (None, None) => Credentials::Chain,
    };
    let Some(role_arn) = mapping.get("role_arn") else {
        let chain_allowed = superuser || mapping.contains_key("server_identity");
        return match base {
            Credentials::Chain if !chain_allowed => Err(denied(PROCESS)),
            base => Ok(base),
        };
    };
    let own_keys = matches!(base, Credentials::Keys { .. });
    let allowed = options
        .get("allowed_role_arns")
        .is_some_and(|allowed| allows(allowed, role_arn));
    if !superuser && !own_keys && !allowed {
        return Err(denied(&format!("the role {role_arn}")));
    }
    Ok(Credentials::Role {
        role_arn: role_arn.clone(),
        external_id: mapping.get("external_id").cloned(),
        session_name: session_name(user),
        source: Box::new(base),
    })
}

/// Whether a list of role ARNs, separated by commas, names the role. A `*` at the end stands for any ending.
fn allows(allowed: &str, role_arn: &str) -> bool {
    allowed
        .split(',')
        .map(str::trim)
        .any(|pattern| match pattern.strip_suffix('*') {
            Some(beginning) => role_arn.starts_with(beginning),
            None => role_arn == pattern,
        })
}

/// The database user, in the characters that STS accepts.
fn session_name(user: &str) -> String {
    let name: String = user
        .chars()
        .map(|c| match c {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '+' | '=' | ',' | '.' | '@' | '-' | '_' => c,
            _ => '_',
        })
        .take(58)
        .collect();
    format!("iasql-{name}")
}

/// A foreign server of iasql's.
struct Server {
    oid: String,
    owner: String,
    /// Whether a superuser owns it.
    is_trusted: bool,
    /// Whether the user has USAGE on it.
    is_usable: bool,
    options: Options,
}

fn find_server(server: &str, user: pg_sys::Oid) -> Option<Server> {
    as_owner(|| {
        let rows = sql::query(
            "SELECT s.oid, r.rolname, r.rolsuper, has_server_privilege($2::oid, s.oid, 'USAGE')
             FROM pg_foreign_server s JOIN pg_foreign_data_wrapper w ON w.oid = s.srvfdw
             JOIN pg_roles r ON r.oid = s.srvowner
             WHERE s.srvname = $1 AND w.fdwname = 'iasql'",
            &[Some(server), Some(&user.to_u32().to_string())],
        );
        let mut row = rows.into_iter().next()?.into_iter().flatten();
        let (oid, owner) = (row.next()?, row.next()?);
        let mut is_true = || row.next().as_deref() == Some("t");
        let (is_trusted, is_usable) = (is_true(), is_true());
        let options = sql::query(
            "SELECT o.option_name, o.option_value
             FROM pg_foreign_server s, pg_options_to_table(s.srvoptions) o WHERE s.oid = $1::oid",
            &[Some(&oid)],
        );
        Some(Server {
            oid,
            owner,
            is_trusted,
            is_usable,
            options: pairs(options),
        })
    })
}

/// The options of the user's mapping, else of the public one.
fn mapping_options(server: &str, user: pg_sys::Oid) -> Option<Options> {
    as_owner(|| {
        let mapping = sql::value(
            "SELECT m.oid FROM pg_user_mapping m
             WHERE m.umserver = $1::oid AND m.umuser IN (0, $2::oid) ORDER BY m.umuser DESC LIMIT 1",
            &[Some(server), Some(&user.to_u32().to_string())],
        )?;
        let options = sql::query(
            "SELECT o.option_name, o.option_value
             FROM pg_user_mapping m, pg_options_to_table(m.umoptions) o WHERE m.oid = $1::oid",
            &[Some(&mapping)],
        );
        Some(pairs(options))
    })
}

fn pairs(rows: sql::Rows) -> Options {
    rows.into_iter()
        .filter_map(|row| {
            let mut row = row.into_iter();
            Some((row.next()??, row.next()?.unwrap_or_default()))
        })
        .collect()
}

/// The name of the user whose rights are in force.
pub fn current_user() -> String {
    // SAFETY: a plain read of the backend's state on its Postgres thread.
    user_name(unsafe { pg_sys::GetUserId() })
}

fn user_name(user: pg_sys::Oid) -> String {
    sql::value(
        "SELECT pg_catalog.pg_get_userbyid($1::pg_catalog.oid)",
        &[Some(&user.to_u32().to_string())],
    )
    .unwrap_or_default()
}

const SERVER_OPTIONS: &[&str] = &[
    "region",
    "endpoint_url",
    "allowed_role_arns",
    "request_limits",
];
const MAPPING_OPTIONS: &[&str] = &[
    "access_key_id",
    "secret_access_key",
    "session_token",
    "profile",
    "role_arn",
    "external_id",
    "server_identity",
];

/// Checks options when they are written.
#[pg_extern(sql = false)]
fn fdw_validator(options: Vec<Option<String>>, catalog: pg_sys::Oid) {
    // SAFETY: a plain read of the backend's state on its Postgres thread.
    let superuser = unsafe { pg_sys::superuser() };
    let options: Options = options
        .into_iter()
        .flatten()
        .filter_map(|option| {
            let (name, value) = option.split_once('=')?;
            Some((name.to_owned(), value.to_owned()))
        })
        .collect();
    let known = match catalog {
        pg_sys::ForeignServerRelationId => SERVER_OPTIONS,
        pg_sys::UserMappingRelationId => MAPPING_OPTIONS,
        _ => &[],
    };
    for (name, value) in &options {
        if !known.contains(&name.as_str()) {
            invalid_option(
                PgSqlErrorCode::ERRCODE_FDW_INVALID_OPTION_NAME,
                &format!("invalid option \"{name}\""),
                &match known {
                    [] => "A foreign table or wrapper of iasql has no options.".to_owned(),
                    known => format!("Valid options are: {}.", known.join(", ")),
                },
            );
        }
        if let Some(wrong) = malformed(name, value) {
            invalid_option(
                PgSqlErrorCode::ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE,
                // The value may be a secret: it is not repeated.
                &format!("invalid value for option \"{name}\""),
                wrong,
            );
        }
        let superusers_only = ["allowed_role_arns", "profile", "server_identity"];
        if superusers_only.contains(&name.as_str()) && !superuser {
            invalid_option(
                PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE,
                &format!("only a superuser may set option \"{name}\""),
                "It gives access to what the server process may do in AWS.",
            );
        }
    }
    let has = |name: &str| options.contains_key(name);
    if has("access_key_id") != has("secret_access_key") {
        invalid_option(
            PgSqlErrorCode::ERRCODE_FDW_ERROR,
            "access_key_id and secret_access_key go together",
            "Set both, or neither.",
        );
    }
    if has("external_id") && !has("role_arn") {
        invalid_option(
            PgSqlErrorCode::ERRCODE_FDW_ERROR,
            "external_id goes with role_arn",
            "Set role_arn too.",
        );
    }
    if has("access_key_id") && has("profile") {
        invalid_option(
            PgSqlErrorCode::ERRCODE_FDW_ERROR,
            "access_key_id and profile exclude each other",
            "Set one of them.",
        );
    }
    if has("secret_access_key") {
        pg_sys::panic::ErrorReport::new(
            PgSqlErrorCode::ERRCODE_WARNING,
            "keys in a user mapping are part of every dump of this database".to_owned(),
            "fdw_validator",
        )
        .set_hint("Use role_arn, or profile where a superuser writes the mapping.")
        .report(PgLogLevel::WARNING);
    }
}

fn malformed(name: &str, value: &str) -> Option<&'static str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
    match name {
        "region" if value.is_empty() || !value.chars().all(plain) => {
            Some("A region is a name like us-east-2.")
        }
        "endpoint_url" if !is_endpoint(value) => {
            Some("An endpoint is a URL like http://127.0.0.1:5000.")
        }
        "role_arn" if !(value.starts_with("arn:") && value.contains(":role/")) => {
            Some("A role is an ARN like arn:aws:iam::123456789012:role/name.")
        }
        "request_limits" if value.parse::<NonZeroU32>().is_err() => {
            Some("Request limits are a whole number of times those that AWS publishes, like 10.")
        }
        "server_identity" if value != "true" => Some("The only value is true."),
        _ if value.is_empty() => Some("The value is empty."),
        _ => None,
    }
}

/// Whether it is a URL without user and password, which messages would repeat.
fn is_endpoint(url: &str) -> bool {
    let rest = url.strip_prefix("http://");
    let rest = rest.or_else(|| url.strip_prefix("https://"));
    rest.is_some_and(|rest| {
        rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '[')
            && rest
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || ".-_:/[]".contains(c))
    })
}

fn invalid_option(code: PgSqlErrorCode, message: &str, hint: &str) {
    pg_sys::panic::ErrorReport::new(code, message.to_owned(), "fdw_validator")
        .set_hint(hint.to_owned())
        .report(PgLogLevel::ERROR);
}
