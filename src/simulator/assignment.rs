//! 客户指派, 客户申请, 客户审批, 客户收回 (`erp-wire.md` §3).
//!
//! | from | call | to |
//! | --- | --- | --- |
//! | customer, 客户池 | 指派 | customer of the named users, or open to all |
//! | 客户池 | 申请 | 待审核 |
//! | 待审核 | 审批 1 | customer of who applied |
//! | 待审核 | 审批 0 | 客户池 |
//! | customer | 收回 | 客户池 |
//!
//! Everything else is refused in words.

use super::{
    answer::Answer,
    call::Call,
    context::{Context, Decision},
    data::{Customer, Effect, Holding},
    fields::{MEMBERS_LIMIT, units},
};

/// 客户指派.
pub(super) fn assign(context: &Context<'_>, call: &Call) -> Decision {
    let holding = match call.field("member1").trim() {
        "1" => Ok(Holding::Public),
        "0" => members(context, call.field("member2")).map(|members| Holding::Members { members }),
        _ => Err("请选择指派方式（member1）".to_owned()),
    };
    decide(context, call, "指派成功！", |customer| match (&customer.holding, holding) {
        (Holding::Pending { .. }, _) => Err("待审核的客户不能指派".to_owned()),
        (_, holding) => holding,
    })
}

/// 客户申请: by the user of the session.
pub(super) fn apply(context: &Context<'_>, call: &Call) -> Decision {
    decide(context, call, "申请成功，请等待审批！", |customer| match customer.holding {
        Holding::Pool => Ok(Holding::Pending { applicant: context.user }),
        _ => Err("该客户不在客户池中，不能申请".to_owned()),
    })
}

/// 客户审批: `blset` 1 agrees, 0 refuses.
pub(super) fn approve(context: &Context<'_>, call: &Call) -> Decision {
    let blset = call.field("blset").trim();
    decide(context, call, "审批成功！", |customer| match (&customer.holding, blset) {
        (Holding::Pending { applicant }, "1") => Ok(Holding::Members { members: vec![*applicant] }),
        (Holding::Pending { .. }, "0") => Ok(Holding::Pool),
        (Holding::Pending { .. }, _) => Err("请选择审批结果（blset）".to_owned()),
        _ => Err("该客户没有待审核的申请".to_owned()),
    })
}

/// 客户收回: back to the 客户池.
pub(super) fn takeback(context: &Context<'_>, call: &Call) -> Decision {
    decide(context, call, "收回成功！", |customer| match customer.holding {
        Holding::Public | Holding::Members { .. } => Ok(Holding::Pool),
        _ => Err("该客户已不在销售人员名下，不能收回".to_owned()),
    })
}

fn decide(
    context: &Context<'_>,
    call: &Call,
    done: &str,
    next: impl FnOnce(&Customer) -> Result<Holding, String>,
) -> Decision {
    let Some(customer) = call.ord().and_then(|ord| context.data.customers.get(&ord)) else {
        return Answer::refused("该客户不存在或已被删除").into();
    };
    match next(customer) {
        Ok(holding) => {
            let effect = Effect::Hold { ord: customer.ord, holding };
            Decision { answer: Answer::done(done), effect: Some(effect) }
        }
        Err(text) => Answer::refused(text).into(),
    }
}

/// Account ids separated by commas, each one an account in use.
fn members(context: &Context<'_>, ids: &str) -> Result<Vec<i64>, String> {
    if units(ids) > MEMBERS_LIMIT {
        return Err(format!("指派用户长度不能超过{MEMBERS_LIMIT}字（member2）"));
    }
    let mut members = Vec::new();
    for id in ids.split(',').map(str::trim).filter(|id| !id.is_empty()) {
        let user = id
            .parse()
            .ok()
            .and_then(|ord| context.data.user(ord))
            .filter(|user| user.status == 1 && !context.settings.closed_users.contains(&user.ord));
        let user = user.ok_or_else(|| format!("用户{id}不存在或已停用（member2）"))?;
        if !members.contains(&user.ord) {
            members.push(user.ord);
        }
    }
    if members.is_empty() { Err("请选择指派用户（member2）".to_owned()) } else { Ok(members) }
}
