//! Schemas and values to write, in the form of the golden vectors.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::random::Random;

const TEXTS: &[&str] = &[
    "",
    "a",
    "abc",
    "é中😀",
    "\"",
    "\\",
    "/",
    "\n\t\r\u{8}\u{c}",
    "\u{0}\u{1f}\u{7f}",
    "\u{2028}\u{ffff}\u{fffd}",
    "null",
    "true",
    "42",
    " pad ",
    "1.5",
    "[1,2]",
    "{\"a\":1}",
    "a,b",
    "a:b",
    "it's",
    "<&>=",
    "\u{80}\u{9f}",
    "ÿ€Ω",
    "12:34:56.789Z",
    "2020-01-01",
    "\u{10ffff}",
    "ß\u{301}",
    "日本語テキスト",
];

/// A schema.
pub fn schema(r: &mut Random, depth: usize) -> Value {
    let mut all = Map::new();
    let simple = ["INT8", "INT16", "INT32", "INT64", "FLOAT32", "FLOAT64", "BOOLEAN", "STRING", "BYTES"];
    let kind = r.below(if depth == 0 { 13 } else { 17 });
    let of = match kind {
        0..9 => simple[kind],
        9 => "BYTES",
        10 | 11 => "INT32",
        12 => "INT64",
        13 => "ARRAY",
        14 => "MAP",
        _ => "STRUCT",
    };
    all.insert("type".into(), of.into());
    all.insert("optional".into(), r.percent(50).into());
    match kind {
        9..13 => {
            let name = ["Decimal", "Date", "Time", "Timestamp"][kind - 9];
            all.insert("name".into(), format!("org.apache.kafka.connect.data.{name}").into());
            all.insert("version".into(), 1.into());
            if kind == 9 {
                let scale = r.pick(&["0", "2", "10", "38", "-2", "50", "90"]);
                all.insert("parameters".into(), json!({"scale": scale}));
                if r.percent(10) {
                    all["parameters"]["connect.decimal.precision"] = "10".into();
                }
            }
        }
        _ if r.percent(12) => {
            all.insert("name".into(), (*r.pick(&["n", "io.debezium.time.MicroTimestamp", "a.b.C é"])).into());
            if r.percent(50) {
                all.insert("version".into(), json!(1 + r.below(3)));
            }
        }
        _ => {}
    }
    if r.percent(8) {
        all.insert("doc".into(), (*r.pick(&["d", "", "\u{1}é😀"])).into());
    }
    if r.percent(8) && kind != 9 {
        all.insert("parameters".into(), json!({"k": "v", "a": "", "é": "\"\u{2}😀"}));
    }
    match kind {
        13 => {
            all.insert("items".into(), schema(r, depth - 1));
        }
        14 => {
            let keys =
                if r.percent(60) { json!({"type": "STRING", "optional": r.percent(20)}) } else { schema(r, depth - 1) };
            all.insert("keys".into(), keys);
            all.insert("values".into(), schema(r, depth - 1));
        }
        15.. => {
            let fields: Vec<Value> = (0..r.below(5))
                .map(|index| {
                    let name = ["a", "b", "c", "é\"😀", "schema"][index];
                    json!({"field": name, "schema": schema(r, depth - 1)})
                })
                .collect();
            all.insert("fields".into(), fields.into());
        }
        _ => {}
    }
    if r.percent(12) && kind < 15 {
        let mut required = all.clone();
        required.insert("optional".into(), false.into());
        let default = value(r, &Value::Object(required), 0);
        // A null in it would have the default of its own schema.
        if !default.to_string().contains("null") {
            all.insert("default".into(), default);
        }
    }
    Value::Object(all)
}

