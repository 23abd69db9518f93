//! `/connectors` and what is below it.

use axum::Extension;
use axum::body::{Body, Bytes};
use axum::extract::{Path, RawQuery, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use millstream_api::{Config, Error, ErrorKind, Result, TaskId};
use millstream_core::cluster::TargetState;
use millstream_core::settings::Protocol;
use serde_json::{Map, Value};

use super::RestContext;
use super::answer::{self, Answer, ErrorMessage, Failure};
use super::deadline::Deadline;
use super::layers::path;
use super::openapi::CreateConnector;
use crate::connector_file::create_request;
use crate::herder::{PatchConnector, PutConnector, Request as Ask, RestartConnector};
use crate::json_object::Document;
use crate::model::{ActiveTopics, ConnectorInfo, ConnectorStateInfo, TaskInfo, TaskState};

/// Largest body read. Real ones are a few kilobytes; Kafka refuses records above 1 MB unless told otherwise.
const MAX_BODY: usize = 16 << 20;
/// Names the body in errors.
pub(super) const BODY: &str = "the request body";

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
#[utoipa::path(
    get,
    path = "/connectors",
    tag = "connectors",
    operation_id = "connectors",
    params(("expand" = Option<Vec<String>>, Query, description = "`status`, `info`: an object by name in place of the list; may be repeated")),
    responses((status = 200, body = Vec<String>, description = "Names; with `expand` an object of objects"))
)]
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
#[utoipa::path(
    post,
    path = "/connectors",
    tag = "connectors",
    operation_id = "create_connector",
    request_body = CreateConnector,
    responses((status = 201, body = ConnectorInfo, headers(("Location" = String))), (status = 409, body = ErrorMessage, description = "There is a connector of that name, or the group is about to change"))
)]
pub(super) async fn create(
    State(context): State<RestContext>,
    Extension(protocol): Extension<Protocol>,
    request: Request,
) -> Answer {
    let deadline = Deadline::start(&context);
    let base = base(protocol, request.headers());
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
    put_connector(&context, &deadline, put, base).await
}

fn name_differs(inner: &str, name: &str) -> Error {
    Error::config(format!("Connector name configuration ({inner}) doesn't match connector name in the URL ({name})"))
}

/// Validates, then asks the herder.
async fn put_connector(
    context: &RestContext,
    deadline: &Deadline<'_>,
    put: PutConnector,
    base: Option<String>,
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
    let location = base.map(|base| HeaderValue::try_from(format!("{base}/connectors/{}", path::encoded(&info.name))));
    if let Some(Ok(location)) = location {
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

/// Where the client thinks it is: by the Host header, as in Kafka Connect, not by the advertised address. A port that goes
/// without saying is left out, as Jersey does.
fn base(protocol: Protocol, headers: &HeaderMap) -> Option<String> {
    let host = headers.get(header::HOST)?.to_str().ok()?;
    let unsaid = match protocol {
        Protocol::Http => ":80",
        Protocol::Https => ":443",
    };
    Some(format!("{}://{}", protocol.scheme(), host.strip_suffix(unsaid).unwrap_or(host)))
}

/// `GET /connectors/{connector}`.
#[utoipa::path(
    get,
    path = "/connectors/{connector}",
    tag = "connectors",
    operation_id = "connector",
    params(("connector" = String, Path, description = "Name, percent-encoded")),
    responses((status = 200, body = ConnectorInfo))
)]
pub(super) async fn info(State(context): State<RestContext>, Path(name): Path<String>) -> Answer {
    answer::ok(&current(&context, name).await?)
}

/// `GET /connectors/{connector}/config`.
#[utoipa::path(
    get,
    path = "/connectors/{connector}/config",
    tag = "connectors",
    operation_id = "connector_config",
    params(("connector" = String, Path, description = "Name, percent-encoded")),
    responses((status = 200, body = HashMap<String, String>))
)]
pub(super) async fn config(State(context): State<RestContext>, Path(name): Path<String>) -> Answer {
    answer::ok(&current(&context, name).await?.config)
}

