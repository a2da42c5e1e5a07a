//! The trees that pages for people choose from: 客户分类 with its 跟进程度, accounts by department, 地区 (`erp-wire.md` §3).

use super::{
    answer::{Answer, Node},
    choices::Choice,
    context::Context,
};

/// `telsort_list.asp?stype=check`.
pub(super) fn categories(context: &Context<'_>) -> Answer {
    let categories = context.settings.choices.categories.iter();
    let node = |(value, text): &Choice| leaf(value, text);
    Answer::Trees(
        categories
            .map(|category| Node {
                nodes: category.stages.iter().map(node).collect(),
                ..leaf(&category.id, &category.text)
            })
            .collect(),
    )
}

/// `gate_list.asp`: the accounts in use. A department has no id that a call could take.
pub(super) fn accounts(context: &Context<'_>) -> Answer {
    let mut departments: Vec<Node> = Vec::new();
    for user in context.data.users.iter().filter(|user| user.status == 1) {
        let at = departments.iter().position(|department| department.text == user.partname).unwrap_or_else(|| {
            departments.push(leaf("", &user.partname));
            departments.len() - 1
        });
        departments[at].nodes.push(leaf(&user.ord.to_string(), &user.name));
    }
    Answer::Trees(departments)
}

/// `area_list.asp`.
pub(super) fn areas(context: &Context<'_>) -> Answer {
    Answer::Trees(context.settings.choices.areas.iter().map(|(value, text)| leaf(value, text)).collect())
}

fn leaf(value: &str, text: &str) -> Node {
    Node { text: text.to_owned(), value: value.to_owned(), nodes: Vec::new() }
}