/// A value of a schema; so many nulls in a hundred where the schema has none.
pub fn value(r: &mut Random, schema: &Value, nulls: usize) -> Value {
    if (schema["optional"] == true && r.percent(20)) || r.percent(nulls) {
        return Value::Null;
    }
    let logical = schema["name"].as_str().and_then(|name| name.strip_prefix("org.apache.kafka.connect.data."));
    match (schema["type"].as_str().unwrap_or_default(), logical) {
        ("BYTES", Some("Decimal")) => {
            let scale: i64 = schema["parameters"]["scale"].as_str().and_then(|scale| scale.parse().ok()).unwrap_or(0);
            let digits: String = (0..r.below(30)).map(|_| char::from(b'0' + r.below(10) as u8)).collect();
            let unscaled = match r.below(4) {
                0 => r.integer(64).to_string(),
                1 => (r.integer(8)).to_string(),
                2 => "0".to_owned(),
                _ => format!("{}1{digits}", r.pick(&["", "-"])),
            };
            json!({"t": "decimal", "unscaled": unscaled, "scale": scale})
        }
        ("INT32", Some("Date")) => {
            let days = r.integer(32) / [1, 1000, 100_000][r.below(3)];
            json!({"t": "date", "ms": days * 86_400_000})
        }
        ("INT32", Some("Time")) => json!({"t": "date", "ms": r.below(86_400_000)}),
        ("INT64", Some("Timestamp")) => {
            let any = r.integer(64);
            let ms = if r.percent(70) { any % 4_000_000_000_000 } else { any % 200_000_000_000_000 };
            json!({"t": "date", "ms": if r.percent(20) { ms / 86_400_000 * 86_400_000 } else { ms }})
        }
        ("INT8", _) => json!({"t": "int8", "v": r.integer(8)}),
        ("INT16", _) => json!({"t": "int16", "v": r.integer(16)}),
        ("INT32", _) => json!({"t": "int32", "v": r.integer(32)}),
        ("INT64", _) => json!({"t": "int64", "v": r.integer(64)}),
        ("FLOAT32", _) => {
            let value = if r.percent(50) { f32::from_bits(r.next() as u32) } else { r.float() as f32 };
            json!({"t": "float32", "v": number_or_text(value.into()), "bits": format!("{:08x}", value.to_bits())})
        }
        ("FLOAT64", _) => {
            let value = r.float();
            json!({"t": "float64", "v": number_or_text(value), "bits": format!("{:016x}", value.to_bits())})
        }
        ("BOOLEAN", _) => json!({"t": "boolean", "v": r.percent(50)}),
        ("STRING", _) => {
            let count = 1 + r.below(2);
            json!({"t": "string", "v": (0..count).map(|_| r.pick(TEXTS)).collect::<String>()})
        }
        ("BYTES", _) => {
            let bytes: Vec<u8> = (0..r.below(9)).map(|_| r.next() as u8).collect();
            json!({"t": "bytes", "v": STANDARD.encode(bytes)})
        }
        ("ARRAY", _) => {
            let items: Vec<Value> = (0..r.below(4)).map(|_| value(r, &schema["items"], nulls)).collect();
            json!({"t": "array", "v": items})
        }
        ("MAP", _) => {
            let mut entries: Vec<Value> = Vec::new();
            for _ in 0..r.below(4) {
                let mut required = schema["keys"].clone();
                required["optional"] = false.into();
                let key = value(r, &required, 0);
                if !key.is_null() && entries.iter().all(|entry| entry[0] != key) {
                    entries.push(json!([key, value(r, &schema["values"], nulls)]));
                }
            }
            json!({"t": "map", "v": entries})
        }
        _ => {
            let mut fields = Map::new();
            for field in schema["fields"].as_array().into_iter().flatten() {
                fields
                    .insert(field["field"].as_str().unwrap_or_default().to_owned(), value(r, &field["schema"], nulls));
            }
            json!({"t": "struct", "v": fields})
        }
    }
}

fn number_or_text(value: f64) -> Value {
    match value.is_finite() {
        true => value.into(),
        false => if value.is_nan() {
            "NaN"
        } else if value > 0.0 {
            "Infinity"
        } else {
            "-Infinity"
        }
        .into(),
    }
}
