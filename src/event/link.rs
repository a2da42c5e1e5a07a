//! The link of a contact to a customer of the ERP, as every room speaks of it (`contract.md` §3).

use std::{fmt, str::FromStr};

/// Which customer of the ERP a contact is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The ERP's record.
    pub ord: i64,
    /// Its 客户编号.
    pub khid: String,
    /// What the contact is there.
    pub kind: LinkKind,
    /// How it was found.
    pub linked_by: LinkedBy,
}

/// What a contact is in the ERP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkKind {
    /// 单位客户.
    Company,
    /// 个人客户.
    Person,
    /// 联系人 of a company that the ERP already had.
    ContactPerson,
}

/// By what a contact's customer is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkedBy {
    /// The bridge created it.
    Created,
    /// 客户编号.
    Khid,
    /// 手机.
    Mobile,
    /// 客户名称 of a company.
    CompanyName,
    /// The platform named the customer, and the ERP bore it out (`contact.erp`).
    Hint,
    /// An operator's decision.
    Operator,
    /// The contact was adopted: found in the ERP before its first event.
    Adopt,
}

impl LinkKind {
    /// The name that the ledger and the REST interface use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Company => "company",
            Self::Person => "person",
            Self::ContactPerson => "contact_person",
        }
    }
}

impl LinkedBy {
    /// The name that the ledger and the REST interface use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Khid => "khid",
            Self::Mobile => "mobile",
            Self::CompanyName => "company_name",
            Self::Hint => "hint",
            Self::Operator => "operator",
            Self::Adopt => "adopt",
        }
    }
}

/// The text was no such name; what it was.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} says nothing of a link")]
pub struct UnknownLinkWord(String);

impl FromStr for LinkKind {
    type Err = UnknownLinkWord;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        [Self::Company, Self::Person, Self::ContactPerson]
            .into_iter()
            .find(|kind| kind.as_str() == name)
            .ok_or_else(|| UnknownLinkWord(name.to_owned()))
    }
}

impl FromStr for LinkedBy {
    type Err = UnknownLinkWord;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        [Self::Created, Self::Khid, Self::Mobile, Self::CompanyName, Self::Hint, Self::Operator, Self::Adopt]
            .into_iter()
            .find(|by| by.as_str() == name)
            .ok_or_else(|| UnknownLinkWord(name.to_owned()))
    }
}

impl fmt::Display for LinkKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for LinkedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_links_words_read_back_and_are_those_of_the_ledgers_steps() {
        for kind in [LinkKind::Company, LinkKind::Person, LinkKind::ContactPerson] {
            assert_eq!((kind.as_str().parse(), json!(kind)), (Ok(kind), json!(kind.as_str())));
        }
        for word in ["created", "khid", "mobile", "company_name", "hint", "operator", "adopt"] {
            let by = word.parse::<LinkedBy>().unwrap();
            assert_eq!((by.as_str(), json!(by)), (word, json!(word)));
        }
        assert!("firm".parse::<LinkKind>().is_err() && "".parse::<LinkedBy>().is_err());
    }
}
