//! Header values: read, printed and read again.

use arrow::array::{Array, BinaryArray};
use millstream_api::Converter;
use millstream_plugins::header_converter;
use proptest::collection::vec;
use proptest::prelude::*;

use crate::any_column::{any_shape, column};

fn simple() -> Box<dyn Converter> {
    header_converter("SimpleHeaderConverter").unwrap()
}

/// Texts of what means something to the parser of values.
fn any_text() -> impl Strategy<Value = String> {
    let pieces = [
        "[",
        "]",
        "{",
        "}",
        ":",
        ",",
        "\"",
        "\\",
        " ",
        "1",
        "-2.5",
        "300",
        "1e40",
        "true",
        "null",
        "a",
        "é😀",
        "2020-01-01",
        "10:11:12.123Z",
        "2020-01-01T10:11:12.123Z",
        "[1,2]",
        "{\"a\":1}",
        "99999999999999999999",
    ];
    vec(proptest::sample::select(pieces.to_vec()), 0..12).prop_map(|pieces| pieces.concat())
}

fn texts(payloads: &BinaryArray) -> Vec<Option<String>> {
    payloads.iter().map(|payload| payload.map(|bytes| String::from_utf8(bytes.to_vec()).unwrap())).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    /// Rows of one batch are read as each alone, and what is printed of a value is read as a value that prints the same.
    #[test]
    fn what_is_printed_is_read_again(given in vec(prop::option::of(any_text()), 1..8)) {
        let input = BinaryArray::from_iter(given.iter().map(|text| text.as_deref().map(str::as_bytes)));
        let decoded = simple().decode("t", &input);
        prop_assert!(decoded.failures.is_empty());
        let mut printed = Vec::new();
        for run in &decoded.runs {
            let encoded = simple().encode("t", &run.column);
            prop_assert!(encoded.failures.is_empty(), "{:?}", encoded.failures);
            printed.extend(texts(&encoded.payloads));
        }
        for (row, text) in printed.iter().enumerate() {
            let alone = simple().decode("t", &input.slice(row, 1));
            let column = &alone.runs[0].column;
            prop_assert_eq!(&texts(&simple().encode("t", column).payloads)[0], text);
        }
    }

    #[test]
    fn any_value_is_printed(shape in any_shape(), seed: u64) {
        let column = column(&shape, 3, seed);
        let encoded = simple().encode("t", &column);
        prop_assert!(encoded.failures.is_empty(), "{:?}", encoded.failures);
        for row in 0..3 {
            prop_assert_eq!(encoded.payloads.is_null(row), column.is_null(row));
        }
    }
}
