//! What stands around the routes: signatures, passwords, headers, listeners.

use millstream_api::Secret;
use millstream_core::cluster::SessionKey;

use super::client::{Reply, send};
use super::herder::FakeHerder;
use super::{FREE, JSON, Server, Users, create, served, settings, usual};
use crate::rest::{ALGORITHM, AUTHORIZATION, RestServer, RestSettings, sign};

fn key() -> SessionKey {
    SessionKey { key: Secret::new("c2Vzc2lvbg=="), algorithm: "HmacSHA256".to_owned(), creation_timestamp: 0 }
}

async fn start(entries: &[(&str, &str)]) -> Server {
    served(&settings(&[&[FREE], entries].concat()), RestSettings::default(), Some(FakeHerder::default())).await
}

async fn post_tasks(server: &Server, signed: &[u8], body: &[u8], algorithm: &str) -> Reply {
    let signature = sign(signed, &key(), algorithm).unwrap();
    let headers = [JSON, (AUTHORIZATION, signature.as_str()), (ALGORITHM, algorithm)];
    send(server.address, "POST", "/connectors/a/tasks", &headers, Some(body)).await
}

fn message(reply: &Reply) -> String {
    reply.json()["message"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn workers_that_sign_are_heard() {
    let server = usual().await;
    create(&server, "a").await;
    let body = br#"[{"task.class":"x","n":1},{"task.class":"x"}]"#;
    assert_eq!(post_tasks(&server, body, body, "HmacSHA256").await.status, 204);
    let tasks = send(server.address, "GET", "/connectors/a/tasks", &[], None).await.json();
    assert_eq!(tasks.as_array().unwrap().len(), 2);

    let reply = post_tasks(&server, body, br#"[{}]"#, "HmacSHA256").await;
    assert_eq!((reply.status, message(&reply).as_str()), (403, "Internal request contained invalid signature."));
    let reply = post_tasks(&server, body, body, "HmacSHA512").await;
    assert_eq!(reply.status, 400);
    assert!(message(&reply).contains("configured to use: [HmacSHA256]"), "{}", message(&reply));
    // Signed, but no list of settings.
    let wrong = br#"{"a":"s3cret"}"#;
    let reply = post_tasks(&server, wrong, wrong, "HmacSHA256").await;
    assert!(reply.status == 400 && !message(&reply).contains("s3cret"), "{}", message(&reply));
    let signature = sign(b"", &key(), "HmacSHA256").unwrap();
    let headers = [(AUTHORIZATION, signature.as_str()), (ALGORITHM, "HmacSHA256")];
    // What the herder says of it is another matter.
    assert_ne!(send(server.address, "PUT", "/connectors/a/fence", &headers, None).await.status, 403);
}

#[tokio::test]
async fn nobody_can_sign_before_there_is_a_key() {
    let server = start(&[]).await;
    let reply = post_tasks(&server, b"[]", b"[]", "HmacSHA256").await;
    assert_eq!(reply.status, 503, "{}", message(&reply));
    let reply = send(server.address, "POST", "/connectors/a/tasks", &[JSON], Some(b"[]")).await;
    assert_eq!((reply.status, message(&reply).as_str()), (400, "Internal request missing required signature"));
}

#[tokio::test]
async fn a_preflight_is_told_what_may_be_done() {
    let server =
        start(&[("access.control.allow.origin", "http://example.com"), ("access.control.allow.methods", "GET,DELETE")])
            .await;
    let ask = |origin: &'static str| {
        let headers = [("Origin", origin), ("Access-Control-Request-Method", "DELETE")];
        async move { send(server.address, "OPTIONS", "/connectors", &headers, None).await }
    };
    let allowed = ask("http://example.com").await;
    assert_eq!(allowed.header("Access-Control-Allow-Methods"), Some("GET,DELETE"));
    assert_eq!(allowed.header("Access-Control-Allow-Headers"), Some("Content-Type"));
    assert_eq!(allowed.header("Access-Control-Max-Age"), Some("60"));
    assert_eq!(ask("http://other.com").await.header("Access-Control-Allow-Methods"), None);
    // A path that is refused before it is looked at says nothing of origins, as in Java.
    let refused = send(server.address, "GET", "/connectors//", &[("Origin", "http://example.com")], None).await;
    assert_eq!((refused.status, refused.header("Vary")), (400, None));
}

#[tokio::test]
async fn headers_of_every_answer() {
    let config = "set X-A: a,\"add X-B: b, c\",setDate X-D: 86400000,set Content-Type: text/x,set Vary: Y,add Vary: Z";
    let server =
        start(&[("response.http.headers.config", config), ("access.control.allow.origin", "http://example.com")]).await;
    for (path, status) in [("/", 200), ("/nope", 404), ("/connectors/ghost", 404)] {
        let reply = send(server.address, "GET", path, &[], None).await;
        assert_eq!((reply.status, reply.header("X-A"), reply.header("X-B")), (status, Some("a"), Some("b, c")));
        assert!(reply.header("X-D").unwrap().ends_with(" GMT"));
        // In place of that of origins; then one more.
        assert_eq!(reply.all("Vary"), ["Y", "Z"]);
        let own = if path == "/nope" { "text/x" } else { "application/json" };
        assert_eq!(reply.header("Content-Type"), Some(own), "{path}");
    }
}

#[tokio::test]
async fn passwords_are_for_the_api_and_not_for_admin_listeners() {
    let users = Users::new("fred=letmein\n");
    let config = users.settings(&[FREE, ("admin.listeners", "http://127.0.0.1:0")]);
    let server = served(&config, RestSettings::default(), Some(FakeHerder::default())).await;
    let fred = [("Authorization", "Basic ZnJlZDpsZXRtZWlu")];
    for path in ["/connectors", "/health", "/metrics", "/openapi.json"] {
        assert_eq!(send(server.address, "GET", path, &[], None).await.status, 401, "{path}");
        assert_eq!(send(server.address, "GET", path, &fred, None).await.status, 200, "{path}");
    }
    assert_eq!(send(server.addresses[1], "GET", "/admin/loggers/root", &[], None).await.status, 200);
    assert_eq!(send(server.addresses[1], "GET", "/metrics", &[], None).await.status, 200);
}

#[tokio::test]
async fn an_empty_file_lets_everyone_in() {
    let users = Users::new("");
    let server = served(&users.settings(&[FREE]), RestSettings::default(), Some(FakeHerder::default())).await;
    assert_eq!(send(server.address, "GET", "/connectors", &[], None).await.status, 200);
}

#[tokio::test]
async fn who_may_call_must_be_said() {
    let class = ("rest.extension.classes", "BasicAuthSecurityRestExtension");
    let missing = ("java.security.auth.login.config", "/no/such.conf");
    let refused = |entries: Vec<(&'static str, &'static str)>| async move {
        RestServer::bind(&settings(&entries)).await.err().unwrap().to_string()
    };
    assert!(refused(vec![FREE, class, missing]).await.contains("/no/such.conf"));
    let users = Users::new("x=y");
    std::fs::remove_file(users.0.path().join("users.properties")).unwrap();
    let error = RestServer::bind(&users.settings(&[FREE])).await.err().unwrap().to_string();
    assert!(error.contains("users.properties"), "{error}");
}

#[tokio::test]
async fn several_listeners_serve_the_same() {
    let server = start(&[("listeners", "http://127.0.0.1:0,http://localhost:0")]).await;
    create(&server, "a").await;
    for address in &server.addresses {
        assert_eq!(send(*address, "GET", "/connectors", &[], None).await.json(), serde_json::json!(["a"]));
    }
    assert_eq!(server.addresses.len(), 2);
}

#[tokio::test]
async fn levels_of_loggers_in_their_own_words() {
    let server = usual().await;
    let put = |body: &'static str| async move {
        send(server.address, "PUT", "/admin/loggers/x.y", &[JSON], Some(body.as_bytes())).await
    };
    for (body, status, text) in [
        (r#"{"level":"nope"}"#, 404, "invalid log level 'nope'."),
        (r#"{"level":5}"#, 404, "invalid log level '5'."),
        ("{}", 400, "Desired 'level' parameter was not specified in request."),
        (r#"{"level":""}"#, 400, "Illegal null or empty Level name."),
    ] {
        let reply = put(body).await;
        assert_eq!((reply.status, message(&reply).as_str()), (status, text), "{body}");
    }
    let reply = send(server.address, "GET", "/admin/loggers/x.y", &[], None).await;
    assert_eq!(message(&reply), "Logger x.y not found.");
    assert_eq!(put(r#"{"level":" debug "}"#).await.json(), serde_json::json!(["x.y"]));
}
