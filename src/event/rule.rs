//! The rules of admission (准入条件, `contract.md` §2) by name.

use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A rule's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// 手机号已验证: verified, and a mainland mobile number.
    PhoneVerified,
    /// 客户名称完整: long enough, and not a placeholder.
    NameComplete,
    /// 白名单评分: `thread.score` at or above the threshold.
    Score,
}

impl Rule {
    /// Every rule, in the order in which they are checked by default.
    pub const ALL: [Self; 3] = [Self::PhoneVerified, Self::NameComplete, Self::Score];

    /// The name in the configuration and in answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PhoneVerified => "phone_verified",
            Self::NameComplete => "name_complete",
            Self::Score => "score",
        }
    }
}

impl FromStr for Rule {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let known = || format!("write any of {}", Self::ALL.map(Self::as_str).join(", "));
        Self::ALL.into_iter().find(|rule| rule.as_str() == name).ok_or_else(known)
    }
}
