//! `/connector-plugins`.

use axum::extract::{Path, RawQuery, Request, State};
use serde::Serialize;
use utoipa::ToSchema;

use super::RestContext;
use super::answer::{self, Answer};
use super::connectors::{query_values, read, settings};
use super::deadline::Deadline;
use super::validation::{ConfigInfos, KeyInfo};
use millstream_api::{Error, PluginKind};

/// A plugin of this worker.
#[derive(Serialize, ToSchema)]
pub(super) struct Plugin {
    class: &'static str,
    /// `source`, `sink`, `converter`, `header_converter`, `transformation` or `predicate`.
    #[serde(rename = "type")]
    kind: &'static str,
    version: &'static str,
}

/// `GET /connector-plugins`. Connectors only, unless `connectorsOnly` is given as anything but `true` or the empty text.
#[utoipa::path(
    get,
    path = "/connector-plugins",
    tag = "plugins",
    operation_id = "plugins",
    params(("connectorsOnly" = Option<String>, Query, description = "Anything but `true`: all kinds of plugins")),
    responses((status = 200, body = Vec<Plugin>))
)]
pub(super) async fn list(State(context): State<RestContext>, RawQuery(query): RawQuery) -> Answer {
    let connectors_only =
        query_values(&query, "connectorsOnly").next().is_none_or(|value| value.is_empty() || value == "true");
    let is_connector = |kind: PluginKind| matches!(kind, PluginKind::Source | PluginKind::Sink);
    let plugins: Vec<_> = context
        .plugins
        .all()
        .into_iter()
        .filter(|(kind, _)| !connectors_only || is_connector(*kind))
        .map(|(kind, info)| Plugin { class: info.class, kind: kind.as_str(), version: info.version })
        .collect();
    answer::ok(&plugins)
}

/// `GET /connector-plugins/{plugin}/config`: the keys of a plugin; of a connector those every connector has too.
#[utoipa::path(
    get,
    path = "/connector-plugins/{plugin}/config",
    tag = "plugins",
    operation_id = "plugin_config",
    params(("plugin" = String, Path, description = "Class name or alias"), ("version" = Option<String>, Query)),
    responses((status = 200, body = Vec<KeyInfo>))
)]
pub(super) async fn config(
    State(context): State<RestContext>,
    Path(plugin): Path<String>,
    RawQuery(query): RawQuery,
) -> Answer {
    let (info, def) = context.plugins.config_def(&plugin)?;
    if let Some(asked) = query_values(&query, "version").next()
        && asked != info.version
    {
        return Err(Error::config(format!(
            "Plugin {} not found that matches the version range {asked}, available versions: {}",
            info.class, info.version
        ))
        .into());
    }
    let keys: Vec<_> = def.keys().filter(|key| !key.internal).map(KeyInfo::of).collect();
    answer::ok(&keys)
}

/// `PUT /connector-plugins/{plugin}/config/validate`: 200 with the verdict, errors inside.
#[utoipa::path(
    put,
    path = "/connector-plugins/{plugin}/config/validate",
    tag = "plugins",
    params(("plugin" = String, Path, description = "Class name or alias")),
    request_body = HashMap<String, String>,
    responses((status = 200, body = ConfigInfos, description = "The verdict; errors are inside"))
)]
pub(super) async fn validate(
    State(context): State<RestContext>,
    Path(plugin): Path<String>,
    request: Request,
) -> Answer {
    let deadline = Deadline::start(&context);
    let config = settings(&read(request).await?)?;
    let verdict = context.herder.validate(Some(&plugin), &config);
    let verdict = deadline.stage("validating the connector's configuration", verdict).await?;
    answer::ok(&ConfigInfos::of(&verdict))
}
