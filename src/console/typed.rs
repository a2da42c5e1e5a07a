//! What somebody typed into a form that was not taken, to be put right and sent again.

use super::{
    form::Fields,
    words::{Lang, member},
};

/// A longer text gets a field of several lines, in characters.
const LINE_CHARS: usize = 80;
/// Members of a contact that forms name without their section.
const OF_CONTACT: [&str; 4] = ["name", "phone", "wechat_id", "company"];

/// A field as it was typed.
pub(super) struct Typed {
    pub(super) name: String,
    pub(super) label: String,
    pub(super) value: String,
    pub(super) is_lines: bool,
    pub(super) is_flag: bool,
}

/// The fields that people type, and those that go with them as they are: name and value. Nothing of a form without the former.
pub(super) fn typed(form: &Fields, lang: Lang) -> (Vec<Typed>, Vec<(String, String)>) {
    let (mut fields, mut hidden) = (Vec::new(), Vec::new());
    for (name, value) in form.iter() {
        match label(name, lang) {
            Some(label) => fields.push(Typed {
                label,
                is_flag: name.ends_with("phone_verified") || name == "public",
                is_lines: value.contains('\n') || value.chars().count() > LINE_CHARS,
                name: name.to_owned(),
                value: value.to_owned(),
            }),
            None => hidden.push((name.to_owned(), value.to_owned())),
        }
    }
    (fields, hidden)
}

/// What a field that people type is called.
fn label(name: &str, lang: Lang) -> Option<String> {
    let w = lang.words();
    let label = match name {
        "reason" => w.frame.reason,
        "ord" => w.event.link_what,
        "users" => w.contacts.assign_users,
        "public" => w.contacts.assign_public,
        "contact" => w.erp.contact,
        "score" => member(lang, "thread.score"),
        name if OF_CONTACT.contains(&name) => return Some(member(lang, &format!("contact.{name}")).to_owned()),
        name if name.contains('.') => member(lang, name),
        _ => return None,
    };
    Some(label.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_type_can_be_put_right_and_all_else_goes_along() {
        let form =
            "secret=s&updated_at=u&contact.name=王&contact.phone_verified=true&signal.content=a%0Ab&score=x&reason=";
        let (fields, hidden) = typed(&Fields::read(form.as_bytes()), Lang::Zh);
        let labels: Vec<_> = fields.iter().map(|field| (field.label.as_str(), field.is_lines, field.is_flag)).collect();
        let expected =
            [("姓名", false, false), ("手机已验证", false, true), ("内容", true, false), ("评分", false, false)];
        assert_eq!(labels[..4], expected);
        assert_eq!((fields[4].name.as_str(), fields[4].value.as_str()), ("reason", ""));
        // Whoever gives a customer to people and to everybody at once must be able to take either back.
        let (both, _) = typed(&Fields::read(b"users=63&public=true"), Lang::Zh);
        assert_eq!(both.iter().map(|field| field.is_flag).collect::<Vec<_>>(), [false, true]);
        assert_eq!(hidden, [("secret".to_owned(), "s".to_owned()), ("updated_at".to_owned(), "u".to_owned())]);
    }
}
