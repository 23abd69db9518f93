//! The loops of source and sink tasks against a real broker.

mod harness;
mod sink;
mod source;
mod traces;
