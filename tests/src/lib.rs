//! The end-to-end tests of Millstream: see `suite`, the one test binary of this crate.
