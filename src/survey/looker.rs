//! Asking, at a pace that disturbs nobody, and noting in what form the answers come (`erp-wire.md §1`).

use std::time::Duration;

use serde_json::Value;

use super::tree::{SeenTable, integer, member};
use crate::{
    clock::Clock,
    erp::{CustomerKind, Erp, ErpError, Field, RawAnswer, RawCall},
};

/// What came of a call.
#[derive(Debug, Clone)]
pub(super) enum Seen {
    /// What was asked for: the whole answer.
    Answer(Value),
    /// A refusal in the ERP's form; whether a status other than 0 says so, and whether the client reads its words as one.
    Refused { by_status: bool, is_understood: bool },
    /// A page for people, with this HTTP status.
    Page(u16),
    /// Nothing that came in time.
    Nothing,
}

impl Seen {
    /// How an interface that is not open answers; empty for one that is.
    pub(super) fn how(&self) -> String {
        match self {
            Self::Answer(_) => String::new(),
            Self::Refused { .. } => "refused".to_owned(),
            Self::Page(200) => "html".to_owned(),
            Self::Page(status) => status.to_string(),
            Self::Nothing => "no answer".to_owned(),
        }
    }

    /// Whether the interface is open; `None` where nothing came.
    pub(super) fn is_open(&self) -> Option<bool> {
        match self {
            Self::Answer(_) => Some(true),
            Self::Nothing => None,
            Self::Refused { .. } | Self::Page(_) => Some(false),
        }
    }

    pub(super) fn table(&self) -> Option<SeenTable> {
        match self {
            Self::Answer(tree) => SeenTable::read(tree),
            _ => None,
        }
    }
}

/// Refusals after which an interface counts as closed: one may be about the one record, which is another salesperson's.
const REFUSALS: usize = 3;

/// Whether an interface is open that is asked for one record at a time.
#[derive(Debug, Default)]
pub(super) struct Right {
    pub(super) is_open: Option<bool>,
    pub(super) how: String,
    refused: usize,
}

impl Right {
    /// Notes what came of a record; answers whether the next one may tell more.
    pub(super) fn note(&mut self, seen: &Seen) -> bool {
        // What answered once is open.
        let was_open = self.is_open == Some(true);
        match seen {
            Seen::Answer(_) => (self.is_open, self.how) = (Some(true), String::new()),
            Seen::Refused { .. } if !was_open => {
                self.refused += 1;
                self.is_open = (self.refused >= REFUSALS).then_some(false);
                self.how = seen.how();
            }
            Seen::Page(_) | Seen::Nothing if !was_open => (self.is_open, self.how) = (seen.is_open(), seen.how()),
            _ => {}
        }
        match seen {
            Seen::Answer(_) => true,
            Seen::Refused { .. } => self.is_open != Some(false),
            Seen::Page(_) | Seen::Nothing => false,
        }
    }
}

/// In what form answers came: each was seen at least once.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Form {
    pub(super) bom: bool,
    pub(super) raw_controls: bool,
    pub(super) entities: bool,
    pub(super) numbers_as_strings: bool,
    pub(super) digits_as_numbers: bool,
    pub(super) rows_as_objects: bool,
    pub(super) row_without_array: bool,
    pub(super) rows: bool,
}

/// Who asks.
pub(super) struct Looker<'a> {
    pub(super) erp: &'a Erp,
    pub(super) clock: &'a Clock,
    pause: Duration,
    pub(super) form: Form,
    pub(super) took_ms: Vec<u64>,
    pub(super) skews_s: Vec<i64>,
}

impl<'a> Looker<'a> {
    pub(super) fn new(erp: &'a Erp, clock: &'a Clock, pause: Duration) -> Self {
        Self { erp, clock, pause, form: Form::default(), took_ms: Vec::new(), skews_s: Vec::new() }
    }

