//! `GET /openapi.json`: the API's description, made of the very handlers and types that answer.

use std::collections::HashMap;
use std::sync::LazyLock;

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{ContentBuilder, Ref, ResponseBuilder};
use utoipa::{Modify, OpenApi, ToSchema};

use super::{answer, connectors, internal, loggers, metrics, offsets, plugins, root};

/// Body of `POST /connectors`.
#[derive(ToSchema)]
#[allow(dead_code, reason = "bodies are read by hand, so that an error names line, column and key")]
pub(super) struct CreateConnector {
    /// Name; taken from `config` when it is missing.
    name: Option<String>,
    /// Settings. Numbers and booleans count as their text.
    config: HashMap<String, String>,
    /// `RUNNING`, `PAUSED` or `STOPPED`, in any case; `RUNNING` when it is missing.
    initial_state: Option<String>,
}

/// Body of `PUT /admin/loggers/{logger}`.
#[derive(ToSchema)]
#[allow(dead_code, reason = "read as any map of settings")]
pub(super) struct WantedLevel {
    /// `OFF`, `FATAL`, `ERROR`, `WARN`, `INFO`, `DEBUG`, `TRACE` or `ALL`, in any case.
    level: String,
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Kafka Connect REST API",
        description = "The REST API of Kafka Connect 4.3.1 as Millstream serves it. A path ends with or without a slash; every \
                       GET answers HEAD too; OPTIONS lists the methods of a path."
    ),
    paths(
        root::root,
        root::health,
        connectors::list,
        connectors::create,
        connectors::info,
        connectors::delete,
        connectors::config,
        connectors::put_config,
        connectors::patch_config,
        connectors::status,
        connectors::tasks,
        connectors::task_status,
        connectors::restart_task,
        connectors::pause,
        connectors::resume,
        connectors::stop,
        connectors::restart,
        connectors::topics,
        connectors::reset_topics,
        offsets::list,
        offsets::alter,
        offsets::reset,
        plugins::list,
        plugins::config,
        plugins::validate,
        loggers::list,
        loggers::get,
        loggers::set,
        internal::put_tasks,
        internal::fence,
        metrics::metrics,
        get,
    ),
    components(schemas(answer::ErrorMessage)),
    modifiers(&Errors)
)]
struct Api;

/// Every operation may fail, always in one shape; callers may have to give a name and password.
struct Errors;

impl Modify for Errors {
    fn modify(&self, api: &mut utoipa::openapi::OpenApi) {
        let shape = ContentBuilder::new().schema(Some(Ref::from_schema_name("ErrorMessage"))).build();
        let failed = ResponseBuilder::new()
            .description("What went wrong. 400: the request; 404: there is no such thing; 409: exists already, or try again; 500: the worker")
            .content("application/json", shape)
            .build();
        for path in api.paths.paths.values_mut() {
            let operations =
                [&mut path.get, &mut path.put, &mut path.post, &mut path.delete, &mut path.patch].into_iter().flatten();
            for operation in operations {
                operation.responses.responses.entry("default".to_owned()).or_insert_with(|| failed.clone().into());
            }
        }
        let basic = HttpBuilder::new().scheme(HttpAuthScheme::Basic).build();
        let components = api.components.get_or_insert_default();
        components.add_security_scheme("basic", SecurityScheme::Http(basic));
    }
}

/// The document.
pub(super) fn document() -> utoipa::openapi::OpenApi {
    Api::openapi()
}

/// `GET /openapi.json`: this document.
#[utoipa::path(get, path = "/openapi.json", tag = "worker", responses((status = 200, description = "OpenAPI 3.1")))]
pub(super) async fn get() -> Response {
    static TEXT: LazyLock<String> = LazyLock::new(|| document().to_json().unwrap_or_default());
    (StatusCode::OK, [(header::CONTENT_TYPE, answer::JSON)], TEXT.as_str()).into_response()
}
