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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_error_with_its_words() {
        let row = std::hint::black_box(7);
        let error = caught(|| "decoding records of topic t".to_owned(), || -> Result<()> { panic!("no column {row}") });
        let trace = error.unwrap_err().trace();
        assert!(
            trace.starts_with("internal: decoding records of topic t panicked\nCaused by: no column 7\n"),
            "{trace}"
        );
        assert_eq!(caught(String::new, || Ok(1)).unwrap(), 1);
    }
}