async fn current(context: &RestContext, name: String) -> Result<ConnectorInfo> {
    let asked = context.herder.ask(|reply| Ask::Info(name.into(), reply));
    Deadline::start(context).stage("reading the connector's configuration", asked).await
}

/// `DELETE /connectors/{connector}`.
#[utoipa::path(
    delete,
    path = "/connectors/{connector}",
    tag = "connectors",
    operation_id = "delete_connector",
    params(("connector" = String, Path, description = "Name, percent-encoded")),
    responses((status = 204))
)]
pub(super) async fn delete(State(context): State<RestContext>, Path(name): Path<String>) -> Answer {
    let asked = context.herder.ask(|reply| Ask::Delete(name.into(), reply));
    Deadline::start(&context).stage("deleting the connector", asked).await?;
    Ok(answer::empty(StatusCode::NO_CONTENT))
}

/// `PUT /connectors/{connector}/config`: creates or changes.
#[utoipa::path(
    put,
    path = "/connectors/{connector}/config",
    tag = "connectors",
    params(("connector" = String, Path, description = "Name, percent-encoded")),
    request_body = HashMap<String, String>,
    responses((status = 200, body = ConnectorInfo), (status = 201, body = ConnectorInfo, headers(("Location" = String))))
)]
pub(super) async fn put_config(
    State(context): State<RestContext>,
    Extension(protocol): Extension<Protocol>,
    Path(name): Path<String>,
    request: Request,
) -> Answer {
    let deadline = Deadline::start(&context);
    let base = base(protocol, request.headers());
    let mut config = settings(&read(request).await?)?;
    match config.get("name") {
        Some(inner) if inner != name => return Err(name_differs(inner, &name).into()),
        Some(_) => {}
        None => config.set("name", name.clone()),
    }
    let put = PutConnector { name: name.into(), config, initial_state: None, replace: true };
    put_connector(&context, &deadline, put, base).await
}

/// `PATCH /connectors/{connector}/config` (KIP-477): a JSON merge patch; null removes a key.
#[utoipa::path(
    patch,
    path = "/connectors/{connector}/config",
    tag = "connectors",
    params(("connector" = String, Path, description = "Name, percent-encoded")),
    request_body = HashMap<String, Option<String>>,
    responses((status = 200, body = ConnectorInfo))
)]
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
#[utoipa::path(
    get,
    path = "/connectors/{connector}/status",
    tag = "connectors",
    operation_id = "connector_status",
    params(("connector" = String, Path, description = "Name, percent-encoded")),
    responses((status = 200, body = ConnectorStateInfo))
)]
pub(super) async fn status(State(context): State<RestContext>, Path(name): Path<String>) -> Answer {
    let asked = context.herder.ask(|reply| Ask::Status(name.into(), reply));
    answer::ok(&Deadline::start(&context).stage("reading the connector's status", asked).await?)
}

/// `GET /connectors/{connector}/tasks`.
#[utoipa::path(
    get,
    path = "/connectors/{connector}/tasks",
    tag = "tasks",
    operation_id = "tasks",
    params(("connector" = String, Path, description = "Name, percent-encoded")),
    responses((status = 200, body = Vec<TaskInfo>))
)]
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
#[utoipa::path(
    get,
    path = "/connectors/{connector}/tasks/{task}/status",
    tag = "tasks",
    params(("connector" = String, Path, description = "Name, percent-encoded"), ("task" = i32, Path)),
    responses((status = 200, body = TaskState))
)]
pub(super) async fn task_status(
    State(context): State<RestContext>,
    Path((name, task)): Path<(String, String)>,
) -> Answer {
    let id = task_id(&name, &task, "No status found for task")?;
    let asked = context.herder.ask(|reply| Ask::TaskStatus(id, reply));
    answer::ok(&Deadline::start(&context).stage("reading the task's status", asked).await?)
}

