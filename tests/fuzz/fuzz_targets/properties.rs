//! Properties files, as the worker's and as the file config provider's.
#![no_main]

use libfuzzer_sys::fuzz_target;
use millstream_core::properties::{parse, parse_utf8};

fuzz_target!(|bytes: &[u8]| {
    let _ = parse(bytes, "f");
    let _ = parse_utf8(bytes, "f");
});
