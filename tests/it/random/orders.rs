//! What operators order of a customer (客户指派, 收回, 申请, 审批), and in whose hands it is afterwards.

use erp_bridge::simulator::{CallRecord, Handle, Holding};
use rand::{RngExt, rngs::StdRng};
use serde_json::{Value, json};

/// In whose hands a customer is, as far as the ERP's rules for orders go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hands {
    /// A salesperson's, or everybody's.
    Sales,
    Pool,
    Pending,
}

impl Hands {
    pub fn of(holding: &Holding) -> Self {
        match holding {
            Holding::Public | Holding::Members { .. } => Self::Sales,
            Holding::Pool => Self::Pool,
            Holding::Pending { .. } => Self::Pending,
        }
    }

    /// In whose hands it is after a call. Whoever decides on an application agrees.
    fn after(self, call: &CallRecord) -> Self {
        match call.interface.as_str() {
            "assign" | "approve" if call.stored => Self::Sales,
            "takeback" if call.stored => Self::Pool,
            "apply" if call.stored => Self::Pending,
            _ => self,
        }
    }
}

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

    /// The interface that it is sent to: as the simulator calls it, and as the bridge does.
    pub fn interface(self) -> (&'static str, &'static str) {
        match self {
            Self::Assign(..) => ("assign", "客户指派"),
            Self::TakeBack => ("takeback", "客户收回"),
            Self::Apply => ("apply", "客户申请"),
            Self::Approve => ("approve", "客户审批"),
        }
    }

    /// Whether the ERP refuses it of a customer in these hands, though they are not those in which it would bring it; where
    /// nobody can see in whose hands it is (`is_hidden`), also in those.
    fn is_refused(self, hands: Hands, is_hidden: bool) -> bool {
        match self {
            Self::Assign(..) => hands == Hands::Pending,
            Self::TakeBack => hands == Hands::Pending || is_hidden && hands == Hands::Pool,
            Self::Apply => hands == Hands::Sales || is_hidden && hands == Hands::Pending,
            Self::Approve => hands == Hands::Pool || is_hidden && hands == Hands::Sales,
        }
    }

    /// Whether the ERP's rules explain that it refused this order of a customer at this moment: `calls` are all that it was
    /// asked for, and `hands` those in which the customer was before them.
    pub fn is_rightly_refused(self, ord: i64, at: &str, calls: &[CallRecord], hands: Hands, is_hidden: bool) -> bool {
        let (mut hands, mut is_explained) = (hands, false);
        let ord = ord.to_string();
        for call in calls.iter().filter(|call| call.fields.get("ord") == Some(&ord)) {
            let is_refusal = call.interface == self.interface().0 && call.outcome.starts_with("refused");
            is_explained |= is_refusal && call.time == at && self.is_refused(hands, is_hidden);
            hands = hands.after(call);
        }
        is_explained
    }
}
