//! Every converter through the battery that all converters are run through.

use millstream_api::conformance::converter::{ConverterCase, run};
use millstream_api::{Config, ConverterRole};
use millstream_plugins::header_converter as converter;

fn check(class: &str, settings: &[(&str, &str)], good: &[&str], bad: &[&[u8]]) {
    let config: Config = settings.iter().copied().collect();
    let make = || {
        let mut made = converter(class).unwrap();
        made.configure(&config, ConverterRole::Value).unwrap();
        made
    };
    let case = ConverterCase {
        make: &make,
        good: good.iter().map(|payload| payload.as_bytes().to_vec()).collect(),
        bad: bad.iter().map(|payload| payload.to_vec()).collect(),
    };
    run(&case).unwrap_or_else(|e| panic!("{class} {settings:?}: {e}"));
}

const STRUCT: &str = r#"{"type":"struct","optional":true,"fields":[{"field":"id","type":"int64"},{"field":"tags","type":"array","items":{"type":"string","optional":true}},{"field":"d","type":"bytes","optional":true,"name":"org.apache.kafka.connect.data.Decimal","version":1,"parameters":{"scale":"2"}},{"field":"m","type":"map","optional":true,"keys":{"type":"string"},"values":{"type":"double"}}]}"#;

#[test]
fn json_with_schemas() {
    let of_struct = |payload: &str| format!(r#"{{"schema":{STRUCT},"payload":{payload}}}"#);
    let good = [
        of_struct(r#"{"id":1,"tags":["a",null],"d":"ew==","m":{"x":1.5}}"#),
        of_struct(r#"{"id":2,"tags":[],"d":null,"m":null}"#),
        of_struct(r#"{"m":{},"tags":["\u00e9"],"id":3,"other":[{}]}"#),
        r#"{"schema":{"type":"int32"},"payload":5}"#.to_owned(),
        r#"{"payload":"x","schema":{"type":"string","optional":true}}"#.to_owned(),
        r#"{"schema":null,"payload":{"any":[1,"thing"]}}"#.to_owned(),
    ];
    let bad = [
        // Fails after values of a list, a decimal and a map were already taken in.
        of_struct(r#"{"id":1,"tags":["a","b"],"d":"ew==","m":{"x":"no"}}"#),
        of_struct(r#"{"id":1,"tags":["a","b"],"d":"ew==","m":{"x":1},"id":"no"}"#),
        of_struct(r#"{"id":1,"tags":["a""#),
        r#"{"schema":{"type":"nope"},"payload":5}"#.to_owned(),
        r#"{"schema":{"type":"int32"},"payload":5} 6"#.to_owned(),
        "not JSON".to_owned(),
    ];
    let good: Vec<&str> = good.iter().map(String::as_str).collect();
    let mut bad: Vec<&[u8]> = bad.iter().map(String::as_bytes).collect();
    bad.push(b"\xff\xfe\xff");
    for settings in [&[][..], &[("decimal.format", "NUMERIC"), ("schemas.cache.size", "0")]] {
        check("JsonConverter", settings, &good, &bad);
    }
}

#[test]
fn json_without_schemas() {
    let good = ["1", r#"{"a":[1,2.50,"x"],"b":null}"#, "\"text\"", " [true] ", "007"];
    check("JsonConverter", &[("schemas.enable", "false")], &good, &[b"{", b"1 2", b"\"\xff\"", b"nul"]);
}

#[test]
fn json_with_the_schema_in_the_settings() {
    let settings = [("schema.content", r#"{"type":"struct","fields":[{"field":"a","type":"int32"}]}"#)];
    let config: Config = settings.into_iter().collect();
    let make = || {
        let mut made = converter("JsonConverter").unwrap();
        made.configure(&config, ConverterRole::Value).unwrap();
        made
    };
    // It reads bare payloads and writes envelopes, so only its reading is tried.
    let payloads =
        arrow::array::BinaryArray::from_opt_vec(vec![None, Some(b"{\"a\":1}"), Some(b"null"), Some(b"{\"a\":2}")]);
    let decoded = make().decode("t", &payloads);
    assert_eq!((decoded.runs.len(), decoded.runs[0].column.len()), (1, 4));
    assert_eq!(decoded.failures.iter().map(|f| f.row).collect::<Vec<_>>(), [2]);
}

#[test]
fn strings_and_bytes() {
    check("StringConverter", &[], &["a", "", "é😀"], &[]);
    check("StringConverter", &[("converter.encoding", "UTF-16BE")], &["\0a", "\0b\0c"], &[]);
    check("ByteArrayConverter", &[], &["a", "", "\0\u{1}"], &[]);
}

#[test]
fn numbers() {
    check("BooleanConverter", &[], &["\0", "\u{1}"], &[b"", b"\x02", b"\0\0"]);
    check("ShortConverter", &[], &["\0\u{1}", "ab"], &[b"", b"a", b"abc"]);
    for class in ["IntegerConverter", "FloatConverter"] {
        check(class, &[], &["\0\0\0\u{1}", "abcd"], &[b"", b"abc", b"abcde"]);
    }
    for class in ["LongConverter", "DoubleConverter"] {
        check(class, &[], &["\0\0\0\0\0\0\0\u{1}", "abcdefgh"], &[b"", b"abcd", b"abcdefghi"]);
    }
}

#[test]
fn header_values() {
    let good =
        ["1", "300", "1.5", "true", "2020-01-01", "text", "", "[1,200]", "{\"a\":[\"x\"]}", "9223372036854775808"];
    check("SimpleHeaderConverter", &[], &good, &[]);
}
