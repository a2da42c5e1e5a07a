//! What operators order of a customer (客户指派, 收回, 申请, 审批), and in whose hands it is afterwards.

use erp_bridge::simulator::{Handle, Holding};
use rand::{RngExt, rngs::StdRng};
use serde_json::{Value, json};

/// What an operator orders of a customer.
#[derive(Clone, Copy, Debug)]
pub enum Order {
    /// To a user: id and name.
    Assign(&'static str, &'static str),
    TakeBack,
    Apply,
    Approve,
}

impl Order {
    pub fn draw(rng: &mut StdRng) -> Self {
        let orders =
            [Self::Assign("63", "张伟"), Self::Assign("71", "王芳"), Self::TakeBack, Self::Apply, Self::Approve];
        orders[rng.random_range(0..orders.len())]
    }

    pub fn request(self) -> (&'static str, &'static str, Option<Value>) {
        match self {
            Self::Assign(user, _) => ("PUT", "assignment", Some(json!({ "mode": "users", "users": [user] }))),
            Self::TakeBack => ("POST", "takeback", None),
            Self::Apply => ("POST", "apply", None),
            Self::Approve => ("POST", "approval", Some(json!({ "approve": true }))),
        }
    }

    /// Whether the customer is in the hands in which it is after the order.
    pub fn stands(self, erp: &Handle, ord: i64) -> bool {
        let holding = erp.customer(ord).unwrap().holding;
        match self {
            Self::Assign(_, name) => erp.catename(ord).as_deref() == Some(name),
            Self::TakeBack => holding == Holding::Pool,
            // Of one whose answer was lost nobody can tell whether somebody has approved it since.
            Self::Apply => holding != Holding::Pool,
            Self::Approve => !matches!(holding, Holding::Pool | Holding::Pending { .. }),
        }
    }
}