    /// Asks once.
    ///
    /// # Errors
    ///
    /// A login that is refused or a session that does not last: then nothing more can be seen.
    pub(super) async fn look(&mut self, call: RawCall, fields: &[(&'static str, &str)]) -> Result<Seen, ErpError> {
        tokio::time::sleep(self.pause).await;
        let fields: Vec<Field> = fields.iter().map(|(id, val)| Field::new(*id, *val)).collect();
        match self.erp.raw(call, &fields).await {
            Ok(answer) => Ok(self.note(&answer)),
            Err(error @ (ErpError::LoginRefused(_) | ErpError::SessionExpired)) => Err(error),
            Err(_) => Ok(Seen::Nothing),
        }
    }

    /// Asks for a customer's detail as of a person, and where that is refused as of a company: a row of the list does not say
    /// which it is.
    ///
    /// # Errors
    ///
    /// As [`Looker::look`].
    pub(super) async fn detail(&mut self, ord: i64) -> Result<(CustomerKind, Seen), ErpError> {
        let as_person = self.detail_as(CustomerKind::Person, ord).await?;
        if !matches!(as_person, Seen::Refused { .. }) {
            return Ok((CustomerKind::Person, as_person));
        }
        Ok((CustomerKind::Company, self.detail_as(CustomerKind::Company, ord).await?))
    }

    /// Asks for a customer's detail as of this kind.
    ///
    /// # Errors
    ///
    /// As [`Looker::look`].
    pub(super) async fn detail_as(&mut self, kind: CustomerKind, ord: i64) -> Result<Seen, ErpError> {
        let (kind, ord) = (kind.number().to_string(), ord.to_string());
        self.look(RawCall::CustomerDetail, &[("edit", ""), ("intsort", &kind), ("ord", &ord)]).await
    }

    /// Asks once without a session.
    pub(super) async fn look_without_session(&mut self, call: RawCall) -> Seen {
        tokio::time::sleep(self.pause).await;
        match self.erp.raw_without_session(call, &[]).await {
            Ok(answer) => self.note(&answer),
            Err(_) => Seen::Nothing,
        }
    }

    fn note(&mut self, answer: &RawAnswer) -> Seen {
        self.took_ms.push(u64::try_from(answer.elapsed.as_millis()).unwrap_or(u64::MAX));
        let date = answer.date.as_deref().and_then(|date| jiff::fmt::rfc2822::parse(date).ok());
        self.skews_s.extend(date.map(|date| date.timestamp().as_second() - self.clock.now().timestamp().as_second()));
        let Some(tree) = answer.tree().filter(|_| answer.status == 200) else { return Seen::Page(answer.status) };
        self.note_form(&answer.body, &tree);
        let status = member(&tree, "header").and_then(|header| member(header, "status"));
        match (status.and_then(integer), member(&tree, "Code").and_then(integer)) {
            (Some(0), _) if is_content(&tree) => Seen::Answer(tree),
            (_, Some(200)) => Seen::Answer(tree),
            (None, None) => Seen::Page(answer.status),
            (status, _) => {
                Seen::Refused { by_status: status != Some(0), is_understood: answer.is_understood_refusal() }
            }
        }
    }

    fn note_form(&mut self, body: &[u8], tree: &Value) {
        let form = &mut self.form;
        form.bom |= body.starts_with(b"\xEF\xBB\xBF");
        form.raw_controls |= has_raw_controls(body);
        form.entities |= has_entities(&String::from_utf8_lossy(body));
        let status =
            member(tree, "header").and_then(|header| member(header, "status")).or_else(|| member(tree, "Code"));
        form.numbers_as_strings |= status.is_some_and(Value::is_string);
        if let Some(table) = SeenTable::read(tree) {
            form.rows |= !table.rows.is_empty();
            form.rows_as_objects |= table.as_objects;
            form.row_without_array |= table.without_array;
            form.digits_as_numbers |= table.has_numbers_for_texts();
        }
    }
}

/// Whether the body holds what a read asks for: a save's words alone are no answer to it.
fn is_content(tree: &Value) -> bool {
    let body = member(tree, "body");
    body.is_some_and(|body| member(body, "bill").is_some() || member(body, "source").is_some())
}

/// Control characters that stand as themselves within strings.
fn has_raw_controls(body: &[u8]) -> bool {
    let (mut inside, mut escaped) = (false, false);
    body.iter().any(|byte| {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if inside => escaped = true,
            b'"' => inside = !inside,
            _ => {}
        }
        inside && *byte < 0x20
    })
}

/// Numeric HTML entities: `&#24352;`, `&#x5F20;`.
fn has_entities(text: &str) -> bool {
    text.split("&#").skip(1).any(|rest| {
        let rest = rest.strip_prefix(['x', 'X']).unwrap_or(rest);
        rest.split_once(';').is_some_and(|(digits, _)| {
            (1..=6).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interface_is_closed_by_a_page_or_by_three_refusals_and_not_by_one() {
        let (answer, refused, page) =
            (Seen::Answer(Value::Null), Seen::Refused { by_status: true, is_understood: true }, Seen::Page(404));
        for (seen, is_open, how) in [
            (&[][..], None, ""),
            (&[&answer], Some(true), ""),
            (&[&refused, &refused], None, "refused"),
            (&[&refused, &refused, &refused], Some(false), "refused"),
            (&[&refused, &refused, &answer, &refused], Some(true), ""),
            (&[&page], Some(false), "404"),
            (&[&answer, &page], Some(true), ""),
            (&[&Seen::Nothing], None, "no answer"),
        ] {
            let mut right = Right::default();
            for one in seen {
                right.note(one);
            }
            assert_eq!((right.is_open, right.how.as_str()), (is_open, how), "{seen:?}");
        }
    }

    #[test]
    fn raw_controls_are_seen_within_strings_only() {
        for (body, seen) in [("{\n\"a\": \"b\"}", false), ("{\"a\": \"b\n\"}", true), ("{\"a\\\"\": \"\\n\"\n}", false)]
        {
            assert_eq!(has_raw_controls(body.as_bytes()), seen, "{body:?}");
        }
    }

    #[test]
    fn numeric_entities_are_seen_in_both_spellings() {
        for (text, seen) in
            [("&#24352;", true), ("a&#x5F20;", true), ("&amp;", false), ("R&#;", false), ("&#a b;", false)]
        {
            assert_eq!(has_entities(text), seen, "{text}");
        }
    }
}
