//! Values without schema, text for text: what is not touched stays as it was written.

use arrow::array::{Array, AsArray, StringArray};
use millstream_api::{Batch, Column};

use super::made;

/// Text in, text out: `None` where neither value nor schema is left, an error's part where the row fails.
type Case =
    (&'static str, &'static [(&'static str, &'static str)], &'static str, Result<Option<&'static str>, &'static str>);

const CASES: &[Case] = &[
    (
        "ReplaceField$Value",
        &[("exclude", "b")],
        r#" { "a" : 1.50 , "b":[{}],"é\u00e9":"\ud83d\ude00 x" }"#,
        Ok(Some(r#"{"a":1.50,"é\u00e9":"\ud83d\ude00 x"}"#)),
    ),
    ("ReplaceField$Value", &[("exclude", "x")], "{ \"a\" : 1 }", Ok(Some("{ \"a\" : 1 }"))),
    ("ReplaceField$Value", &[("exclude", "é")], r#"{"\u00e9":1,"a":007}"#, Ok(Some(r#"{"a":007}"#))),
    ("ReplaceField$Value", &[("renames", "a:b,c:b")], r#"{"a":1,"b":2,"c":3}"#, Ok(Some(r#"{"b":3}"#))),
    ("ReplaceField$Value", &[("renames", "a:b,b:a")], r#"{"a":1,"b":2}"#, Ok(Some(r#"{"b":1,"a":2}"#))),
    ("ReplaceField$Value", &[("exclude", "a")], "[1]", Err("no map but a list")),
    ("ReplaceField$Value", &[("exclude", "a")], "null", Ok(Some("null"))),
    ("ReplaceField$Value", &[("exclude", "a")], r#"{"a":1"#, Err("not JSON")),
    ("ReplaceField$Value", &[("exclude", "a")], r#"{"a":1} x"#, Err("not JSON")),
    ("ExtractField$Value", &[("field", "a")], r#"{"a":1,"b":2,"a": [ 1 ] }"#, Ok(Some("[ 1 ]"))),
    ("ExtractField$Value", &[("field", "a")], r#"{"a":null}"#, Ok(None)),
    (
        "ExtractField$Value",
        &[("field", "a.b"), ("field.syntax.version", "V2")],
        r#"{"a":1}"#,
        Err("no map but a number"),
    ),
    ("ExtractField$Value", &[("field", "a.b"), ("field.syntax.version", "V2")], r#"{"a":null}"#, Ok(None)),
    ("ExtractField$Value", &[("field", "a")], "null", Ok(None)),
    (
        "Flatten$Value",
        &[],
        r#"{"a":{"b":1},"a.b":2,"c":{"":{"d":[{"e":1}]}}}"#,
        Ok(Some(r#"{"a.b":2,"c..d":[{"e":1}]}"#)),
    ),
    ("Flatten$Value", &[], r#"{"":{"b":{"":1}},"x":{}}"#, Ok(Some(r#"{"b.":1}"#))),
    ("Flatten$Value", &[("delimiter", "\"")], r#"{"a":{"b":1}}"#, Ok(Some(r#"{"a\"b":1}"#))),
    ("Flatten$Value", &[], r#"{ "a" : [ {"b":1} ] }"#, Ok(Some(r#"{ "a" : [ {"b":1} ] }"#))),
    ("Flatten$Value", &[], "[]", Err("no map but a list")),
    ("Flatten$Value", &[], r#"{"a":{"b":1}"#, Err("not JSON")),
    ("HoistField$Value", &[("field", "h\"")], " 1.50", Ok(Some(r#"{"h\"": 1.50}"#))),
    ("HoistField$Value", &[("field", "")], "null", Ok(Some(r#"{"":null}"#))),
    ("InsertField$Value", &[("topic.field", "a")], r#"{"a":1,"b":2.0,"a":3}"#, Ok(Some(r#"{"b":2.0,"a":"topic"}"#))),
    ("InsertField$Value", &[("timestamp.field", "a")], r#"{"a":1}"#, Ok(Some(r#"{"a":1}"#))),
    (
        "InsertField$Value",
        &[("topic.field", "a"), ("static.field", "a"), ("static.value", "v")],
        "{}",
        Ok(Some(r#"{"a":"v"}"#)),
    ),
    ("InsertField$Value", &[("offset.field", "a")], "{}", Err("has no offset")),
    (
        "MaskField$Value",
        &[("fields", "a,b,c")],
        r#"{"b":99999999999999999999,"a":1e5}"#,
        Ok(Some(r#"{"b":0,"a":0.0,"c":null}"#)),
    ),
    ("MaskField$Value", &[("fields", "a"), ("replacement", "+.5")], r#"{"a":1}"#, Ok(Some(r#"{"a":0}"#))),
    ("MaskField$Value", &[("fields", "a"), ("replacement", "1e400")], r#"{"a":1.0}"#, Ok(Some(r#"{"a":"Infinity"}"#))),
    ("MaskField$Value", &[("fields", "a"), ("replacement", "x")], r#"{"a":1}"#, Err("no number")),
    ("MaskField$Value", &[("fields", "a")], "null", Err("null")),
    ("Cast$Value", &[("spec", "a:string")], r#"{"a":1e10,"b":1e10}"#, Ok(Some(r#"{"a":"1.0E10","b":1e10}"#))),
    ("Cast$Value", &[("spec", "string")], "9223372036854775808", Ok(Some("\"9223372036854775808\""))),
    ("Cast$Value", &[("spec", "int64")], "9223372036854775808", Ok(Some("-9223372036854775808"))),
    ("Cast$Value", &[("spec", "float64")], "9223372036854775808", Ok(Some("9.223372036854776E18"))),
    ("Cast$Value", &[("spec", "int8")], "1e300", Ok(Some("-1"))),
    ("Cast$Value", &[("spec", "int8")], "\"128\"", Err("the value cannot be cast to int8")),
    ("Cast$Value", &[("spec", "a:int8")], r#"{"a":"x"}"#, Err("the field a of the value cannot be cast to int8")),
    ("Cast$Value", &[("spec", "a:int8,a:boolean")], r#"{"a":2}"#, Ok(Some(r#"{"a":true}"#))),
    ("ValueToKey", &[("fields", "b,a")], r#"{"a": 1.50 ,"c":2}"#, Ok(Some(r#"{"b":null,"a":1.50}"#))),
    ("ValueToKey", &[("fields", "b")], "null", Err("null")),
];

#[test]
fn what_is_not_touched_stays_as_it_was_written() {
    for (class, settings, text, expected) in CASES {
        let settings: Vec<_> = settings.iter().map(|(key, value)| (*key, (*value).to_owned())).collect();
        let column = Column::schemaless(StringArray::from(vec![Some("{}"), Some(text), None]));
        let batch = Batch::of_values("topic", column.slice(1, 1));
        let out = made(class, &settings).apply(batch);
        let ours = match (out.parts.first(), out.failures.first()) {
            (Some((batch, _)), None) => {
                let column = if *class == "ValueToKey" { &batch.key } else { &batch.value };
                assert!(column.is_schemaless(), "{class} {text}");
                assert_eq!(column.is_absent(0), column.array().is_null(0));
                Ok((!column.is_null(0)).then(|| column.array().as_string::<i32>().value(0).to_owned()))
            }
            (None, Some(failure)) => Err(failure.error.to_string()),
            other => panic!("{other:?}"),
        };
        match (&ours, expected) {
            (Ok(ours), Ok(expected)) => assert_eq!(ours.as_deref(), *expected, "{class} {settings:?} {text}"),
            (Err(ours), Err(part)) => assert!(ours.contains(part), "{class} {text}: {ours}"),
            _ => panic!("{class} {settings:?} {text}: {ours:?}"),
        }
    }
}
