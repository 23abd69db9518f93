//! Bodies of REST requests, read as every route that takes one reads it.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| millstream_worker::rest::read_any_body(bytes));