/// `POST /connectors/{connector}/tasks/{task}/restart`.
#[utoipa::path(
    post,
    path = "/connectors/{connector}/tasks/{task}/restart",
    tag = "tasks",
    params(("connector" = String, Path, description = "Name, percent-encoded"), ("task" = i32, Path)),
    responses((status = 204))
)]
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
#[utoipa::path(
    put,
    path = "/connectors/{connector}/pause",
    tag = "connectors",
    params(("connector" = String, Path, description = "Name, percent-encoded")),
    responses((status = 202))
)]
pub(super) async fn pause(State(context): State<RestContext>, Path(name): Path<String>) -> Answer {
    set_target(&context, name, TargetState::Paused, StatusCode::ACCEPTED).await
}

/// `PUT /connectors/{connector}/resume`.
#[utoipa::path(
    put,
    path = "/connectors/{connector}/resume",
    tag = "connectors",
    params(("connector" = String, Path, description = "Name, percent-encoded")),
    responses((status = 202))
)]
pub(super) async fn resume(State(context): State<RestContext>, Path(name): Path<String>) -> Answer {
    set_target(&context, name, TargetState::Started, StatusCode::ACCEPTED).await
}

/// `PUT /connectors/{connector}/stop`.
#[utoipa::path(
    put,
    path = "/connectors/{connector}/stop",
    tag = "connectors",
    params(("connector" = String, Path, description = "Name, percent-encoded")),
    responses((status = 204))
)]
pub(super) async fn stop(State(context): State<RestContext>, Path(name): Path<String>) -> Answer {
    set_target(&context, name, TargetState::Stopped, StatusCode::NO_CONTENT).await
}

/// `POST /connectors/{connector}/restart`: with a flag, by a plan (KIP-745); without, the Connector instance alone.
#[utoipa::path(
    post,
    path = "/connectors/{connector}/restart",
    tag = "connectors",
    params(("connector" = String, Path, description = "Name, percent-encoded"), ("includeTasks" = Option<bool>, Query), ("onlyFailed" = Option<bool>, Query)),
    responses((status = 202, body = ConnectorStateInfo, description = "With one of the flags: the plan"), (status = 204, description = "Without: the Connector instance has been started again"))
)]
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
#[utoipa::path(
    get,
    path = "/connectors/{connector}/topics",
    tag = "connectors",
    params(("connector" = String, Path, description = "Name, percent-encoded")),
    responses((status = 200, body = HashMap<String, ActiveTopics>), (status = 403, body = ErrorMessage, description = "Topic tracking is off"))
)]
pub(super) async fn topics(State(context): State<RestContext>, Path(name): Path<String>) -> Answer {
    if !context.settings.topic_tracking {
        return Err(Error::forbidden("Topic tracking is disabled.").into());
    }
    let asked = context.herder.ask(|reply| Ask::Topics(name.as_str().into(), reply));
    let topics = Deadline::start(&context).stage("reading the connector's topics", asked).await?;
    let shape = Map::from_iter([(name, serde_json::json!(ActiveTopics { topics }))]);
    answer::ok(&shape)
}

/// `PUT /connectors/{connector}/topics/reset`.
#[utoipa::path(
    put,
    path = "/connectors/{connector}/topics/reset",
    tag = "connectors",
    params(("connector" = String, Path, description = "Name, percent-encoded")),
    responses((status = 202), (status = 403, body = ErrorMessage, description = "Topic tracking or its reset is off"))
)]
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_base_is_what_the_client_called() {
        let base =
            |protocol, host| base(protocol, &[(header::HOST, HeaderValue::from_static(host))].into_iter().collect());
        assert_eq!(base(Protocol::Http, "a:8083").as_deref(), Some("http://a:8083"));
        assert_eq!(base(Protocol::Http, "a:80").as_deref(), Some("http://a"));
        assert_eq!(base(Protocol::Https, "a:80").as_deref(), Some("https://a:80"));
        assert_eq!(base(Protocol::Https, "[::1]:443").as_deref(), Some("https://[::1]"));
    }
}
