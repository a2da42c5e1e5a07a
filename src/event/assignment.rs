//! To whom a customer is assigned (客户指派), as rules, orders and steps speak of it.

use serde::{Deserialize, Serialize};
use utoipa::{
    ToSchema,
    openapi::{
        ObjectBuilder, Ref, RefOr, Type,
        schema::{OneOfBuilder, Schema},
    },
};

use super::field_error::FieldError;
use crate::config::is_user_id;

/// Most users of one assignment: with commas between them they fit `member2` of 客户指派, 50 characters (`erp-wire.md` §3).
const USERS_MAX: usize = 5;

/// To whom a customer is assigned: `{"mode": "public"}` or `{"mode": "users", "users": ["63"]}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "AssignmentBody", into = "AssignmentBody")]
pub enum Assignment {
    /// 对所有用户公开.
    Public,
    /// 指派给以下用户: ERP user ids, 1 to 5, each once.
    Users(Vec<String>),
}

/// An assignment as bodies, payloads and steps hold it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({"mode": "users", "users": ["63"]}), json!({"mode": "public"})))]
pub struct AssignmentBody {
    /// `public`: open to all. `users`: to the users named.
    mode: AssignmentMode,
    /// ERP user ids, for `users` only: 1 to 5 of up to 9 digits (the ERP's field takes 50 characters).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = user_ids)]
    users: Option<Vec<String>>,
}

/// The ways to assign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum AssignmentMode {
    /// 对所有用户公开
    Public,
    /// 指派给以下用户
    Users,
}

/// The list's form stands among the document's own schemas.
fn user_ids() -> RefOr<Schema> {
    let null = ObjectBuilder::new().schema_type(Type::Null);
    OneOfBuilder::new().item(Ref::from_schema_name("UserIds")).item(null).into()
}

impl Assignment {
    /// These users, by their ERP ids.
    ///
    /// # Errors
    /// What is allowed and where, if there are none or more than 5, or one is no id or named twice.
    pub fn users(users: Vec<String>) -> Result<Self, FieldError> {
        if !(1..=USERS_MAX).contains(&users.len()) {
            return Err(FieldError::new(
                "/users",
                format!("请选择 1 至 {USERS_MAX} 位 ERP 用户 (name 1 to {USERS_MAX} ERP user ids, such as [\"63\"])"),
            ));
        }
        if let Some(index) = users.iter().position(|user| !is_user_id(user)) {
            return Err(FieldError::new(format!("/users/{index}"), "应为 1 至 9 位数字 (1 to 9 digits)"));
        }
        if (1..users.len()).any(|index| users[..index].contains(&users[index])) {
            return Err(FieldError::new("/users", "同一用户只填一次 (name every ERP user id only once)"));
        }
        Ok(Self::Users(users))
    }
}

impl TryFrom<AssignmentBody> for Assignment {
    type Error = FieldError;

    fn try_from(body: AssignmentBody) -> Result<Self, FieldError> {
        match (body.mode, body.users) {
            (AssignmentMode::Public, None) => Ok(Self::Public),
            (AssignmentMode::Public, Some(_)) => {
                Err(FieldError::new("/users", "只有 users 方式才填用户 (only the mode users takes users)"))
            }
            (AssignmentMode::Users, users) => Self::users(users.unwrap_or_default()),
        }
    }
}

impl From<Assignment> for AssignmentBody {
    fn from(assignment: Assignment) -> Self {
        match assignment {
            Assignment::Public => Self { mode: AssignmentMode::Public, users: None },
            Assignment::Users(users) => Self { mode: AssignmentMode::Users, users: Some(users) },
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn users(ids: &[&str]) -> Result<Assignment, FieldError> {
        Assignment::users(ids.iter().map(|id| (*id).to_owned()).collect())
    }

    #[test]
    fn one_to_five_distinct_user_ids_make_an_assignment_and_the_fault_of_others_is_named_with_its_place() {
        for ids in [&["63"][..], &["1", "11"], &["123456789"], &["1", "2", "3", "4", "5"]] {
            assert!(users(ids).is_ok(), "{ids:?}");
        }
        for (ids, place) in [
            (&[][..], "/users"),
            (&["1", "2", "3", "4", "5", "6"], "/users"),
            (&["63", "63"], "/users"),
            (&[""], "/users/0"),
            (&["63", "a"], "/users/1"),
            (&["-1"], "/users/0"),
            (&["６３"], "/users/0"),
            (&["63,71"], "/users/0"),
            (&["1234567890"], "/users/0"),
        ] {
            assert_eq!(users(ids).unwrap_err().pointer, place, "{ids:?}");
        }
    }

    #[test]
    fn the_longest_assignment_fits_the_erps_field() {
        let longest = users(&["123456789", "123456788", "123456787", "123456786", "123456785"]).unwrap();
        let Assignment::Users(ids) = longest else { panic!("users") };
        assert!(ids.join(",").len() <= 50);
    }

    #[test]
    fn an_assignment_has_the_contracts_form_and_no_other_is_read() {
        assert_eq!(json!(Assignment::Public), json!({"mode": "public"}));
        assert_eq!(json!(users(&["63"]).unwrap()), json!({"mode": "users", "users": ["63"]}));
        for bad in [
            r"{}",
            r#"{"mode":"all"}"#,
            r#"{"mode":"users"}"#,
            r#"{"mode":"users","users":[]}"#,
            r#"{"mode":"users","users":[63]}"#,
            r#"{"mode":"users","users":null}"#,
            r#"{"mode":"public","users":["63"]}"#,
            r#"{"mode":"public","extra":1}"#,
            r#""public""#,
        ] {
            assert!(crate::json::read_text::<Assignment>(bad).is_err(), "{bad}");
        }
    }
}
