//! What tasks do with topics of their own accord: make missing ones, write dead letters. On a real broker, with connectors that play a
//! script.

mod dead_letters;
mod scripted;
mod topic_creation;
