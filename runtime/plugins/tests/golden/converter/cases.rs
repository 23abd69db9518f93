//! Cases in the form that the Java side of the comparison takes.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::random::Random;
use super::{envelope, header_text, json_text, typed};

/// A class.
pub const JSON: &str = "org.apache.kafka.connect.json.JsonConverter";
/// A class.
pub const STRING: &str = "org.apache.kafka.connect.storage.StringConverter";
/// A class.
pub const SIMPLE: &str = "org.apache.kafka.connect.storage.SimpleHeaderConverter";
const PRIMITIVES: &[&str] = &["ByteArray", "Boolean", "Short", "Integer", "Long", "Float", "Double"];

const CHARSETS: &[&str] = &[
    "UTF-8",
    "UTF-16",
    "UTF-16BE",
    "UTF-16LE",
    "US-ASCII",
    "ISO-8859-1",
    "utf8",
    "latin1",
    "windows-1252",
    "ISO-8859-15",
    "Shift_JIS",
    "EUC-KR",
    "KOI8-R",
    "windows-1251",
    "windows-31j",
    "ISO-8859-8",
    "IBM866",
    "windows-1250",
    "windows-1253",
    "windows-1254",
    "windows-1256",
    "windows-1257",
    "windows-1258",
    "ISO-8859-2",
    "ISO-8859-3",
    "ISO-8859-4",
    "ISO-8859-5",
    "ISO-8859-6",
    "ISO-8859-7",
    "ISO-8859-13",
    "ISO-8859-16",
];

/// Makes a case.
pub type Make = fn(&mut Random) -> Value;

/// Every kind of case.
pub const KINDS: &[(&str, Make)] = &[
    ("read_plain", read_plain),
    ("plain_again", plain_again),
    ("plain_as_text", plain_as_text),
    ("read_envelope", read_envelope),
    ("read_run", read_run),
    ("read_content", read_content),
    ("write_json", write_json),
    ("write_text", write_text),
    ("write_floats", write_floats),
    ("read_text", read_text),
    ("read_pairs", read_pairs),
    ("write_characters", write_characters),
    ("primitive", primitive),
    ("read_header", read_header),
    ("header_again", header_again),
];

/// A case, with some that are like it but for the value or payload.
pub fn siblings(r: &mut Random, make: Make) -> Vec<Value> {
    let mut cases = vec![make(r)];
    let more = if cases[0].get("of").is_some() { 12 } else { 3 };
    for _ in 0..=r.below(more) {
        let mut case = cases[0].clone();
        if case["op"] == "from_connect" {
            let nulls = if r.percent(10) { 5 } else { 0 };
            case["value"] = typed::value(r, &case["schema"], nulls);
        } else if let Some(schema) = case.get("of").cloned() {
            let odd = [0, 0, 0, 8][r.below(4)];
            case["bytes_base64"] = bytes(&envelope::of(r, &schema, odd));
        } else {
            case["bytes_base64"] = if r.percent(20) { Value::Null } else { make(r)["bytes_base64"].take() };
        }
        cases.push(case);
    }
    cases
}

fn bytes(bytes: &[u8]) -> Value {
    STANDARD.encode(bytes).into()
}

fn role(r: &mut Random) -> &'static str {
    r.pick(&["value", "value", "key", "header"])
}

fn json_config(r: &mut Random, schemas: bool) -> Value {
    let mut config = json!({"schemas.enable": schemas.to_string()});
    if r.percent(30) {
        config["decimal.format"] = (*r.pick(&["NUMERIC", "BASE64", "numeric"])).into();
    }
    if r.percent(20) {
        config["replace.null.with.default"] = (*r.pick(&["true", "false"])).into();
    }
    if r.percent(5) {
        config["schemas.cache.size"] = (*r.pick(&["0", "1", "2"])).into();
    }
    config
}

/// Payloads without schema, read; some written again by another converter's rules.
pub fn read_plain(r: &mut Random) -> Value {
    json!({
        "converter": JSON, "as": role(r), "op": "to_connect", "config": {"schemas.enable": "false"}, "bytes_base64": bytes(&json_text::plain(r)),
    })
}

/// Payloads without schema, read and written again.
pub fn plain_again(r: &mut Random) -> Value {
    json!({"converter": JSON, "as": "value", "op": "again", "config": {"schemas.enable": "false"}, "bytes_base64": bytes(&json_text::plain(r))})
}

/// Payloads without schema, read and written as text.
pub fn plain_as_text(r: &mut Random) -> Value {
    let then = if r.percent(50) {
        json!({"converter": STRING, "as": "value", "config": {}})
    } else {
        json!({"converter": SIMPLE, "as": "header", "config": {}})
    };
    json!({
        "converter": JSON, "as": "value", "op": "again", "config": {"schemas.enable": "false"}, "bytes_base64": bytes(&json_text::plain(r)), "then": then,
    })
}

/// Envelopes, read.
pub fn read_envelope(r: &mut Random) -> Value {
    let payload = if r.percent(5) { json_text::plain(r) } else { envelope::envelope(r) };
    json!({"converter": JSON, "as": role(r), "op": "to_connect", "config": json_config(r, true), "bytes_base64": bytes(&payload)})
}

/// Envelopes of one schema, read.
pub fn read_run(r: &mut Random) -> Value {
    let schema = envelope::schema(r, 2, 0);
    let payload = envelope::of(r, &schema, 0);
    json!({
        "converter": JSON, "as": "value", "op": "to_connect", "config": json_config(r, true), "of": schema, "bytes_base64": bytes(&payload),
    })
}

