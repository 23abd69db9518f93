//! Envelopes: schemas as JSON with payloads that fit, nearly fit, or do not.

use serde_json::{Map, Value, json};

use super::json_text::{Wild, mutated, number, string, value};
use super::random::Random;

const LOGICAL: &[&str] = &[
    "org.apache.kafka.connect.data.Decimal",
    "org.apache.kafka.connect.data.Date",
    "org.apache.kafka.connect.data.Time",
    "org.apache.kafka.connect.data.Timestamp",
];
const SIMPLE: &[&str] = &["int8", "int16", "int32", "int64", "float", "double", "boolean", "string", "bytes"];
const UNKNOWN: &[&str] = &["float32", "float64", "INT32", "date", "", "Struct", "null", "any", "decimal"];

/// A schema. `odd`: chance in a hundred of something strange at each attribute.
pub fn schema(r: &mut Random, depth: usize, odd: usize) -> Value {
    let mut all = Map::new();
    match r.below(if depth == 0 { 13 } else { 17 }) {
        0..9 => {
            all.insert("type".into(), (*r.pick(SIMPLE)).into());
        }
        9..13 => {
            let name = r.pick(LOGICAL);
            let of = if name.ends_with("Decimal") {
                "bytes"
            } else if name.ends_with("Timestamp") {
                "int64"
            } else {
                "int32"
            };
            all.insert("type".into(), of.into());
            all.insert("name".into(), name.into());
            all.insert("version".into(), 1.into());
            if of == "bytes" {
                let scale = if r.percent(odd) {
                    r.pick(&["x", "", "1.5", "2147483648", " 2"])
                } else {
                    r.pick(&["0", "2", "5", "-2", "38", "40", "80", "127", "+3", "007"])
                };
                all.insert("parameters".into(), json!({"scale": scale}));
                if r.percent(20) {
                    all["parameters"]["connect.decimal.precision"] = "10".into();
                }
            }
        }
        13 => {
            all.insert("type".into(), "array".into());
            all.insert("items".into(), schema(r, depth - 1, odd));
        }
        14 => {
            all.insert("type".into(), "map".into());
            let keys = if r.percent(60) {
                json!({"type": "string", "optional": r.percent(20)})
            } else {
                schema(r, depth - 1, odd)
            };
            all.insert("keys".into(), keys);
            all.insert("values".into(), schema(r, depth - 1, odd));
        }
        _ => {
            all.insert("type".into(), "struct".into());
            let mut fields = Vec::new();
            for index in 0..r.below(5) {
                let mut field = schema(r, depth - 1, odd);
                let name = ["a", "b", "c", "é\"", "schema"][index];
                field["field"] = if r.percent(odd) { json!("a") } else { name.into() };
                fields.push(field);
            }
            all.insert("fields".into(), fields.into());
        }
    }
    if r.percent(50) {
        all.insert("optional".into(), r.percent(70).into());
    }
    if r.percent(10) && !all.contains_key("name") {
        all.insert("name".into(), (*r.pick(&["n", "io.debezium.time.MicroTimestamp", "", "a.b.C"])).into());
    }
    if r.percent(8) {
        all.insert("version".into(), json!(r.below(3)));
    }
    if r.percent(8) {
        all.insert("doc".into(), (*r.pick(&["d", "", "\u{1}é😀"])).into());
    }
    if r.percent(8) && !all.contains_key("parameters") {
        all.insert("parameters".into(), json!({"k": "v", "a": ""}));
    }
    if r.percent(12) {
        let text = payload(r, &Value::Object(all.clone()), odd);
        let default = serde_json::from_slice(&text).unwrap_or(Value::Null);
        all.insert("default".into(), default);
    }
    if r.percent(odd) {
        strange(r, &mut all);
    }
    Value::Object(all)
}

