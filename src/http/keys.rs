//! The keys that the door compares with: tokens of the REST interface and secrets of the webhook's senders, both
//! swappable at run time.

use std::{collections::BTreeMap, net::IpAddr, sync::Arc};

use subtle::{Choice, ConstantTimeEq};
use tokio::sync::watch;

use super::{last_use::LastUse, problem::Problem, signed_body::Secrets};
use crate::{
    clock::Millis,
    config::{ApiToken, Scope, TokenHash},
    store::Actor,
};

/// The tokens of `[api].tokens`, each as its SHA-256.
#[derive(Debug, Default)]
pub struct Tokens {
    known: Vec<Token>,
}

#[derive(Debug)]
struct Token {
    caller: Caller,
    expires_at: Option<Millis>,
    last_use: LastUse,
}

/// Who calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The token's name, as the audit log writes it.
    pub name: Arc<str>,
    /// What the token may do.
    pub scope: Scope,
    /// Which token it is.
    pub token: TokenHash,
    /// Where the request came from, once it is known.
    pub address: Option<IpAddr>,
}

impl Caller {
    /// As the audit log names the caller.
    pub fn actor(&self) -> Actor {
        Actor { name: self.name.to_string(), address: self.address }
    }
}

/// A token and when it was last used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenUse {
    /// Its name.
    pub name: Arc<str>,
    /// From when on it is not taken any more.
    pub expires_at: Option<Millis>,
    /// When it was last used, as far as this process knows.
    pub last_used_at: Option<Millis>,
}

impl Tokens {
    /// The configured tokens.
    pub fn new(tokens: &[ApiToken]) -> Self {
        let known = tokens.iter().map(|token| Token {
            caller: Caller { name: token.name.as_str().into(), scope: token.scope, token: token.hash, address: None },
            expires_at: token.expires_at,
            last_use: LastUse::default(),
        });
        Self { known: known.collect() }
    }

    /// Whose token this is. Compares with every token in constant time, so that the answer's time tells nothing.
    ///
    /// # Errors
    /// [`Problem::TokenUnknown`], [`Problem::TokenExpired`].
    pub fn find(&self, token: &str, now: Millis) -> Result<&Caller, Problem> {
        self.holder(TokenHash::of(token), now)
    }

    /// Whose token has this hash: for sessions, which know no more of it.
    ///
    /// # Errors
    /// As [`Tokens::find`].
    pub fn holder(&self, hash: TokenHash, now: Millis) -> Result<&Caller, Problem> {
        let known = self.by_hash(hash).ok_or(Problem::TokenUnknown)?;
        if known.is_over(now) {
            return Err(Problem::TokenExpired);
        }
        known.last_use.note(now);
        Ok(&known.caller)
    }

    /// Whether the caller's token is still there, may do what it might, and has not expired.
    pub fn still_allow(&self, caller: &Caller, now: Millis) -> bool {
        let known = self.by_hash(caller.token);
        known.is_some_and(|known| known.caller.scope >= caller.scope && !known.is_over(now))
    }

    /// Every token, in the order of the configuration.
    pub fn uses(&self) -> impl Iterator<Item = TokenUse> {
        self.known.iter().map(|token| TokenUse {
            name: Arc::clone(&token.caller.name),
            expires_at: token.expires_at,
            last_used_at: token.last_use.at(),
        })
    }

    /// When each token was last used, by its name among all keys.
    fn last_uses(&self) -> impl Iterator<Item = (String, &LastUse)> {
        self.known.iter().map(|token| (format!("token {}", hex::encode(&token.caller.token.0[..4])), &token.last_use))
    }

    fn by_hash(&self, hash: TokenHash) -> Option<&Token> {
        let mut found = None;
        for known in &self.known {
            let same: Choice = known.caller.token.0.ct_eq(&hash.0);
            if bool::from(same) {
                found = Some(known);
            }
        }
        found
    }
}

impl Token {
    fn is_over(&self, now: Millis) -> bool {
        self.expires_at.is_some_and(|end| now >= end)
    }
}

/// Everything secret that the door compares with.
#[derive(Debug)]
pub struct Keys {
    /// Secrets of the webhook's senders.
    pub secrets: Secrets,
    /// Tokens of the REST interface.
    pub tokens: Tokens,
}

/// The [`Keys`] in force; replaced as a whole when SIGHUP re-reads them. Requests under way keep those they began with,
/// streams end with their token.
#[derive(Debug)]
pub struct Keyring(watch::Sender<Arc<Keys>>);

impl Keyring {
    /// A ring with these keys.
    pub fn new(keys: Keys) -> Self {
        Self(watch::Sender::new(Arc::new(keys)))
    }

