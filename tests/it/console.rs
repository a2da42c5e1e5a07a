//! Pages for people (控制台), over HTTP.

mod audit;
mod bulk;
mod checks;
mod colleagues;
mod contacts;
mod erp;
mod events;
mod filters;
mod help;
mod languages;
mod not_admitted;
mod now;
mod outbox;
mod overview;
pub mod pages;
mod plans;
mod rejections;
mod replays;
mod search;
mod sessions;
mod settings;
mod todo;
mod told;
mod trends;
mod tries;
mod visitor;
mod waits;
