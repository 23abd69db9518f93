//! What workers of a group ask of each other: `POST /connectors/{connector}/tasks` and `PUT /connectors/{connector}/fence`.

use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use millstream_api::{Config, Result};

use super::RestContext;
use super::answer::{self, Answer, ErrorMessage, Failure};
use super::connectors::{BODY, read};
use super::deadline::Deadline;
use super::signature::{self, Signature};
use crate::herder::{PutTaskConfigs, Request as Ask};
use crate::json_object::Document;

/// The body of a request, once its signature is known to be good: nothing unsigned is looked into.
async fn signed(
    context: &RestContext,
    deadline: &Deadline<'_>,
    request: Request,
) -> Result<axum::body::Bytes, Failure> {
    let signature = Signature::of(request.headers())?;
    let body = read(request).await?;
    if let Some(algorithms) = &context.settings.signature_algorithms {
        let session = deadline.stage("reading the session key", context.herder.ask(Ask::SessionKey)).await?;
        signature::check(signature, &body, session.as_ref(), algorithms)?;
    }
    Ok(body)
}

/// One raw configuration per task.
pub(super) fn task_configs(body: &[u8]) -> Result<Vec<Config>> {
    let document = Document::new(body, BODY)?;
    document.items()?.into_iter().map(|item| document.settings(document.object(item, None)?)).collect()
}

/// `POST /connectors/{connector}/tasks`: a worker made the tasks of a connector it owns.
#[utoipa::path(
    post,
    path = "/connectors/{connector}/tasks",
    tag = "between workers",
    params(("connector" = String, Path, description = "Name, percent-encoded")),
    request_body = Vec<HashMap<String, String>>,
    responses((status = 204), (status = 403, body = ErrorMessage, description = "The signature is wrong"), (status = 503, body = ErrorMessage, description = "There is no session key yet"))
)]
pub(super) async fn put_tasks(
    State(context): State<RestContext>,
    Path(name): Path<String>,
    request: Request,
) -> Answer {
    let deadline = Deadline::start(&context);
    let configs = task_configs(&signed(&context, &deadline, request).await?)?;
    let tasks = PutTaskConfigs { connector: name.into(), configs };
    let asked = context.herder.ask(|reply| Ask::PutTaskConfigs(tasks, reply));
    deadline.stage("writing the tasks' configurations", asked).await?;
    Ok(no_content())
}

/// `PUT /connectors/{connector}/fence`: a worker is about to start tasks of an exactly-once source.
#[utoipa::path(
    put,
    path = "/connectors/{connector}/fence",
    tag = "between workers",
    params(("connector" = String, Path, description = "Name, percent-encoded")),
    responses((status = 204), (status = 403, body = ErrorMessage, description = "The signature is wrong"), (status = 503, body = ErrorMessage, description = "There is no session key yet"))
)]
pub(super) async fn fence(State(context): State<RestContext>, Path(name): Path<String>, request: Request) -> Answer {
    let deadline = Deadline::start(&context);
    signed(&context, &deadline, request).await?;
    let asked = context.herder.ask(|reply| Ask::Fence(name.into(), reply));
    deadline.stage("fencing tasks of the connector", asked).await?;
    Ok(no_content())
}

fn no_content() -> Response {
    answer::empty(StatusCode::NO_CONTENT)
}