    /// The keys in force now.
    pub fn current(&self) -> Arc<Keys> {
        Arc::clone(&self.0.borrow())
    }

    /// Tells when other keys come into force.
    pub fn changes(&self) -> watch::Receiver<Arc<Keys>> {
        self.0.subscribe()
    }

    /// When each key was last used, by a name that tells it from all others; those that never were are left out.
    pub fn last_uses(&self) -> Vec<(String, Millis)> {
        let keys = self.current();
        let uses = keys.tokens.last_uses().chain(keys.secrets.last_uses());
        uses.filter_map(|(name, last_use)| Some((name, last_use.at()?))).collect()
    }

    /// Takes over what other replicas know of the last uses.
    pub fn hear_uses(&self, heard: &BTreeMap<String, Millis>) {
        let keys = self.current();
        for (name, last_use) in keys.tokens.last_uses().chain(keys.secrets.last_uses()) {
            if let Some(at) = heard.get(&name) {
                last_use.hear(*at);
            }
        }
    }

    /// Puts other keys in force; those that stay keep when they were last used.
    pub fn replace(&self, keys: Keys) {
        let before = self.current();
        for token in &keys.tokens.known {
            if let Some(known) = before.tokens.by_hash(token.caller.token) {
                token.last_use.continue_from(&known.last_use);
            }
        }
        keys.secrets.continue_from(&before.secrets);
        self.0.send_replace(Arc::new(keys));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = Millis(1_000_000);

    fn tokens() -> Tokens {
        let expiring = |at| ApiToken { expires_at: Some(Millis(at)), ..ApiToken::new("old", Scope::Read, "ends") };
        Tokens::new(&[
            ApiToken::new("ops", Scope::Operate, "007"),
            ApiToken::new("view", Scope::Read, "seen"),
            expiring(NOW.0),
        ])
    }

    #[test]
    fn a_token_is_found_by_its_whole_text_only() {
        let tokens = tokens();
        assert_eq!(tokens.find("007", NOW).map(|caller| &*caller.name), Ok("ops"));
        assert_eq!(tokens.find("seen", NOW).map(|caller| caller.scope), Ok(Scope::Read));
        for wrong in ["7", "0070", "", "SEEN", "see"] {
            assert_eq!(tokens.find(wrong, NOW), Err(Problem::TokenUnknown), "{wrong}");
        }
    }

    #[test]
    fn no_configured_token_means_that_no_token_passes() {
        assert_eq!(Tokens::default().find("", NOW), Err(Problem::TokenUnknown));
    }

    #[test]
    fn a_token_is_taken_until_it_expires() {
        let tokens = tokens();
        assert!(tokens.find("ends", Millis(NOW.0 - 1)).is_ok());
        for later in [0, 1] {
            assert_eq!(tokens.find("ends", Millis(NOW.0 + later)), Err(Problem::TokenExpired));
        }
    }

    #[test]
    fn a_caller_stays_allowed_while_the_token_is_there_unexpired_and_as_wide() {
        let caller =
            |name: &str, scope, token| Caller { name: name.into(), scope, token: TokenHash::of(token), address: None };
        for (caller, at, allowed) in [
            (caller("view", Scope::Read, "seen"), NOW.0, true),
            (caller("ops", Scope::Read, "007"), NOW.0, true),
            (caller("view", Scope::Operate, "seen"), NOW.0, false),
            (caller("view", Scope::Read, "another of the same name"), NOW.0, false),
            (caller("old", Scope::Read, "ends"), NOW.0 - 1, true),
            (caller("old", Scope::Read, "ends"), NOW.0, false),
        ] {
            assert_eq!(tokens().still_allow(&caller, Millis(at)), allowed, "{caller:?} at {at}");
        }
    }

    #[test]
    fn when_a_token_was_last_used_outlives_a_reload() {
        let secrets = || Secrets::new(&["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".parse().unwrap()]);
        let ring = Keyring::new(Keys { secrets: secrets(), tokens: tokens() });
        ring.current().tokens.find("seen", NOW).unwrap();
        ring.replace(Keys { secrets: secrets(), tokens: tokens() });
        let used: Vec<_> = ring.current().tokens.uses().map(|token| token.last_used_at).collect();
        assert_eq!(used, [None, Some(NOW), None]);
    }

    #[test]
    fn the_token_and_its_hash_are_nowhere_that_can_be_printed() {
        let hash = format!("{:?}", TokenHash::of("007").0);
        let shown = format!("{:?}", tokens());
        assert!(!shown.contains("007") && !shown.contains(hash.trim_matches(['[', ']'])), "{shown}");
    }
}
