//! The secrets that a session holds: learnt when they are handed out, and kept out of what is told. An endpoint, or
//! a proxy before it, may echo what it was sent.

use aws_credential_types::Credentials;
use aws_credential_types::provider::future::ProvideCredentials as Provided;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::collections::{HashSet, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// This many characters in a row of a secret are hidden, so that an echo that is cut off or wrapped is hidden too. AWS's
/// secrets have 40 and more; what an emulator takes for one may be a word that any text has, and is not hidden.
const TELLING: usize = 16;

/// What stands where a secret was.
const HIDDEN: &str = "***";

/// How many secrets are remembered: keys and tokens of a role and of who assumes it, these and the ones before.
const REMEMBERED: usize = 8;

/// What URLs and AWS's canonical requests leave as it is.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Where the server process may hold a token that it shows to get credentials, and where the name of a file that does.
const TOKENS: &[&str] = &["AWS_CONTAINER_AUTHORIZATION_TOKEN"];
const TOKEN_FILES: &[&str] = &[
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
];

/// The secrets of a session.
#[derive(Clone, Default)]
pub(crate) struct Secrets(Arc<Mutex<Held>>);

#[derive(Default)]
struct Held {
    secrets: VecDeque<String>,
    /// Every row of [`TELLING`] characters in them, however they are spelled.
    parts: HashSet<Vec<char>>,
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secrets(***)")
    }
}

impl Secrets {
    /// The same provider, whose credentials are learnt when it hands them out.
    pub(crate) fn of(&self, source: SharedCredentialsProvider) -> SharedCredentialsProvider {
        SharedCredentialsProvider::new(Watched {
            source,
            secrets: self.clone(),
        })
    }

    /// The text without what it has of the secrets.
    pub(crate) fn hidden_in(&self, text: &str) -> String {
        let held = self.held();
        let text: Vec<char> = text.chars().collect();
        let mut secret = vec![false; text.len()];
        for (at, part) in text.windows(TELLING).enumerate() {
            if held.parts.contains(part) {
                secret[at..at + TELLING].fill(true);
            }
        }
        let mut told = String::new();
        let mut was_secret = false;
        for (letter, is_secret) in text.into_iter().zip(secret) {
            match is_secret {
                false => told.push(letter),
                true if !was_secret => told.push_str(HIDDEN),
                true => {}
            }
            was_secret = is_secret;
        }
        told
    }

    fn learn(&self, secret: &str) {
        let mut held = self.held();
        if held.secrets.iter().any(|known| known == secret) {
            return;
        }
        held.secrets.push_back(secret.to_owned());
        if held.secrets.len() > REMEMBERED {
            held.secrets.pop_front();
        }
        held.parts = held.secrets.iter().flat_map(|it| parts(it)).collect();
    }

    fn learn_credentials(&self, credentials: &Credentials) {
        self.learn(credentials.secret_access_key());
        if let Some(token) = credentials.session_token() {
            self.learn(token);
        }
    }

    /// What the server process shows to get credentials.
    fn learn_tokens(&self) {
        let tokens = TOKENS.iter().filter_map(|name| std::env::var(name).ok());
        let files = TOKEN_FILES
            .iter()
            .filter_map(|name| std::fs::read_to_string(std::env::var_os(name)?).ok());
        for token in tokens.chain(files) {
            self.learn(token.trim());
        }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The rows of characters in a secret, as it is, and as URLs, canonical requests and JSON spell it.
fn parts(secret: &str) -> HashSet<Vec<char>> {
    let encoded = |text: &str| utf8_percent_encode(text, ENCODED).to_string();
    let url = encoded(secret);
    let lower = lower_digits(&url);
    let spellings = [
        secret.to_owned(),
        encoded(&url),
        encoded(&lower),
        url,
        lower,
        secret.replace('/', "\\/"),
    ];
    let mut parts = HashSet::new();
    for spelling in spellings {
        let letters: Vec<char> = spelling.chars().collect();
        parts.extend(letters.windows(TELLING).map(<[char]>::to_vec));
    }
    parts
}

/// `%2b` for `%2B`.
fn lower_digits(url: &str) -> String {
    let mut digits = 0;
    let lower = |letter: char| {
        let is_digit = digits > 0;
        digits = if letter == '%' {
            2
        } else {
            digits - i32::from(is_digit)
        };
        if is_digit {
            letter.to_ascii_lowercase()
        } else {
            letter
        }
    };
    url.chars().map(lower).collect()
}

/// A provider whose credentials are learnt.
#[derive(Debug)]
struct Watched {
    source: SharedCredentialsProvider,
    secrets: Secrets,
}

impl ProvideCredentials for Watched {
    fn provide_credentials<'a>(&'a self) -> Provided<'a>
    where
        Self: 'a,
    {
        Provided::new(async {
            self.secrets.learn_tokens();
            let credentials = self.source.provide_credentials().await?;
            self.secrets.learn_credentials(&credentials);
            Ok(credentials)
        })
    }

    fn fallback_on_interrupt(&self) -> Option<Credentials> {
        self.source.fallback_on_interrupt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

    fn hidden_in(text: &str) -> String {
        let secrets = Secrets::default();
        secrets.learn(SECRET);
        secrets.hidden_in(text)
    }

    #[test]
    fn a_secret_is_hidden_however_it_is_spelled() {
        for spelling in [
            SECRET.to_owned(),
            SECRET.replace('/', "%2F").replace('+', "%2B"),
            SECRET.replace('/', "%2f").replace('+', "%2b"),
            SECRET.replace('/', "%252F").replace('+', "%252B"),
            SECRET.replace('/', "%252f").replace('+', "%252b"),
            SECRET.replace('/', "\\/"),
        ] {
            let told = hidden_in(&format!("Größe: key={spelling}&more"));
            assert_eq!(told, "Größe: key=***&more", "{spelling}");
        }
    }

    #[test]
    fn an_echo_that_is_cut_off_is_hidden_too() {
        let told = hidden_in(&format!("{}… and {}", &SECRET[..20], &SECRET[24..]));
        assert_eq!(told, "***… and ***");
    }

    #[test]
    fn ordinary_text_stays_though_a_secret_is_a_word() {
        let secrets = Secrets::default();
        secrets.learn("test");
        secrets.learn("");
        assert_eq!(secrets.hidden_in("role test"), "role test");
        assert_eq!(hidden_in("no role wJalrXUtnFEMI"), "no role wJalrXUtnFEMI");
    }

    #[test]
    fn older_secrets_are_forgotten_in_the_end() {
        let secrets = Secrets::default();
        let secret = |number: usize| format!("{number}-{SECRET}-{number}");
        (0..=REMEMBERED).for_each(|number| secrets.learn(&secret(number)));
        assert_eq!(secrets.held().secrets.len(), REMEMBERED);
        assert_eq!(secrets.hidden_in(&secret(REMEMBERED)), HIDDEN);
    }

    #[test]
    fn debugging_shows_no_secret() {
        let secrets = Secrets::default();
        secrets.learn(SECRET);
        assert_eq!(format!("{secrets:?}"), "Secrets(***)");
    }
}
