//! Bodies of any bytes, and good bodies with some bytes changed: each is answered, and what is no JSON is the client's fault.

use std::sync::OnceLock;

use proptest::prelude::*;
use tokio::runtime::Runtime;

use super::client::send;
use super::{JSON, Server, usual};

/// Every route that reads a body.
const ROUTES: [(&str, &str); 8] = [
    ("POST", "/connectors"),
    ("PUT", "/connectors/a/config"),
    ("PATCH", "/connectors/a/config"),
    ("PATCH", "/connectors/a/offsets"),
    ("POST", "/connectors/a/tasks"),
    ("PUT", "/connectors/a/fence"),
    ("PUT", "/connector-plugins/FileStreamSource/config/validate"),
    ("PUT", "/admin/loggers/any"),
];

const GOOD: [&str; 6] = [
    r#"{"name":"a","config":{"connector.class":"FileStreamSource","topic":"t","file":null},"initial_state":"PAUSED"}"#,
    r#"{"connector.class":"FileStreamSource","tasks.max":1,"topic":"t","transforms":"x","transforms.x.type":"é\ud83d\ude00"}"#,
    r#"{"offsets":[{"partition":{"filename":"f","n":1.5},"offset":{"position":12345678901234567890}}]}"#,
    r#"{"offsets":[{"partition":{"kafka_topic":"t","kafka_partition":0},"offset":null}]}"#,
    r#"[{"a":"1"},{}]"#,
    r#"{"level":"DEBUG"}"#,
];

fn bodies() -> impl Strategy<Value = Vec<u8>> {
    let pieces =
        vec!["{", "}", "[", "]", "\"", "\\u", "\\ud800", "null", "1e999", ":", ",", "{\"a\":", "[[[[", "\u{0}"];
    let piece = prop_oneof![
        prop::sample::select(pieces).prop_map(|text| text.as_bytes().to_vec()),
        prop::collection::vec(any::<u8>(), 0..3),
    ];
    let changed = (prop::sample::select(&GOOD[..]), any::<prop::sample::Index>(), 0..8usize, piece).prop_map(
        |(good, at, len, piece)| {
            let mut bytes = good.as_bytes().to_vec();
            let at = at.index(bytes.len() + 1);
            let end = bytes.len().min(at + len);
            bytes.splice(at..end, piece);
            bytes
        },
    );
    prop_oneof![3 => changed, 1 => prop::collection::vec(any::<u8>(), 0..60)]
}

fn served() -> &'static (Runtime, Server) {
    static SERVED: OnceLock<(Runtime, Server)> = OnceLock::new();
    SERVED.get_or_init(|| {
        let runtime = Runtime::new().unwrap();
        let server = runtime.block_on(usual());
        (runtime, server)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_body_is_answered(route in prop::sample::select(&ROUTES[..]), body in bodies()) {
        let (runtime, server) = served();
        let (method, path) = route;
        let reply = runtime.block_on(send(server.address, method, path, &[JSON], Some(&body)));
        // A handler that panics answers nothing at all.
        let fault = serde_json::from_slice::<serde_json::Value>(&body).is_err();
        let shown = String::from_utf8_lossy(&body);
        prop_assert!(!fault || (400..500).contains(&reply.status), "{} {} with {:?}: {}", method, path, shown, reply.status);
    }
}

#[test]
fn deep_nesting_is_no_danger() {
    let (runtime, server) = served();
    for (method, path) in ROUTES {
        let body = "[{\"a\":".repeat(100_000);
        let reply = runtime.block_on(send(server.address, method, path, &[JSON], Some(body.as_bytes())));
        assert!((400..500).contains(&reply.status), "{method} {path}: {}", reply.status);
    }
}
