//! Cases that once differed.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::cases::{JSON, SIMPLE, STRING};

/// All of them.
pub fn cases() -> Vec<Value> {
    let mut all = Vec::new();
    let one = "1".repeat(1000);
    let numbers = [&one, &format!("{one}1"), &format!("0.{one}"), &format!("{}e1", &one[1..]), &format!("{one}e1")];
    let plain: Vec<Vec<u8>> = numbers
        .map(|number| number.clone().into_bytes())
        .into_iter()
        .chain(PLAIN.iter().map(|payload| payload.to_vec()))
        .collect();
    for payload in &plain {
        all.push(read(JSON, "value", json!({"schemas.enable": "false"}), payload));
    }
    for payload in ENVELOPES {
        all.push(read(JSON, "value", json!({"schemas.enable": "true"}), payload.as_bytes()));
    }
    for schema in [
        r#"{"type":"array","items":{"type":"int32","optional":true,"default":5},"default":[1,null]}"#,
        r#"{"type":"array","items":{"type":"int32","default":5},"default":[1,null]}"#,
    ] {
        for replaced in ["true", "false"] {
            let config = json!({"schemas.enable": "true", "replace.null.with.default": replaced});
            all.push(read(JSON, "value", config, format!(r#"{{"schema":{schema},"payload":[2]}}"#).as_bytes()));
        }
    }
    for text in HEADERS {
        all.push(read(SIMPLE, "header", json!({}), text.as_bytes()));
    }
    for bytes in [&b"\xed\xa0\x80a"[..], b"\xed\xa0a", b"\xf4\x90\x80\x80", b"\xe2\x82", b"[\"\xed\xb0\x80\"]"] {
        all.push(read(SIMPLE, "header", json!({}), bytes));
        all.push(read(STRING, "value", json!({}), bytes));
    }
    for (charset, bytes) in TEXTS {
        all.push(read(STRING, "value", json!({"converter.encoding": charset}), bytes));
    }
    for (charset, text) in [("EUC-KR", "가갂㉾"), ("Shift_JIS", "〜～①¥‾—―"), ("windows-31j", "～①¥‾«»·µ")]
    {
        let (schema, value) = (json!({"type": "STRING", "optional": false}), json!({"t": "string", "v": text}));
        all.push(write(STRING, "value", json!({"converter.encoding": charset}), schema, value));
    }
    for payload in PRINTED {
        for then in [
            json!({"converter": STRING, "as": "value", "config": {}}),
            json!({"converter": SIMPLE, "as": "header", "config": {}}),
        ] {
            let mut case = read(JSON, "value", json!({"schemas.enable": "false"}), payload.as_bytes());
            case["op"] = "again".into();
            case["then"] = then;
            all.push(case);
        }
    }
    let date = json!({"type": "INT32", "optional": true, "name": "org.apache.kafka.connect.data.Date", "version": 1});
    for days in [-2_147_483_648_i64, 2_147_483_647, -141_428, -141_427, -719_529, -719_164, 0] {
        let value = json!({"t": "date", "ms": days * 86_400_000});
        all.push(write(STRING, "value", json!({}), date.clone(), value));
    }
    let of = json!({"type": "STRUCT", "optional": false, "fields": [
        {"field": "a", "schema": {"type": "INT32", "optional": true, "default": {"t": "int32", "v": 5}}},
        {"field": "b", "schema": {"type": "STRING", "optional": true}},
    ]});
    all.push(write(SIMPLE, "header", json!({}), of, json!({"t": "struct", "v": {"a": null, "b": null}})));
    for scale in ["2", "90"] {
        let name = "org.apache.kafka.connect.data.Decimal";
        let of = json!({"type": "BYTES", "optional": true, "name": name, "version": 1, "parameters": {"scale": scale}});
        let class = "org.apache.kafka.connect.converters.ByteArrayConverter";
        all.push(write(class, "value", json!({}), of, Value::Null));
    }
    all
}

fn read(converter: &str, role: &str, config: Value, payload: &[u8]) -> Value {
    json!({"converter": converter, "as": role, "op": "to_connect", "config": config, "bytes_base64": STANDARD.encode(payload)})
}

fn write(converter: &str, role: &str, config: Value, schema: Value, value: Value) -> Value {
    json!({"converter": converter, "as": role, "op": "from_connect", "config": config, "schema": schema, "value": value})
}

const PLAIN: &[&[u8]] = &[
    b"1e2147483647",
    b"1e2147483648",
    b"0.1e-2147483647",
    b"1e-99999999999999999999",
    b"[0e99999999999]",
    b"1e00000000000000000009",
    b"\xef\xbb\xbf1",
    b"\xef\xbb\xbf",
    b"\xef\xbb\xbf\xef\xbb\xbf1",
    b"\xfe\xff",
    b"\xfe\xff\0\x31",
    b"\xff\xfe\x31\0",
    b"\0\x31\0",
    b"\0\0",
    b"\0\0\0\x31",
    b"\x31\0\0\0",
    b"\0\0\xfe\xff\0\0\0\x31",
    b"\xff\xfe\0\0\x31\0\0\0",
    b"\0\0\0\x22\0\x01\xf6\0\0\0\0\x22",
];

const ENVELOPES: &[&str] = &[
    r#"{"schema":{"type":"int32"},"payload":1,"payload":2}"#,
    r#"{"schema":null,"schema":{"type":"int32"},"payload":1}"#,
    r#"{"schema":{"type":"map","keys":{"type":"string"},"values":{"type":"int32"}},"payload":{"a":1,"b":2,"a":3}}"#,
    r#"{"schema":{"type":"map","keys":{"type":"int32"},"values":{"type":"int32"}},"payload":[[1,2],[3,4],[1,5]]}"#,
    r#"{"schema":{"type":"map","keys":{"type":"boolean"},"values":{"type":"string"}},"payload":[[true,"a"],[true,"b"]]}"#,
    r#"{"schema":{"type":"bytes"},"payload":" AQ== AQ==\n"}"#,
    r#"{"schema":{"type":"bytes"},"payload":"AQ==AQ=="}"#,
    r#"{"schema":{"type":"bytes"},"payload":"A Q=="}"#,
    r#"{"schema":{"type":"bytes"},"payload":"AR=="}"#,
    r#"{"schema":{"type":"bytes","name":"org.apache.kafka.connect.data.Decimal","version":1,"parameters":{"scale":"2"}},"payload":" ew=="}"#,
    r#"{"schema":{"type":"int32","name":"org.apache.kafka.connect.data.Date","version":1},"payload":1e2}"#,
    r#"{"schema":{"type":"int32","name":"org.apache.kafka.connect.data.Time","version":1},"payload":1.0}"#,
    r#"{"schema":{"type":"int64","name":"org.apache.kafka.connect.data.Timestamp","version":1},"payload":1E0}"#,
    r#"{"schema":{"type":"int64"},"payload":1E2}"#,
    r#"{"schema":{"type":"int32","version":01,"default":007},"payload":1}"#,
    r#"{"schema":{"type":"float"},"payload":9007199791611905}"#,
    r#"{"schema":{"type":"float"},"payload":1.00000005960464477539062500000000000000001}"#,
    r#"{"schema":{"type":"float"},"payload":1.000000059604644775390625}"#,
];

const HEADERS: &[&str] = &[
    "1e-2147483648",
    "1e-2147483647",
    "0.1e-2147483647",
    "[2020-01-01T12:34:56.789Z,12:34:56.789Z]",
    "[2020-01-01,2020-01-01T12:34:56.789Z,5]",
    "{\"a\":1500-02-29T00:00:00.000Z,\"b\":9999-12-31}",
    "[12:34:56.789Z,2020-01-01]",
    "[2020-01-01,100000,12:34:56.789Z]",
    "{\"a\":[\"2020-01-01\",\"12:34:56.789Z\"]}",
    "{\"1970-01-01\":\"2020-13-01\",0:\"0000-00-00T00:00:00.000Z\"}",
    "[12:34:56.789Z,-1]",
    "[12:34:56.789Z,86400000]",
    "{-12:1,12:34:56.789Z:2}",
    "[-143.523850,-1e309,[1]]",
];

const TEXTS: &[(&str, &[u8])] = &[
    ("EUC-KR", b"\xb0\xa1\x81\x41\xa2\xe8"),
    ("EUC-KR", b"\xa1\xff\x80\xb0"),
    ("Shift_JIS", b"\x81\x60\x87\x40\xef\xbe\x81\x5f\xa5"),
    ("windows-31j", b"\x81\x60\x87\x40\xef\xbe\x81\x5f\xfc\xfc\x81"),
    ("UTF-16", b"\xd8\0\0a\0b"),
    ("UTF-16BE", b"\xd8\0\0"),
    ("UTF-16LE", b"\0\xdca\0a"),
    ("UTF-16", b"\0a\0"),
];

const PRINTED: &[&str] = &[
    "1e400",
    "[-1e400,1e3,-0.0,-0,1.50,1e-7]",
    "\"a\\ud83dx\\u0041\"",
    "{\"a\":[1e309,null,\"\\ud83d\\ude00\"]}",
    "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]",
];