/// Payloads of the schema that the settings have.
pub fn read_content(r: &mut Random) -> Value {
    let mut config = json_config(r, true);
    let schema = envelope::schema(r, 2, 0);
    config["schema.content"] = schema.to_string().into();
    let payload = if r.percent(10) { json_text::plain(r) } else { envelope::payload(r, &schema, 3) };
    json!({"converter": JSON, "as": "value", "op": "to_connect", "config": config, "bytes_base64": bytes(&payload)})
}

/// Values of any schema, written as JSON.
pub fn write_json(r: &mut Random) -> Value {
    let schema = typed::schema(r, 2);
    let schemas = r.percent(60);
    json!({
        "converter": JSON, "as": role(r), "op": "from_connect", "config": json_config(r, schemas), "value": typed::value(r, &schema, 2), "schema": schema,
    })
}

/// Values of any schema, written as text.
pub fn write_text(r: &mut Random) -> Value {
    let schema = if r.percent(50) { typed::schema(r, 0) } else { typed::schema(r, 2) };
    let as_header = r.percent(50);
    let mut case = json!({
        "converter": if as_header { SIMPLE } else { STRING }, "as": if as_header { "header" } else { role(r) }, "op": "from_connect", "config": {},
        "value": typed::value(r, &schema, 0), "schema": schema,
    });
    if !as_header && r.percent(50) {
        case["config"]["converter.encoding"] = (*r.pick(CHARSETS)).into();
    }
    case
}

/// Many floats as text or JSON.
pub fn write_floats(r: &mut Random) -> Value {
    let (of, bits) = if r.percent(50) { ("FLOAT32", 32) } else { ("FLOAT64", 64) };
    let float = |r: &mut Random| {
        // Short decimals, whole numbers of any size, any bits.
        let value = match r.below(3) {
            0 => r.float(),
            1 => format!("{}e{}", r.integer(54), r.integer(9)).parse().unwrap_or_default(),
            _ => f64::from_bits(r.next()),
        };
        match bits {
            32 if r.percent(50) => json!({"t": "float32", "bits": format!("{:08x}", r.next() as u32)}),
            32 => json!({"t": "float32", "bits": format!("{:08x}", (value as f32).to_bits())}),
            _ => json!({"t": "float64", "bits": format!("{:016x}", value.to_bits())}),
        }
    };
    let floats: Vec<Value> = (0..50).map(|_| float(r)).collect();
    let (class, config) = if r.percent(50) { (STRING, json!({})) } else { (JSON, json!({"schemas.enable": "false"})) };
    json!({
        "converter": class, "as": "value", "op": "from_connect", "config": config, "value": {"t": "array", "v": floats},
        "schema": {"type": "ARRAY", "optional": false, "items": {"type": of, "optional": false}},
    })
}

/// Bytes as text in any character set.
pub fn read_text(r: &mut Random) -> Value {
    let mut text = json_text::plain(r);
    if r.percent(50) {
        text = header_text::text(r);
    }
    if r.percent(30) {
        text = json_text::encoded(r, &String::from_utf8_lossy(&text));
    }
    if r.percent(30) {
        json_text::mutated(r, &mut text);
    }
    let charset = r.pick(CHARSETS);
    json!({"converter": STRING, "as": role(r), "op": "to_connect", "config": {"converter.encoding": charset}, "bytes_base64": bytes(&text)})
}

/// Pairs of bytes, as the character sets of two bytes have them.
pub fn read_pairs(r: &mut Random) -> Value {
    let charset = r.pick(&["Shift_JIS", "EUC-KR", "windows-31j"]);
    let mut text = Vec::new();
    for _ in 0..=r.below(3) {
        text.extend([0x80 + r.below(128) as u8, r.next() as u8]);
        text.extend_from_slice(b"!!");
    }
    json!({"converter": STRING, "as": "value", "op": "to_connect", "config": {"converter.encoding": charset}, "bytes_base64": bytes(&text)})
}

/// Characters of all kinds in any character set.
pub fn write_characters(r: &mut Random) -> Value {
    let text: String = (0..40)
        .map(|_| {
            let limit = [0x100, 0x3000, 0x1_0000, 0x11_0000][r.below(4)];
            char::from_u32(r.below(limit) as u32).unwrap_or('a')
        })
        .collect();
    let charset = r.pick(CHARSETS);
    json!({
        "converter": STRING, "as": "value", "op": "from_connect", "config": {"converter.encoding": charset},
        "schema": {"type": "STRING", "optional": false}, "value": {"t": "string", "v": text},
    })
}

/// The converters of one value.
pub fn primitive(r: &mut Random) -> Value {
    let class = format!("org.apache.kafka.connect.converters.{}Converter", r.pick(PRIMITIVES));
    let as_role = role(r);
    if r.percent(50) {
        let payload: Vec<u8> =
            (0..r.below(10)).map(|_| if r.percent(30) { r.below(2) as u8 } else { r.next() as u8 }).collect();
        let payload = if r.percent(3) { Value::Null } else { bytes(&payload) };
        return json!({"converter": class, "as": as_role, "op": "to_connect", "config": {}, "bytes_base64": payload});
    }
    let depth = usize::from(r.percent(10));
    let schema = typed::schema(r, depth);
    json!({"converter": class, "as": as_role, "op": "from_connect", "config": {}, "value": typed::value(r, &schema, 0), "schema": schema})
}

/// Header texts, read.
pub fn read_header(r: &mut Random) -> Value {
    json!({"converter": SIMPLE, "as": "header", "op": "to_connect", "config": {}, "bytes_base64": bytes(&header_text::text(r))})
}

/// Header texts, read and written again.
pub fn header_again(r: &mut Random) -> Value {
    json!({"converter": SIMPLE, "as": "header", "op": "again", "config": {}, "bytes_base64": bytes(&header_text::text(r))})
}
