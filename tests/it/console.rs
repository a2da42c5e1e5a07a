//! Pages for people (控制台), over HTTP.

mod audit;
mod contacts;
mod erp;
mod events;
mod not_admitted;
mod outbox;
pub mod pages;
mod sessions;
mod settings;
mod todo;
mod visitor;
