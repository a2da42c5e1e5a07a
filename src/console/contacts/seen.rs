//! What a page showed of a contact, in its forms: whoever orders something from an old page is told.

use crate::{console::form::Fields, store::SeenContact};

/// As forms carry it: `7001.` and the newest order.
pub(super) fn text(seen: &SeenContact) -> String {
    let ord = seen.ord.map(|ord| ord.to_string()).unwrap_or_default();
    format!("{ord}.{}", seen.order.as_deref().unwrap_or_default())
}

/// What the page of this form showed; `None` if the form does not say it.
pub(super) fn of(form: &Fields) -> Option<SeenContact> {
    let (ord, order) = form.get("seen")?.split_once('.')?;
    Some(SeenContact { ord: ord.parse().ok(), order: Some(order.to_owned()).filter(|order| !order.is_empty()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_page_showed_reads_back_from_its_forms() {
        for (ord, order) in [(None, None), (Some(7_001), None), (None, Some("e1")), (Some(7_001), Some("e1"))] {
            let seen = SeenContact { ord, order: order.map(str::to_owned) };
            let form = Fields::read(format!("seen={}", text(&seen)).as_bytes());
            assert_eq!(of(&form), Some(seen));
        }
        assert_eq!(of(&Fields::default()), None);
    }
}
