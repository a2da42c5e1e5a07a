//! The contact persons (联系人) of the ERP's customers.

use super::{
    details::DETAILS_READ,
    identity::same_name,
    phone_match::{PhoneMatch, fit, last_digits, same_number},
    text::searchable,
};
use crate::erp::{ContactPersonFilter, ContactPersonRow, Erp, ErpError};

/// What a contact is of a customer that the ERP has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// The customer itself.
    Itself,
    /// One of its contact persons.
    ContactPerson,
    /// A further contact person, who is to be added.
    NewContactPerson,
}

/// What a contact is of the company that it works for: known by its number there, or where it has none by its name.
pub(super) async fn role_in(
    erp: &Erp,
    company: i64,
    mobile: Option<&str>,
    name: Option<&str>,
) -> Result<Role, ErpError> {
    let is_known = mobile.is_some() || name.is_some();
    let is_there = is_known && person_of(erp, company, mobile, name.unwrap_or_default()).await?.is_some();
    Ok(if is_there { Role::ContactPerson } else { Role::NewContactPerson })
}

/// Contact persons that match a filter, with name, number and customer.
pub(super) async fn contact_persons(
    erp: &Erp,
    filter: &ContactPersonFilter,
) -> Result<Vec<ContactPersonRow>, ErpError> {
    let persons = erp.list_contact_persons(filter).await?;
    complete(erp, persons, filter.mobile.as_deref().unwrap_or_default()).await
}

/// Contact persons with what the installation's list lacks or masks, and the detail has (`erp-wire.md §4`). Without it a
/// person who is there would be added again. `wanted`: the number that is looked for.
pub(super) async fn complete(
    erp: &Erp,
    mut persons: Vec<ContactPersonRow>,
    wanted: &str,
) -> Result<Vec<ContactPersonRow>, ErpError> {
    let mut details = 0;
    for person in &mut persons {
        let Some(ord) = person.ord else { continue };
        let is_masked = person.mobile.as_deref().is_some_and(|number| fit(number, wanted) == PhoneMatch::Perhaps);
        if !is_masked && person.mobile.is_some() && person.person_name.is_some() && person.company.is_some() {
            continue;
        }
        details += 1;
        if details > DETAILS_READ {
            return Err(ErpError::TooMany(format!("{details} rows of 联系人列表 without name, number or customer")));
        }
        let detail = match erp.contact_person_detail(ord).await {
            Ok(detail) => detail,
            // Another salesperson's, or gone since: it stays as it is listed.
            Err(error) if error.refuses_this_record() => continue,
            // What the list shows of it is enough to ask a person.
            Err(error) if error.is_refusal() && is_masked && person.company.is_some() => continue,
            Err(error) => return Err(error),
        };
        let shown = |id: &str| detail.shown(id).map(str::to_owned);
        let in_list = person.mobile.take();
        person.mobile = in_list.clone().filter(|_| !is_masked).or_else(|| shown("mobile")).or(in_list);
        person.person_name = person.person_name.take().or_else(|| shown("person_name"));
        person.company = person.company.or_else(|| detail.value("company")?.trim().parse().ok());
        let company_name = || shown("company").filter(|name| name.trim().parse::<i64>().is_err());
        person.company_name = person.company_name.take().or_else(company_name);
    }
    Ok(persons)
}

/// The contact person of a customer with this number, or with this name where no number is to be compared, or only what
/// a mask leaves of it.
pub(super) async fn person_of(
    erp: &Erp,
    company: i64,
    mobile: Option<&str>,
    name: &str,
) -> Result<Option<ContactPersonRow>, ErpError> {
    // The last digits stand together however the rest of a number was typed (`erp-wire.md §1.13`).
    let filter = ContactPersonFilter {
        company: Some(company),
        mobile: mobile.map(last_digits),
        person_name: mobile.is_none().then(|| searchable(name).to_owned()),
        email: None,
    };
    let persons = erp.list_contact_persons(&filter).await?;
    Ok(complete(erp, persons, mobile.unwrap_or_default()).await?.into_iter().find(|row| {
        row.company.is_none_or(|ord| ord == company)
            && match (mobile, &row.mobile) {
                (Some(ours), Some(theirs)) if fit(theirs, ours) != PhoneMatch::Perhaps => same_number(ours, theirs),
                _ => row.person_name.as_deref().is_some_and(|theirs| same_name(theirs, name)),
            }
    }))
}

/// The name of a customer's first contact person, the oldest; `None` where the installation shows none.
pub(super) async fn first_person(erp: &Erp, company: i64) -> Result<Option<String>, ErpError> {
    let filter = ContactPersonFilter { company: Some(company), ..ContactPersonFilter::default() };
    let mut persons = match contact_persons(erp, &filter).await {
        Ok(persons) => persons,
        Err(error) if error.denies_interface() || matches!(error, ErpError::TooMany(_)) => return Ok(None),
        Err(error) => return Err(error),
    };
    persons.retain(|row| row.company == Some(company));
    persons.sort_by_key(|row| row.ord.unwrap_or(i64::MAX));
    let names = persons.into_iter().filter_map(|row| row.person_name);
    Ok(names.map(|name| name.trim().to_owned()).find(|name| !name.is_empty()))
}
