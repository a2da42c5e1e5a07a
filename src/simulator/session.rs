//! Login, logout, and the lock after three wrong passwords (`erp-wire.md` §2, §1.10, §1.11).

use std::{collections::HashMap, time::Duration};

use uuid::Uuid;

use super::{answer::Answer, call::Call, settings::Settings, users::User};
use crate::clock::Millis;

/// Wrong passwords after which the login demands `rndcode`.
const WRONG_PASSWORDS_UNTIL_LOCK: u32 = 3;

/// Characters of a serial: what logs in on live systems, not only what the ERP's table says (`erp-wire.md` §2).
const SERIAL_MAX: usize = 40;

#[derive(Clone, Debug)]
struct Session {
    user: i64,
    ends_at: Millis,
}

/// Who is logged in, and whether the login is locked.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    open: HashMap<String, Session>,
    wrong_passwords: u32,
    pub(super) locked: bool,
    pub(super) logins: u64,
    pub(super) failures: u64,
}

impl Sessions {
    /// The account behind a session, if it is still open.
    pub(super) fn user(&self, token: &str, now: Millis) -> Option<i64> {
        self.open.get(token).filter(|session| session.ends_at > now).map(|session| session.user)
    }

    /// Ends one session; whether it was open.
    pub(super) fn end(&mut self, token: &str) -> bool {
        self.open.remove(token).is_some()
    }

    /// Ends all sessions; how many there were.
    pub(super) fn end_all(&mut self) -> usize {
        let count = self.open.len();
        self.open.clear();
        count
    }

    pub(super) fn count(&self) -> usize {
        self.open.len()
    }

    /// Takes passwords again, and forgets the wrong ones.
    pub(super) fn unlock(&mut self) {
        self.locked = false;
        self.wrong_passwords = 0;
    }

    /// A login: `user`, `password` and `serialnum` each with `txt:` in front.
    pub(super) fn login(&mut self, call: &Call, settings: &Settings, users: &[User], now: Millis) -> Answer {
        let answer = self.try_login(call, settings, users, now);
        if !matches!(answer, Answer::Login { .. }) {
            self.failures += 1;
        }
        answer
    }

    fn try_login(&mut self, call: &Call, settings: &Settings, users: &[User], now: Millis) -> Answer {
        let serialnum = call.field("serialnum").strip_prefix("txt:").unwrap_or_default();
        if !is_serial(serialnum) {
            return Answer::failed("机器码serialnum无效");
        }
        if let Some(words) = &settings.licence_refused {
            return Answer::failed(words.clone());
        }
        if self.locked {
            return Answer::failed("密码错误次数过多，请输入验证码（rndcode）");
        }
        let username = call.field("user").strip_prefix("txt:");
        let user = users.iter().find(|user| username == Some(user.username.as_str()) && user.status == 1);
        let right = call.field("password").strip_prefix("txt:") == Some(settings.password.as_str());
        let Some(user) = user.filter(|_| right) else {
            self.wrong_passwords += 1;
            self.locked = self.wrong_passwords >= WRONG_PASSWORDS_UNTIL_LOCK;
            return Answer::failed("用户名或密码错误");
        };
        self.wrong_passwords = 0;
        self.logins += 1;
        if settings.single_session {
            self.open.retain(|_, session| session.user != user.ord);
        }
        self.open.retain(|_, session| session.ends_at > now);
        if !settings.gives_session {
            return Answer::Login { session: String::new() };
        }
        let token = Uuid::now_v7().simple().to_string();
        let ends_at = now.plus(Duration::from_secs(settings.session_lifetime_s));
        self.open.insert(token.clone(), Session { user: user.ord, ends_at });
        Answer::Login { session: token }
    }
}

fn is_serial(text: &str) -> bool {
    (1..=SERIAL_MAX).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_serial_has_one_to_forty_letters_digits_dashes_or_underlines() {
        for (text, fits) in [
            ("", false),
            ("a", true),
            (&"A".repeat(39)[..], true),
            (&"A".repeat(40)[..], true),
            (&"A".repeat(41)[..], false),
            ("ai-client-001", true),
            ("my_client", true),
            ("0b1c1e0a-8f3e-4f0e-9f35-6a2f1d0c7e11", true),
            ("a b", false),
            ("编号", false),
        ] {
            assert_eq!(is_serial(text), fits, "{text}");
        }
    }
}
