//! What is wrong with the installation rather than with an event: any other event would meet it too.

use std::{fmt, str::FromStr};

use super::interface::Interface;

/// What kind of thing is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultCause {
    /// A configured text is not among the choices of a field.
    ChoiceMissing,
    /// A salesperson of the assignment rules has no account, or a closed one.
    SalespersonUnknown,
    /// The account may not use an interface.
    RightMissing,
    /// An interface is not where it is looked for, or something stands before it: 403, 404, 405, a redirect, a login page.
    WrongPath,
    /// The login is refused for the licence or the serial, not for the credentials.
    LicenceRefused,
    /// The ERP refuses what nothing that is sent could be the reason of: a limit of the account, a field that somebody made
    /// required, a list that names no record.
    Restricted,
}

impl FaultCause {
    /// Every cause.
    pub const ALL: [Self; 6] = [
        Self::ChoiceMissing,
        Self::SalespersonUnknown,
        Self::RightMissing,
        Self::WrongPath,
        Self::LicenceRefused,
        Self::Restricted,
    ];

    /// A stable word for metrics, logs and the ledger.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ChoiceMissing => "choice_missing",
            Self::SalespersonUnknown => "salesperson_unknown",
            Self::RightMissing => "right_missing",
            Self::WrongPath => "wrong_path",
            Self::LicenceRefused => "licence_refused",
            Self::Restricted => "restricted",
        }
    }
}

impl FromStr for FaultCause {
    type Err = ();

    fn from_str(code: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|cause| cause.as_str() == code).ok_or(())
    }
}

/// One thing that is wrong with the installation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What kind of thing.
    pub cause: FaultCause,
    /// Which: `客户来源 (ly) = 微信`, `客户列表 (customer.list)`. The same fault has the same subject, and it names nobody.
    pub subject: String,
    /// What was answered, the ERP's own words where it spoke.
    pub words: String,
    /// Whether the call certainly took no effect; else it is looked up before it is made again.
    pub is_certain: bool,
    /// Whether a call met it just now; else it was known before, and nothing was sent.
    pub is_met: bool,
}

impl Fault {
    pub(super) fn new(cause: FaultCause, subject: impl Into<String>, words: impl Into<String>) -> Self {
        Self { cause, subject: subject.into(), words: words.into(), is_certain: true, is_met: true }
    }

    /// A fault as it was written down when it was met, by another event or another process.
    pub fn known(cause: FaultCause, subject: &str, words: &str) -> Self {
        Self { is_met: false, ..Self::new(cause, subject, words) }
    }

    /// Something is wrong with one interface.
    pub(super) fn of(cause: FaultCause, interface: &Interface, words: impl Into<String>) -> Self {
        Self::new(cause, subject_of(interface.name, interface.call), words)
    }

    /// `账号` of a salesperson whom the ERP does not take.
    pub(crate) fn salesperson(user: &str, words: impl Into<String>) -> Self {
        Self::new(FaultCause::SalespersonUnknown, format!("指派用户 (member2) = {user}"), words)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.subject, self.words)
    }
}

/// How an interface is called where something is wrong with it.
pub fn subject_of(name: &str, call: &str) -> String {
    format!("{name} ({call})")
}

/// A value that an installation may lack, as a fault names it: `客户来源 (ly) = 微信`.
pub(super) fn value_subject(field: &str, text: &str) -> String {
    format!("{field} = {text}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cause_reads_back_from_its_word() {
        for cause in FaultCause::ALL {
            assert_eq!(cause.as_str().parse(), Ok(cause));
        }
        assert_eq!("refused".parse::<FaultCause>(), Err(()));
    }
}
