//! A panic in a plugin as an error of its task.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use millstream_api::{Error, Result};

/// Runs `work`; a panic becomes an error of kind `Internal` that says what was being done and the panic's words. What `work` had in its
/// hands is not used again: its task has failed.
pub(crate) fn caught<T>(doing: impl FnOnce() -> String, work: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| Err(panicked(&doing(), &*panic)))
}

/// The error of a panic.
pub(crate) fn panicked(doing: &str, panic: &(dyn Any + Send)) -> Error {
    let words = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    Error::internal(format!("{doing} panicked")).caused_by(words.unwrap_or("a panic without words").to_owned())
}
