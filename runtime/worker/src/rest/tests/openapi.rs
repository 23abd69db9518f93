//! The API's description against the routes there are.

use std::collections::BTreeSet;

use utoipa::openapi::path::PathItem;

use super::client::send;
use super::usual;
use crate::rest::{openapi, router};

fn methods(item: &PathItem) -> Vec<&'static str> {
    let all = [
        ("GET", &item.get),
        ("PUT", &item.put),
        ("POST", &item.post),
        ("DELETE", &item.delete),
        ("PATCH", &item.patch),
    ];
    all.into_iter().filter(|(_, operation)| operation.is_some()).map(|(name, _)| name).collect()
}

#[test]
fn it_has_every_route_and_no_other() {
    let table = router::main().into_iter().chain(router::admin());
    let routes: BTreeSet<_> = table
        .flat_map(|route| route.allow.split(',').map(move |method| (route.path.to_owned(), method.to_owned())))
        .filter(|(_, method)| !matches!(method.as_str(), "HEAD" | "OPTIONS"))
        .chain([("/metrics".to_owned(), "GET".to_owned())])
        .collect();
    let document = openapi::document();
    let described: BTreeSet<_> = document
        .paths
        .paths
        .iter()
        .flat_map(|(path, item)| methods(item).into_iter().map(move |method| (path.clone(), method.to_owned())))
        .collect();
    assert_eq!(described, routes);
}

#[tokio::test]
async fn the_server_takes_the_methods_it_names_and_no_others() {
    let server = usual().await;
    let document = send(server.address, "GET", "/openapi.json", &[], None).await;
    assert_eq!((document.status, document.header("Content-Type")), (200, Some("application/json")));
    for (path, item) in document.json()["paths"].as_object().unwrap() {
        let filled = path.replace("{task}", "0").replace(['{', '}'], "");
        for method in ["GET", "PUT", "POST", "DELETE", "PATCH"] {
            let reply = send(server.address, method, &filled, &[], None).await;
            let is_described = item.get(method.to_ascii_lowercase()).is_some();
            assert_eq!(reply.status != 405, is_described, "{method} {path}: {}", reply.status);
            let unknown = String::from_utf8_lossy(&reply.body).contains("HTTP 404 Not Found");
            assert!(!unknown, "{method} {path} is not known");
        }
    }
}

#[test]
fn every_reference_leads_somewhere_and_every_operation_has_a_name() {
    let document = serde_json::to_value(openapi::document()).unwrap();
    let text = document.to_string();
    let schemas = document["components"]["schemas"].as_object().unwrap();
    for reference in text.split("\"#/components/schemas/").skip(1) {
        let name = reference.split('"').next().unwrap();
        assert!(schemas.contains_key(name), "{name} is not described");
    }
    let names: Vec<_> = text.split("\"operationId\":\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "{names:?}");
    // The shapes are those that answer.
    let state = document.pointer("/components/schemas/ConnectorStateInfo/properties").unwrap();
    assert!(["name", "connector", "tasks", "type"].iter().all(|field| state.get(field).is_some()), "{state}");
}
