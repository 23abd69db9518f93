//! The loops of source and sink tasks against a real broker.

mod chain;
mod commits;
mod harness;
mod quotas;
mod sink;
mod source;
mod too_large;
mod traces;
