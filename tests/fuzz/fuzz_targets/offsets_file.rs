//! The standalone offsets file: a serialised Java map.
#![no_main]

use libfuzzer_sys::fuzz_target;
use millstream_worker::store::java_map::{read, write};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(entries) = read(bytes) {
        assert_eq!(read(&write(&entries)), Ok(entries));
    }
});