/// One attribute that is not as it should be.
fn strange(r: &mut Random, all: &mut Map<String, Value>) {
    const ATTRIBUTES: &[&str] = &[
        "type",
        "optional",
        "name",
        "version",
        "doc",
        "parameters",
        "default",
        "items",
        "keys",
        "values",
        "fields",
        "field",
        "other",
    ];
    let attribute = r.pick(ATTRIBUTES);
    let values = [
        Value::Null,
        json!(true),
        json!("true"),
        json!(1),
        json!(1.5),
        json!(0),
        json!("x"),
        json!({}),
        json!([]),
        json!({"a": 1}),
        json!([1]),
        json!({"scale": 2}),
        json!({"scale": null}),
        json!(2_147_483_648_i64),
        json!("1"),
        json!({"type": "int32"}),
        json!(-1),
        json!(1e10),
    ];
    match r.below(4) {
        0 => {
            all.shift_remove(attribute);
        }
        1 => {
            all.insert("type".into(), (*r.pick(UNKNOWN)).into());
        }
        2 => {
            all.insert("name".into(), (*r.pick(LOGICAL)).into());
        }
        _ => {
            all.insert(attribute.to_owned(), values[r.below(values.len())].clone());
        }
    }
}

/// A payload for a schema; so many in a hundred do not fit.
pub fn payload(r: &mut Random, schema: &Value, misfits: usize) -> Vec<u8> {
    if r.percent(misfits) {
        let mut out = Vec::new();
        value(r, 1, Wild { bad: 0 }, &mut out);
        return out;
    }
    if (schema["optional"] == true || schema.get("default").is_some() || r.percent(misfits)) && r.percent(20) {
        return b"null".to_vec();
    }
    let integer = |r: &mut Random, bits| {
        let bits = if r.percent(misfits) { 64 } else { bits };
        let value = r.integer(bits).to_string();
        if r.percent(misfits) { number(r) } else { value }
    };
    let logical = schema["name"].as_str().unwrap_or_default().rsplit('.').next().unwrap_or_default();
    match (schema["type"].as_str().unwrap_or("none"), logical) {
        ("bytes", "Decimal") if r.percent(60) => {
            let plain = [
                "0",
                "1",
                "1.5",
                "1.50",
                "-0.00",
                "1e2",
                "156",
                "1E-2",
                "1.23e1",
                "100e-2",
                "0e5",
                "1e40",
                "123456789012345678901234567890.12",
                "0.00001",
                "00.50",
            ];
            if r.percent(70) { plain[r.below(plain.len())].into() } else { number(r).into_bytes() }
        }
        ("bytes", _) => base64(r, misfits),
        ("int32", "Time") if !r.percent(misfits) => {
            (r.below(86_400_002) as i64 - r.below(2) as i64).to_string().into_bytes()
        }
        ("int8", _) => integer(r, 8).into_bytes(),
        ("int16", _) => integer(r, 16).into_bytes(),
        ("int32", _) => integer(r, 32).into_bytes(),
        ("int64", _) => integer(r, 64).into_bytes(),
        ("float" | "double", _) => match r.below(20) {
            0 => r.pick(&["\"NaN\"", "\"Infinity\"", "\"-Infinity\"", "\"1.5\""]).as_bytes().to_vec(),
            _ => number(r).into_bytes(),
        },
        ("boolean", _) => r.pick(&["true", "false"]).as_bytes().to_vec(),
        ("string", _) => string(r, Wild { bad: misfits / 3 }),
        ("array", _) => {
            let items: Vec<Vec<u8>> = (0..r.below(4)).map(|_| payload(r, &schema["items"], misfits)).collect();
            [&b"["[..], &items.join(&b','), b"]"].concat()
        }
        ("map", _) if schema["keys"]["type"] == "string" && !r.percent(misfits) => {
            let entries: Vec<Vec<u8>> = (0..r.below(4))
                .map(|_| {
                    let key = if r.percent(80) {
                        r.pick(&["\"k\"", "\"l\"", "\"\"", "\"m\""]).as_bytes().to_vec()
                    } else {
                        string(r, Wild { bad: misfits / 3 })
                    };
                    [&key[..], b":", &payload(r, &schema["values"], misfits)].concat()
                })
                .collect();
            [&b"{"[..], &entries.join(&b','), b"}"].concat()
        }
        ("map", _) => {
            let entries: Vec<Vec<u8>> = (0..r.below(4))
                .map(|_| {
                    let mut pair = vec![payload(r, &schema["keys"], misfits), payload(r, &schema["values"], misfits)];
                    if r.percent(misfits) {
                        pair.truncate(1);
                    } else if r.percent(misfits) {
                        pair.push(b"1".to_vec());
                    }
                    [&b"["[..], &pair.join(&b','), b"]"].concat()
                })
                .collect();
            [&b"["[..], &entries.join(&b','), b"]"].concat()
        }
        ("struct", _) => {
            let mut entries: Vec<Vec<u8>> = Vec::new();
            for field in schema["fields"].as_array().into_iter().flatten() {
                if r.percent(10) {
                    continue;
                }
                let entry = [field["field"].to_string().as_bytes(), b":", &payload(r, field, misfits)].concat();
                let place = if r.percent(80) { entries.len() } else { r.below(entries.len() + 1) };
                entries.insert(place, entry);
                if r.percent(3) {
                    entries.push([field["field"].to_string().as_bytes(), b": ", &payload(r, field, misfits)].concat());
                }
            }
            if r.percent(5) {
                let mut extra = b"\"extra\":".to_vec();
                value(r, 2, Wild { bad: misfits / 4 }, &mut extra);
                entries.insert(r.below(entries.len() + 1), extra);
            }
            [&b"{"[..], &entries.join(&b','), b"}"].concat()
        }
        _ => {
            let mut out = Vec::new();
            value(r, 2, Wild { bad: 0 }, &mut out);
            out
        }
    }
}

