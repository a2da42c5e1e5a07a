//! Pages for people (控制台), over HTTP.

mod contacts;
mod events;
mod pages;
mod sessions;
mod todo;
mod visitor;
