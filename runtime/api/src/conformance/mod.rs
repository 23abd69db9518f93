//! Batteries that any implementation of a plugin trait is run through, by its own tests.
//!
//! A battery takes something that makes the implementation and its surroundings, plays the calls the trait's contract allows, and
//! reports the first broken promise as a sentence. It brings no runtime, no clock and no files: who calls it drives its future.

pub mod converter;
pub mod sink;
pub mod source;