fn base64(r: &mut Random, misfits: usize) -> Vec<u8> {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    if r.percent(misfits) {
        let odd = [
            "\"=\"",
            "\"A\"",
            "\"AQ\"",
            "\"AQ=\"",
            "\"AQ==\"",
            "\"AR==\"",
            "\"AQ==x\"",
            "\"AQ==AQ==\"",
            "\"-_==\"",
            "\"A Q = =\"",
            "\" AQ==\"",
            "\"AQ==\\n\"",
            "\"A\\nQ==\"",
            "\"!!!!\"",
            "\"AQ\\u003d\\u003d\"",
            "\"AAAA \"",
            "\"AAA\"",
            "\"AAAAA\"",
            "\"====\"",
            "\"A===\"",
            "\"é===\"",
            "\"AQI=\"",
            "\"AQIDBA\"",
            "\"AQ==  \"",
        ];
        return odd[r.below(odd.len())].as_bytes().to_vec();
    }
    let length = if r.percent(5) { 17 + r.below(30) } else { r.below(12) };
    let bytes: Vec<u8> =
        (0..length).map(|_| if r.percent(20) { [0, 255][r.below(2)] } else { r.next() as u8 }).collect();
    format!("\"{}\"", STANDARD.encode(bytes)).into_bytes()
}

/// An envelope's bytes; mostly well formed.
pub fn envelope(r: &mut Random) -> Vec<u8> {
    let odd = [0, 3, 10, 40][r.below(4)];
    let schema = if r.percent(3) { Value::Null } else { schema(r, 2, odd) };
    of(r, &schema, odd)
}

/// An envelope of this schema.
pub fn of(r: &mut Random, schema: &Value, odd: usize) -> Vec<u8> {
    let payload = payload(r, schema, odd);
    let text = if r.percent(10) { serde_json::to_string_pretty(schema) } else { serde_json::to_string(schema) }
        .unwrap_or_default();
    let mut out = match r.below(40) {
        0 => [&b"{\"payload\":"[..], &payload, b",\"schema\":", text.as_bytes(), b"}"].concat(),
        1 => [&b" { \"schema\" : "[..], text.as_bytes(), b" , \"payload\" : ", &payload, b" } \n"].concat(),
        2 => [&b"{\"schema\":"[..], text.as_bytes(), b"}"].concat(),
        3 => [&b"{\"schema\":"[..], text.as_bytes(), b",\"payload\":", &payload, b",\"x\":1}"].concat(),
        4 => [&b"{\"schema\":"[..], text.as_bytes(), b",\"payload\":", &payload, b",\"payload\":", &payload, b"}"]
            .concat(),
        5 => [&b"{\"schem\\u0061\":"[..], text.as_bytes(), b",\"payload\":", &payload, b"}"].concat(),
        6 => [&b"{\"schema\":null,\"schema\":"[..], text.as_bytes(), b",\"payload\":", &payload, b"}"].concat(),
        7 => [&b"{\"payload\":"[..], &payload, b"}"].concat(),
        _ => [&b"{\"schema\":"[..], text.as_bytes(), b",\"payload\":", &payload, b"}"].concat(),
    };
    if r.percent(odd) {
        mutated(r, &mut out);
    }
    out
}
