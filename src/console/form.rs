//! Fields of forms and of addresses.

use crate::{event::FieldError, http::problem::Problem};

/// Names and values in their order; a name may come several times.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Fields(Vec<(String, String)>);

/// What says that something was just done: it is said once, and no address goes on with it.
const SAID: [&str; 4] = ["done", "of", "count", "moved"];
/// Fields that are read at most: no form of ours has more.
const FIELDS_MAX: usize = 5_000;

impl Fields {
    /// Reads `a=1&b=2`, as forms are sent and queries are written.
    pub(super) fn read(encoded: &[u8]) -> Self {
        Self(form_urlencoded::parse(encoded).into_owned().take(FIELDS_MAX).collect())
    }

    /// The last value of a name without the blanks around it; `None` if it is empty.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.all(name).last().map(str::trim).filter(|value| !value.is_empty())
    }

    /// The same as a text of its own.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.get(name).map(str::to_owned)
    }

    /// Why somebody does what cannot be undone.
    ///
    /// # Errors
    /// [`Problem::Invalid`] without a reason.
    pub(super) fn reason(&self) -> Result<String, Problem> {
        let missing = || Problem::Invalid(vec![FieldError::new("/reason", "请写明原因 (say why)")]);
        self.text("reason").ok_or_else(missing)
    }

    /// Every value of a name.
    pub(super) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Every name and value, in their order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// An address with these fields in its query, some replaced; an empty value leaves a field out.
    pub(super) fn address(&self, path: &str, replaced: &[(&str, &str)]) -> String {
        let is_replaced = |name: &str| replaced.iter().any(|(other, _)| *other == name);
        let kept = self.0.iter().filter(|(name, _)| !is_replaced(name) && !SAID.contains(&name.as_str()));
        let kept = kept.map(|(name, value)| (name.as_str(), value.as_str()));
        let all: Vec<_> = kept.chain(replaced.iter().copied()).filter(|(_, value)| !value.is_empty()).collect();
        match form_urlencoded::Serializer::new(String::new()).extend_pairs(all).finish() {
            query if query.is_empty() => path.to_owned(),
            query => format!("{path}?{query}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_and_written_back_with_what_is_replaced() {
        let fields = Fields::read("q=%E5%BC%A0+1&status=dead&id=a&id=b&empty=".as_bytes());
        assert_eq!((fields.get("q"), fields.get("empty"), fields.get("none")), (Some("张 1"), None, None));
        assert_eq!(fields.all("id").collect::<Vec<_>>(), ["a", "b"]);
        let address = fields.address("/console/events", &[("status", ""), ("cursor", "c1"), ("id", "")]);
        assert_eq!(address, "/console/events?q=%E5%BC%A0+1&cursor=c1");
        assert_eq!(Fields::default().address("/console", &[]), "/console");
        let said = Fields::read(b"q=x&done=discarded_many&count=3&of=e1");
        assert_eq!(said.address("/console/events", &[]), "/console/events?q=x", "it is said once");
        assert_eq!(said.address("/console", &[("done", "resolved")]), "/console?q=x&done=resolved");
    }
}
