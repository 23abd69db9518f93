//! Logs: one line per event, as text or JSON, on standard output.
//!
//! Spans named after a connector or task carry the fields `connector` and `task`, so lines of one connector can be picked out.
//! librdkafka's own lines come through `tracing` too, under the target `librdkafka`.

use std::fmt;

use chrono::{SecondsFormat, Utc};
use millstream_api::{Error, Result};
use tracing::{Event, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::{FormatEvent, FormatFields, Writer};
use tracing_subscriber::fmt::{FmtContext, FormattedFields};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::reload;

use super::loggers::{Level, Loggers};

/// What counts when neither `--log-level` nor `RUST_LOG` is given.
const DEFAULT_LEVEL: &str = "info";

/// Shape of log lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// `[time] LEVEL target [span fields] message fields`.
    #[default]
    Text,
    /// A JSON object per line.
    Json,
}

/// Starts logging for the whole process. `level` is a level or a list of `target=level`, as in `RUST_LOG`; without it `RUST_LOG` counts.
///
/// An error of kind `Config` when the level cannot be read; of kind `Internal` when logging was started before.
pub fn start(format: LogFormat, level: Option<&str>) -> Result<()> {
    let from_env = std::env::var("RUST_LOG").ok().filter(|text| !text.trim().is_empty());
    let directives = level.map(str::to_owned).or(from_env).unwrap_or_else(|| DEFAULT_LEVEL.to_owned());
    // Java's words for a level of everything.
    let directives = Level::parse(&directives).map_or(directives, |level| level.directive().to_owned());
    let filter = EnvFilter::try_new(&directives).map_err(|e| {
        Error::config(format!("log level {directives} cannot be read"))
            .caused_by(e)
            .hint("levels: error, warn, info, debug, trace")
    })?;
    let builder = tracing_subscriber::fmt().with_ansi(false);
    let already = |e| Error::internal("logging is started already").caused_by(e);
    let loggers = match format {
        LogFormat::Text => {
            let builder = builder.event_format(Line).with_env_filter(filter).with_filter_reloading();
            let loggers = loggers(&directives, builder.reload_handle());
            builder.try_init().map_err(already)?;
            loggers
        }
        LogFormat::Json => {
            let builder = builder.json().flatten_event(true).with_current_span(true).with_span_list(true);
            let builder = builder.with_env_filter(filter).with_filter_reloading();
            let loggers = loggers(&directives, builder.reload_handle());
            builder.try_init().map_err(already)?;
            loggers
        }
    };
    if !loggers.install() {
        tracing::warn!(
            "log levels were asked for before logging was started; they cannot be changed while the worker runs"
        );
    }
    Ok(())
}

/// Levels that change the filter behind `handle`.
fn loggers<S: 'static>(directives: &str, handle: reload::Handle<EnvFilter, S>) -> Loggers {
    Loggers::new(directives, move |text| {
        let filter = EnvFilter::try_new(text)
            .map_err(|e| Error::internal(format!("log filter {text} cannot be read")).caused_by(e))?;
        handle.reload(filter).map_err(|e| Error::internal("the log levels cannot be changed").caused_by(e))
    })
}

/// The text format.
struct Line;

impl<S, N> FormatEvent<S, N> for Line
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut out: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let meta = event.metadata();
        let time = Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true);
        write!(out, "[{time}] {} {} ", meta.level(), meta.target())?;
        let mut any = false;
        for span in context.event_scope().into_iter().flat_map(|scope| scope.from_root()) {
            let extensions = span.extensions();
            let Some(fields) = extensions.get::<FormattedFields<N>>().filter(|fields| !fields.is_empty()) else {
                continue;
            };
            out.write_str(if any { " " } else { "[" })?;
            out.write_str(fields)?;
            any = true;
        }
        if any {
            out.write_str("] ")?;
        }
        context.format_fields(out.by_ref(), event)?;
        writeln!(out)
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Captured(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Captured {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_line_has_the_fields_of_its_spans() {
        let captured = Captured::default();
        let writer = captured.clone();
        let subscriber =
            tracing_subscriber::fmt().with_ansi(false).event_format(Line).with_writer(move || writer.clone()).finish();
        tracing::subscriber::with_default(subscriber, || {
            let _connector = tracing::info_span!("connector", connector = "db").entered();
            let _task = tracing::info_span!("task", task = 0).entered();
            tracing::info!(target: "millstream_worker::task", rows = 5, "task started");
        });
        let text = String::from_utf8(captured.0.lock().unwrap().clone()).unwrap();
        let (time, rest) = text.split_once("] ").unwrap();
        assert!(time.starts_with("[20") && time.ends_with('Z'), "{text}");
        assert_eq!(rest, "INFO millstream_worker::task [connector=\"db\" task=0] task started rows=5\n");
    }
}
