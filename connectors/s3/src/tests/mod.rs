//! The task as a whole, on a store in memory.

mod cases;
mod conformance;
mod envelope;
mod faulty;
mod play;
mod read;
mod records;
mod task;
