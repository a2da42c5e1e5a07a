//! What a page showed of a contact, in its forms: whoever orders something from an old page is told.

use crate::{console::form::Fields, store::SeenContact};

/// As forms carry it: `7001..`, with the newest order about who has the customer behind the first point, and the newest sync
/// behind the second.
pub(super) fn text(seen: &SeenContact) -> String {
    let ord = seen.ord.map(|ord| ord.to_string()).unwrap_or_default();
    let [assigned, synced] = [&seen.assigned, &seen.synced].map(|order| order.as_deref().unwrap_or_default());
    format!("{ord}.{assigned}.{synced}")
}

/// What the page of this form showed; `None` if the form does not say it.
pub(super) fn of(form: &Fields) -> Option<SeenContact> {
    let (ord, orders) = form.get("seen")?.split_once('.')?;
    let (assigned, synced) = orders.split_once('.')?;
    let order = |id: &str| Some(id.to_owned()).filter(|id| !id.is_empty());
    Some(SeenContact { ord: ord.parse().ok(), assigned: order(assigned), synced: order(synced) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_page_showed_reads_back_from_its_forms() {
        for (ord, assigned, synced) in [
            (None, None, None),
            (Some(7_001), None, None),
            (None, Some("e1"), None),
            (None, None, Some("e2")),
            (Some(7_001), Some("e1"), Some("e2")),
        ] {
            let seen = SeenContact { ord, assigned: assigned.map(str::to_owned), synced: synced.map(str::to_owned) };
            let form = Fields::read(format!("seen={}", text(&seen)).as_bytes());
            assert_eq!(of(&form), Some(seen));
        }
        assert_eq!(of(&Fields::default()), None);
    }
}
