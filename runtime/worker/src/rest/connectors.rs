//! `/connectors` and what is below it.

use axum::body::{Body, Bytes};
use axum::extract::{Path, RawQuery, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use millstream_api::{Config, Error, ErrorKind, Result, TaskId};
use millstream_core::cluster::TargetState;
use serde_json::{Map, Value};

use super::answer::{self, Answer, Failure};
use super::deadline::Deadline;
use super::{RestContext, path};
use crate::connector_file::create_request;
use crate::herder::{PatchConnector, PutConnector, Request as Ask, RestartConnector};
use crate::json_object::Document;
use crate::model::ConnectorInfo;

/// Largest body read. Real ones are a few kilobytes; Kafka refuses records above 1 MB unless told otherwise.
const MAX_BODY: usize = 16 << 20;
/// Names the body in errors.
const BODY: &str = "the request body";

/// The whole body.
pub(super) async fn read(request: Request) -> Result<Bytes, Failure> {
    read_body(request.into_body()).await
}

async fn read_body(body: Body) -> Result<Bytes, Failure> {
    axum::body::to_bytes(body, MAX_BODY).await.map_err(|_| {
        let message = format!("{BODY} could not be read to its end or is larger than {MAX_BODY} bytes");
        answer::error(StatusCode::PAYLOAD_TOO_LARGE, &message).into()
    })
}

/// A flat map of settings as body.
pub(super) fn settings(body: &[u8]) -> Result<Config> {
    let document = Document::new(body, BODY)?;
    document.settings(document.entries()?)
}

/// Values of a query parameter in order; a parameter without `=` has the empty value.
pub(super) fn query_values<'a>(query: &'a Option<String>, name: &'a str) -> impl Iterator<Item = String> + 'a {
    url::form_urlencoded::parse(query.as_deref().unwrap_or_default().as_bytes())
        .filter(move |(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
}

/// Only `true`, in any case, is true.
fn flag(query: &Option<String>, name: &str) -> bool {
    query_values(query, name).next().is_some_and(|value| value.eq_ignore_ascii_case("true"))
}

/// `GET /connectors`, with `expand` (KIP-465) as an object.
pub(super) async fn list(State(context): State<RestContext>, RawQuery(query): RawQuery) -> Answer {
    let deadline = Deadline::start(&context);
    let names = deadline.stage("listing connectors", context.herder.ask(Ask::Connectors)).await?;
    let expand: Vec<_> = query_values(&query, "expand").collect();
    if expand.is_empty() {
        return answer::ok(&names.iter().map(|name| &**name).collect::<Vec<_>>());
    }
    let mut all = Map::new();
    for name in names {
        let mut entry = Map::new();
        let mut gone = false;
        for kind in &expand {
            let asked = async {
                let herder = &context.herder;
                Ok(Some(match kind.as_str() {
                    "status" => json_value(herder.ask(|reply| Ask::Status(name.clone(), reply)).await?)?,
                    "info" => json_value(herder.ask(|reply| Ask::Info(name.clone(), reply)).await?)?,
                    _ => return Ok(None),
                }))
            };
            match deadline.stage("describing connectors", asked).await {
                Ok(Some(value)) => drop(entry.insert(kind.clone(), value)),
                Ok(None) => {}
                // Deleted since it was listed, or without a status yet.
                Err(error) if error.kind() == ErrorKind::NotFound => gone = true,
                Err(error) => return Err(error.into()),
            }
        }
        if !gone {
            all.insert(name.to_string(), Value::Object(entry));
        }
    }
    answer::ok(&all)
}

fn json_value(shape: impl serde::Serialize) -> Result<Value> {
    serde_json::to_value(shape).map_err(|e| Error::internal("the answer cannot be written as JSON").caused_by(e))
}

/// `POST /connectors`.
pub(super) async fn create(State(context): State<RestContext>, request: Request) -> Answer {
    let deadline = Deadline::start(&context);
    let headers = request.headers().clone();
    let body = read(request).await?;
    let mut create = create_request(&body, BODY)?;
    // Kafka Connect trims the name here, and only here.
    let name = create.name.map(|name| name.trim().to_owned()).unwrap_or_default();
    match create.config.get("name") {
        Some(inner) if inner != name => return Err(name_differs(inner, &name).into()),
        Some(_) => {}
        None => create.config.set("name", name.clone()),
    }
    let put =
        PutConnector { name: name.into(), config: create.config, initial_state: create.initial_state, replace: false };
    put_connector(&context, &deadline, put, &headers).await
}

fn name_differs(inner: &str, name: &str) -> Error {
    Error::config(format!("Connector name configuration ({inner}) doesn't match connector name in the URL ({name})"))
}

/// Validates, then asks the herder.
async fn put_connector(
    context: &RestContext,
    deadline: &Deadline<'_>,
    put: PutConnector,
    headers: &HeaderMap,
) -> Answer {
    require_values(&put.config)?;
    let verdict = context.herder.validate(None, &put.config);
    let verdict = deadline.stage("validating the connector's configuration", verdict).await?;
    verdict.require_valid()?;
    let asked = context.herder.ask(|reply| Ask::Put(put, reply));
    let (created, info) = deadline.stage("writing the connector's configuration", asked).await?;
    if !created {
        return answer::ok(&info);
    }
    let mut response = answer::json(StatusCode::CREATED, &info)?;
    if let Some(location) = location(headers, &info) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

/// Null is for patches only.
fn require_values(config: &Config) -> Result<()> {
    let nulls: Vec<_> = config.iter().filter(|(_, value)| value.is_none()).map(|(key, _)| key).collect();
    if nulls.is_empty() {
        return Ok(());
    }
    Err(Error::config(format!("Null value can not be supplied as the configuration value of {}", nulls.join(", ")))
        .hint("leave the key out"))
}

/// Follows the request's Host header, as Kafka Connect does, not the advertised address.
fn location(headers: &HeaderMap, info: &ConnectorInfo) -> Option<HeaderValue> {
    let host = headers.get(header::HOST)?.to_str().ok()?;
    HeaderValue::try_from(format!("http://{host}/connectors/{}", path::encoded(&info.name))).ok()
}

/// `GET /connectors/{connector}`.
pub(super) async fn info(State(context): State<RestContext>, Path(name): Path<String>) -> Answer {
    answer::ok(&current(&context, name).await?)
}

/// `GET /connectors/{connector}/config`.
pub(super) async fn config(State(context): State<RestContext>, Path(name): Path<String>) -> Answer {
    answer::ok(&current(&context, name).await?.config)
}

async fn current(context: &RestContext, name: String) -> Result<ConnectorInfo> {
    let asked = context.herder.ask(|reply| Ask::Info(name.into(), reply));
    Deadline::start(context).stage("reading the connector's configuration", asked).await
}

/// `DELETE /connectors/{connector}`.
pub(super) async fn delete(State(context): State<RestContext>, Path(name): Path<String>) -> Answer {
    let asked = context.herder.ask(|reply| Ask::Delete(name.into(), reply));
    Deadline::start(&context).stage("deleting the connector", asked).await?;
    Ok(answer::empty(StatusCode::NO_CONTENT))
}

/// `PUT /connectors/{connector}/config`: creates or changes.
pub(super) async fn put_config(
    State(context): State<RestContext>,
    Path(name): Path<String>,
    request: Request,
) -> Answer {
    let deadline = Deadline::start(&context);
    let headers = request.headers().clone();
    let mut config = settings(&read(request).await?)?;
    match config.get("name") {
        Some(inner) if inner != name => return Err(name_differs(inner, &name).into()),
        Some(_) => {}
        None => config.set("name", name.clone()),
    }
    let put = PutConnector { name: name.into(), config, initial_state: None, replace: true };
    put_connector(&context, &deadline, put, &headers).await
}

/// `PATCH /connectors/{connector}/config` (KIP-477): a JSON merge patch; null removes a key.
pub(super) async fn patch_config(
    State(context): State<RestContext>,
    Path(name): Path<String>,
    request: Request,
) -> Answer {
    let deadline = Deadline::start(&context);
    let patch = settings(&read(request).await?)?;
    let patch = PatchConnector { name: name.into(), patch };
    let asked = context.herder.ask(|reply| Ask::Patch(patch, reply));
    answer::ok(&deadline.stage("writing the connector's configuration", asked).await?)
}

/// `GET /connectors/{connector}/status`.
pub(super) async fn status(State(context): State<RestContext>, Path(name): Path<String>) -> Answer {
    let asked = context.herder.ask(|reply| Ask::Status(name.into(), reply));
    answer::ok(&Deadline::start(&context).stage("reading the connector's status", asked).await?)
}

/// `GET /connectors/{connector}/tasks`.
pub(super) async fn tasks(State(context): State<RestContext>, Path(name): Path<String>) -> Answer {
    let asked = context.herder.ask(|reply| Ask::Tasks(name.into(), reply));
    answer::ok(&Deadline::start(&context).stage("reading the tasks' configurations", asked).await?)
}

/// A task number as a 32-bit integer; anything else is an unknown path. Negative numbers name no task.
fn task_id(connector: &str, task: &str, missing: &str) -> Result<TaskId, Failure> {
    let digits = task.strip_prefix('+').unwrap_or(task);
    match digits.parse::<i32>() {
        Err(_) => Err(answer::refused_as_json(StatusCode::NOT_FOUND).into()),
        Ok(number) => u32::try_from(number)
            .map(|number| TaskId::new(connector, number))
            .map_err(|_| Error::not_found(format!("{missing} {connector}-{number}")).into()),
    }
}

/// `GET /connectors/{connector}/tasks/{task}/status`.
pub(super) async fn task_status(
    State(context): State<RestContext>,
    Path((name, task)): Path<(String, String)>,
) -> Answer {
    let id = task_id(&name, &task, "No status found for task")?;
    let asked = context.herder.ask(|reply| Ask::TaskStatus(id, reply));
    answer::ok(&Deadline::start(&context).stage("reading the task's status", asked).await?)
}

/// `POST /connectors/{connector}/tasks/{task}/restart`.
pub(super) async fn restart_task(
    State(context): State<RestContext>,
    Path((name, task)): Path<(String, String)>,
) -> Answer {
    let id = task_id(&name, &task, "Unknown task:")?;
    let asked = context.herder.ask(|reply| Ask::RestartTask(id, reply));
    Deadline::start(&context).stage("restarting the task", asked).await?;
    Ok(answer::empty(StatusCode::NO_CONTENT))
}

async fn set_target(context: &RestContext, name: String, target: TargetState, status: StatusCode) -> Answer {
    let asked = context.herder.ask(|reply| Ask::SetTarget(name.into(), target, reply));
    Deadline::start(context).stage("writing the connector's target state", asked).await?;
    Ok(answer::empty(status))
}

/// `PUT /connectors/{connector}/pause`.
pub(super) async fn pause(State(context): State<RestContext>, Path(name): Path<String>) -> Answer {
    set_target(&context, name, TargetState::Paused, StatusCode::ACCEPTED).await
}

/// `PUT /connectors/{connector}/resume`.
pub(super) async fn resume(State(context): State<RestContext>, Path(name): Path<String>) -> Answer {
    set_target(&context, name, TargetState::Started, StatusCode::ACCEPTED).await
}

/// `PUT /connectors/{connector}/stop`.
pub(super) async fn stop(State(context): State<RestContext>, Path(name): Path<String>) -> Answer {
    set_target(&context, name, TargetState::Stopped, StatusCode::NO_CONTENT).await
}

/// `POST /connectors/{connector}/restart`: with a flag, by a plan (KIP-745); without, the Connector instance alone.
pub(super) async fn restart(
    State(context): State<RestContext>,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
) -> Answer {
    let deadline = Deadline::start(&context);
    let restart = RestartConnector {
        name: name.into(),
        include_tasks: flag(&query, "includeTasks"),
        only_failed: flag(&query, "onlyFailed"),
    };
    if !restart.include_tasks && !restart.only_failed {
        let asked = context.herder.ask(|reply| Ask::RestartConnector(restart.name, reply));
        deadline.stage("starting the connector", asked).await?;
        return Ok(answer::empty(StatusCode::NO_CONTENT));
    }
    let asked = context.herder.ask(|reply| Ask::Restart(restart, reply));
    answer::json(StatusCode::ACCEPTED, &deadline.stage("writing the restart request", asked).await?)
}

/// `GET /connectors/{connector}/topics` (KIP-558).
pub(super) async fn topics(State(context): State<RestContext>, Path(name): Path<String>) -> Answer {
    if !context.settings.topic_tracking {
        return Err(Error::forbidden("Topic tracking is disabled.").into());
    }
    let asked = context.herder.ask(|reply| Ask::Topics(name.as_str().into(), reply));
    let topics = Deadline::start(&context).stage("reading the connector's topics", asked).await?;
    let shape = Map::from_iter([(name, serde_json::json!({ "topics": topics }))]);
    answer::ok(&shape)
}

/// `PUT /connectors/{connector}/topics/reset`.
pub(super) async fn reset_topics(State(context): State<RestContext>, Path(name): Path<String>) -> Answer {
    if !context.settings.topic_tracking {
        return Err(Error::forbidden("Topic tracking is disabled.").into());
    }
    if !context.settings.topic_tracking_reset {
        return Err(Error::forbidden("Topic tracking reset is disabled.").into());
    }
    let asked = context.herder.ask(|reply| Ask::ResetTopics(name.into(), reply));
    Deadline::start(&context).stage("resetting the connector's topics", asked).await?;
    Ok(answer::empty(StatusCode::ACCEPTED))
}
