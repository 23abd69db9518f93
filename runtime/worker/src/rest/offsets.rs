//! `/connectors/{connector}/offsets` (KIP-875).

use axum::extract::{Path, Request, State};
use millstream_api::{Error, OffsetMap, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::RestContext;
use super::answer::{self, Answer};
use super::connectors::read;
use super::deadline::Deadline;
use crate::herder::{AlterOffsets, Request as Ask};
use crate::model::{ConnectorOffset, ConnectorOffsets};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    #[serde(default)]
    offsets: Option<Vec<Entry>>,
}

/// What is missing counts as null.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    #[serde(default)]
    partition: Option<Map<String, Value>>,
    #[serde(default)]
    offset: Option<OffsetMap>,
}

/// What was done.
#[derive(Serialize, ToSchema)]
struct Message {
    message: String,
}

/// The offsets of a body; none at all is an error.
pub(super) fn wanted(body: &[u8]) -> Result<Vec<ConnectorOffset>> {
    // The parser's own words may repeat values.
    let body: Option<Body> = serde_json::from_slice(body).map_err(|error| {
        let reason = if error.is_data() { "is not a list of partitions and offsets" } else { "is not JSON" };
        Error::config(format!("the request body {reason}"))
            .at(format!("line {} column {}", error.line(), error.column()))
            .hint(r#"as in {"offsets":[{"partition":{..},"offset":{..}}]}, with null in place of an offset to reset"#)
    })?;
    let entries = body.and_then(|body| body.offsets).unwrap_or_default();
    if entries.is_empty() {
        return Err(Error::config("Partitions / offsets need to be provided for an alter offsets request"));
    }
    Ok(entries.into_iter().map(|Entry { partition, offset }| ConnectorOffset { partition, offset }).collect())
}

/// `GET /connectors/{connector}/offsets`.
#[utoipa::path(
    get,
    path = "/connectors/{connector}/offsets",
    tag = "offsets",
    operation_id = "offsets",
    params(("connector" = String, Path, description = "Name, percent-encoded")),
    responses((status = 200, body = ConnectorOffsets))
)]
pub(super) async fn list(State(context): State<RestContext>, Path(name): Path<String>) -> Answer {
    let asked = context.herder.ask(|reply| Ask::Offsets(name.into(), reply));
    answer::ok(&Deadline::start(&context).stage("listing the connector's offsets", asked).await?)
}

/// `PATCH /connectors/{connector}/offsets`: partitions that are not named keep their offsets.
#[utoipa::path(
    patch,
    path = "/connectors/{connector}/offsets",
    tag = "offsets",
    params(("connector" = String, Path, description = "Name, percent-encoded")),
    request_body = ConnectorOffsets,
    responses((status = 200, body = Message))
)]
pub(super) async fn alter(State(context): State<RestContext>, Path(name): Path<String>, request: Request) -> Answer {
    let deadline = Deadline::start(&context);
    let offsets = wanted(&read(request).await?)?;
    let asked = context.herder.ask(|reply| Ask::AlterOffsets(AlterOffsets { name: name.into(), offsets }, reply));
    message(deadline.stage("altering the connector's offsets", asked).await?)
}

/// `DELETE /connectors/{connector}/offsets`.
#[utoipa::path(
    delete,
    path = "/connectors/{connector}/offsets",
    tag = "offsets",
    operation_id = "reset_offsets",
    params(("connector" = String, Path, description = "Name, percent-encoded")),
    responses((status = 200, body = Message))
)]
pub(super) async fn reset(State(context): State<RestContext>, Path(name): Path<String>) -> Answer {
    let asked = context.herder.ask(|reply| Ask::ResetOffsets(name.into(), reply));
    message(Deadline::start(&context).stage("resetting the connector's offsets", asked).await?)
}

fn message(message: String) -> Answer {
    answer::ok(&Message { message })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies() {
        let partitions = |body: &str| wanted(body.as_bytes()).map(|offsets| offsets.len());
        assert_eq!(partitions(r#"{"offsets":[{}]}"#).unwrap(), 1);
        assert_eq!(partitions(r#"{"offsets":[{"partition":{"a":1}},{"partition":null,"offset":null}]}"#).unwrap(), 2);
        for body in [
            "",
            "null",
            "{}",
            r#"{"offsets":null}"#,
            r#"{"offsets":[]}"#,
            r#"{"offsets":{}}"#,
            r#"{"offsets":[null]}"#,
            r#"{"offsets":["s3cret"]}"#,
            r#"{"offset":[]}"#,
            r#"{"offsets":[{"partition":{},"extra":1}]}"#,
            r#"{"offsets":[{"partition":"s3cret"}]}"#,
        ] {
            let error = partitions(body).unwrap_err();
            assert_eq!(error.kind(), millstream_api::ErrorKind::Config, "{body}");
            assert!(!error.to_string().contains("s3cret"), "{error}");
        }
    }
}
